// What the query of an operator's request means: /api/connections, /api/channels, and what closes.
// Whatever cannot be meant is refused with a sentence.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "broker/server/base/listing.h"

namespace fanfare::server {

std::expected<WalkOrder, std::string> parse_connection_query(std::string_view query);
std::expected<ChannelOrder, std::string> parse_channel_query(std::string_view query);
// The same filters, of which one has to be there, with `retry` and `reason`.
std::expected<WalkOrder, std::string> parse_close_query(std::string_view query);
// What closes one connection or stream: `retry` and `reason` only.
std::expected<Dismissal, std::string> parse_dismissal(std::string_view query);

}  // namespace fanfare::server
