// The certificates of [tls], and those that publishers' have to be issued by, read from their
// files: at the start, at each SIGHUP, when they have changed, and by `fanfare check`. Apart from
// the configuration, as the keys of tokens are.
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
  std::shared_ptr<const tls::Server> server;          // null: [listen] https is empty
  std::shared_ptr<const tls::Server> publish_server;  // null: [publish] listen_tls is
  std::vector<server::TlsExpiry> expiries;
  std::vector<std::string> warnings;
  // "a.test, b.test until 2026-12-24; publishers' of CN = …"; empty: there is no server.
  std::string text;
};

// The error is a sentence for each file that is bad.
std::expected<TlsFiles, std::vector<std::string>> read_tls_files(
    const server::Options& options, std::shared_ptr<tls::TicketKeys> tickets,
    std::chrono::sys_seconds now);

// The files that it reads.
std::vector<std::string> tls_file_paths(const server::Options& options);

}  // namespace fanfare::config
