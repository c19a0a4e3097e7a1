// The sections of the one table of keys, each in the file of its part.
#pragma once

#include "broker/config/keys.h"

namespace fanfare::config {

// keys_broker.cc
Section<server::Options> listen_section();
Section<server::Options> server_section();
Section<server::Options> history_section();
Section<server::Options> delivery_section();
// keys_tls.cc
Section<server::Options> tls_section();
// keys_fronts.cc
Section<server::Options> fronts_section();
// keys_limits.cc
Section<server::Options> limits_section();
// keys_access.cc
Section<server::Options> cors_section();
Section<server::Options> subscribe_section();
Section<server::Options> token_section();
// keys_log.cc
Section<server::Options> access_section();
Section<server::Options> journal_section();
// keys_publish.cc
Section<server::Options> publish_section();

}  // namespace fanfare::config
