#include "broker/cli/life_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "broker/cli/event_printer.h"

#include "common/json_text.h"
#include "common/utc_text.h"

namespace fanfare::cli {
namespace {

std::string time_text(std::int64_t unix_ms) {
  return utc_text(
      std::chrono::sys_time<std::chrono::milliseconds>{std::chrono::milliseconds(unix_ms)});
}

// A line of JSON that goes on with members.
std::string begun(std::int64_t unix_ms, std::string_view what) {
  return fmt::format(R"({{"time":"{}","what":"{}")", time_text(unix_ms), what);
}

void append_member(std::string& line, std::string_view name, std::string_view text) {
  if (text.empty()) return;
  line += fmt::format(",\"{}\":", name);
  append_json_string(line, text);
}

std::string joined(const std::vector<std::string>& channels) {
  std::string text;
  for (const std::string& channel : channels) text += (text.empty() ? "" : " ") + channel;
  return text;
}

}  // namespace

std::string LifeLog::opened(std::int64_t unix_ms, const client::ListedConnection& row) const {
  const std::int64_t began = unix_ms - static_cast<std::int64_t>(row.age_ms);
  if (!json_) {
    return fmt::format("{} opened  {} {} {} {}{}\n", time_text(began), row.id, row.address,
                       row.protocol.empty() ? "-" : row.protocol, joined(row.channels),
                       row.subject.empty() ? "" : " for " + without_controls(row.subject));
  }
  std::string line = begun(began, "opened");
  append_member(line, "id", row.id);
  append_member(line, "address", row.address);
  append_member(line, "protocol", row.protocol);
  append_member(line, "channels", joined(row.channels));
  append_member(line, "subject", row.subject);
  return line + "}\n";
}

std::string LifeLog::closed(const client::LiveReport::Close& close) const {
  if (!json_) {
    return fmt::format("{} closed  {} {} {} after {:.1f} s\n", time_text(close.unix_ms),
                       close.reason, close.peer, without_controls(close.topics), close.lived_s);
  }
  std::string line = begun(close.unix_ms, "closed");
  append_member(line, "reason", close.reason);
  append_member(line, "address", close.peer);
  append_member(line, "channels", close.topics);
  return line + fmt::format(",\"lived_s\":{:.3f}}}\n", close.lived_s);
}

// Connections that ended and are not named, and what was refused.
std::string LifeLog::others(const client::LiveReport& report) const {
  std::string text;
  for (auto [reason, count] : report.closed) {
    const auto named = static_cast<std::uint64_t>(
        std::ranges::count(report.closes, reason, &client::LiveReport::Close::reason));
    if (count <= named) continue;
    count -= named;
    text += json_
                ? fmt::format("{},\"reason\":\"{}\",\"count\":{}}}\n",
                              begun(report.unix_ms, "closed"), reason, count)
                : fmt::format("{} closed  {} {} more\n", time_text(report.unix_ms), reason, count);
  }
  if (report.refused_s >= 0.5) {
    text += json_ ? fmt::format("{},\"requests_s\":{:.0f}}}\n", begun(report.unix_ms, "refused"),
                                report.refused_s)
                  : fmt::format("{} refused {:.0f} requests/s\n", time_text(report.unix_ms),
                                report.refused_s);
  }
  return text;
}

std::string LifeLog::lines(const client::LiveReport& report,
                           const client::Listed<client::ListedConnection>& youngest) {
  std::string text;
  std::set<std::string> known;
  // The oldest first, as they came.
  for (auto row = youngest.rows.rbegin(); row != youngest.rows.rend(); ++row) {
    known.insert(row->id);
    const bool is_stream = row->id.starts_with('s');
    if (begun_ && is_stream && !known_.contains(row->id)) text += opened(report.unix_ms, *row);
  }
  known_ = std::move(known);
  if (!std::exchange(begun_, true)) return {};
  for (const client::LiveReport::Close& close : report.closes) text += closed(close);
  return text + others(report);
}

}  // namespace fanfare::cli
