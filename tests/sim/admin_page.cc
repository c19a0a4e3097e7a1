#include "tests/sim/admin_page.h"

#include <fmt/format.h>

namespace fanfare::sim {

const std::string& AdminPage::body() {
  static const std::string text = [] {
    std::string lines;
    for (int i = 0; i < 400; ++i) lines += fmt::format("line {} of the page\n", i);
    return lines;
  }();
  return text;
}

server::AdminAnswer AdminPage::answer(std::string_view path, const server::Snapshot& /*now*/) {
  if (path != kPath) return {.status = 404, .content_type = "text/plain", .body = "nothing here\n"};
  return {.status = 200, .content_type = "text/plain", .body = body()};
}

std::string AdminPage::live_event(const server::Snapshot& now) {
  forgotten_ = now.log.channels_forgotten_total;
  channels_ = now.channels;
  segment_bytes_ = now.segment_bytes;
  return live_ ? fmt::format("{}", events_++) : std::string();
}

}  // namespace fanfare::sim
