// Selftest: /selftest, a page that finds out from inside its visitor's browser what lies between
// that and the broker: whether a front buffers, cuts, strips or compresses, and what to change
// there. Off unless [subscribe] selftest says otherwise.
//
//   /selftest             the page, and /selftest/page.js, .css, words.js: the same for everybody
//   /selftest/echo        what arrived of a request, as JSON
//   /selftest/end?as=     an event stream with one event that soon ends: "complete", or "come-back"
//   /selftest/stream      an event stream without events, for its heartbeats; ended after ten
//   minutes
//
// What is echoed is a few fields by name, each cut; of those that say where a request has been,
// only that they are there. Nothing for other origins.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "broker/server/base/options.h"
#include "broker/server/sockets/routes.h"

namespace fanfare::server {

struct SelftestFile {
  std::string_view path;
  std::string_view content_type;
  std::string_view bytes;
  std::string_view gzip;
};

// selftest/pack.mjs makes the source that defines them, in the build folder.
std::span<const SelftestFile> selftest_files();

inline constexpr std::string_view kSelftestPath = "/selftest";
inline constexpr std::string_view kSelftestEchoPath = "/selftest/echo";
inline constexpr std::string_view kSelftestEndPath = "/selftest/end";
inline constexpr std::string_view kSelftestStreamPath = "/selftest/stream";
// Nobody publishes there, and no client can name it.
inline constexpr std::string_view kSelftestChannel = "~selftest";
inline constexpr Duration kSelftestLife = 10min;
// After its event: a reset that a front sends at once may overtake it in a browser (over HTTP/2).
inline constexpr Duration kSelftestEndLife = 400ms;
inline constexpr Duration kSelftestRetry = 200ms;

bool is_selftest(std::string_view path);
// False: it is none of the page's files.
bool answer_selftest_file(const http::RequestHead& head, Response& response);
void answer_selftest_echo(const Request& request, const Options& options, Response& response);
// The event of /selftest/end, in the framing that the request's stream has; its data is the id that
// the client presented.
void say_selftest_event(const Request& request, std::string& out);

}  // namespace fanfare::server
