#include "broker/wire/sse/json_control.h"

#include <fmt/format.h>

#include "common/json_text.h"

namespace fanfare::sse {
namespace {

std::string quoted(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

}  // namespace

std::string json_position(std::string_view id) {
  return fmt::format("{{\"position\":\"{0}\",\"id\":\"{0}\"}}\n", id);
}

std::string json_gap(const GapEvent& gap) {
  return fmt::format("{{\"gap\":{},\"id\":\"{}\"}}\n", gap_data(gap), gap.id);
}

std::string json_end() {
  return "{\"end\":true}\n";
}

std::string json_come_back(Duration retry, std::string_view reason, std::string_view id) {
  std::string text = fmt::format(R"({{"come_back":{{"retry":{})", in_milliseconds(retry));
  if (!reason.empty()) text += fmt::format(R"(,"reason":{})", quoted(reason));
  text += '}';
  if (!id.empty()) text += fmt::format(R"(,"id":"{}")", id);
  return text + "}\n";
}

std::string json_heartbeat_seen(std::string_view name, std::chrono::sys_seconds now) {
  return fmt::format("{{\"heartbeat\":{},\"time\":\"{}\"}}\n", quoted(name), time_text(now));
}

}  // namespace fanfare::sse
