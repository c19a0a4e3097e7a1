// The certificates of [tls], read from their files: at the start, at each SIGHUP, and by
// `fanfare check`. Apart from the configuration, as the keys of tokens are.
#pragma once

#include <chrono>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "broker/server/base/options.h"
#include "broker/wire/tls/server.h"

namespace fanfare::config {

struct TlsFiles {
  std::shared_ptr<const tls::Server> server;  // null: [listen] https is empty
  std::vector<std::string> warnings;
  std::string text;  // "a.test, b.test until 2026-12-24"; empty: there is no server
};

// The error is a sentence for each file that is bad.
std::expected<TlsFiles, std::vector<std::string>> read_tls_files(
    const server::Options& options, std::shared_ptr<tls::TicketKeys> tickets,
    std::chrono::sys_seconds now);

}  // namespace fanfare::config
