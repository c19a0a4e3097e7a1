// Where the ingest socket is by default: one rule for the broker that makes it and for the commands
// that look for it.
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace fanfare::server {

// /run/fanfare/ingest.sock for root; else $XDG_RUNTIME_DIR/fanfare/ingest.sock; else
// /tmp/fanfare-<uid>/ingest.sock.
std::string default_ingest_path();
// Where a publisher looks that was given no path: the default if there is a socket, else the path
// of a broker that runs as a service, else the default.
std::string reachable_ingest_path();
// `configured`, or the default when it is empty.
std::string ingest_path(std::string_view configured);

// Makes the directory of default_ingest_path() (0755 for root, else 0700) if it is missing, and
// refuses one that another user owns or may write to: under /tmp anybody could have made it first.
// The error is one sentence with a way out. Not for a configured path: its directory is the
// operator's to make.
std::expected<void, std::string> prepare_default_ingest_folder();

}  // namespace fanfare::server
