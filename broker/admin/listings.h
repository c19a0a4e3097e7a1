// /api/connections and /api/channels as JSON. docs/OPERATING.md lists the members.
#pragma once

#include <string>

#include "broker/server/base/listing.h"

namespace fanfare::admin {

std::string connections_json(const server::ConnectionListing& listing);
std::string channels_json(const server::ChannelListing& listing);

}  // namespace fanfare::admin
