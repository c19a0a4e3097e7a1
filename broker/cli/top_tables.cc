#include "broker/cli/top_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "broker/cli/top_screen.h"

#include "common/utf8.h"

namespace fanfare::cli {
namespace {

constexpr std::string_view kReverse = "\x1b[7m";
constexpr std::string_view kPlain = "\x1b[0m";
constexpr std::size_t kLastMin = 12;  // what the last column, which takes the rest, has at least

template <class Row>
struct Column {
  std::string_view head;
  std::size_t width;     // 0: the rest; it is the last
  std::size_t from = 0;  // shown if the terminal has so many places
  bool right = false;
  std::function<std::string(const Row&)> text;
};

std::string filled(std::string_view text, std::size_t width, bool right) {
  std::string cut = fitted(text, width);
  if (!right) return cut;
  const std::size_t blanks = cut.size() - (cut.find_last_not_of(' ') + 1);
  return std::string(blanks, ' ') + cut.substr(0, cut.size() - blanks);
}

template <class Row>
std::string table(const std::vector<Column<Row>>& columns, const std::vector<Row>& rows,
                  std::size_t width, std::size_t most, std::optional<std::size_t> selected) {
  std::vector<const Column<Row>*> shown;
  std::size_t used = 0;
  for (const Column<Row>& column : columns) {
    if (width < column.from) continue;
    shown.push_back(&column);
    if (column.width > 0) used += column.width + 1;
  }
  const std::size_t rest = std::max(kLastMin, width > used ? width - used : 0);
  const auto line = [&](const auto& text_of) {
    std::string text;
    for (const Column<Row>* column : shown) {
      if (!text.empty()) text += ' ';
      text += filled(text_of(*column), column->width > 0 ? column->width : rest, column->right);
    }
    return fitted(text, width);
  };
  std::string text =
      line([](const Column<Row>& column) { return std::string(column.head); }) + '\n';
  for (std::size_t i = 0; i < std::min(most, rows.size()); ++i) {
    const std::string row = line([&](const Column<Row>& column) { return column.text(rows[i]); });
    text += selected == i ? fmt::format("{}{}{}\n", kReverse, row, kPlain) : row + '\n';
  }
  return text;
}

std::string channels_of(const client::ListedConnection& row) {
  std::string text;
  for (const std::string& channel : row.channels) text += (text.empty() ? "" : " ") + channel;
  if (row.channels_total > row.channels.size()) {
    text += fmt::format(" and {} more", row.channels_total - row.channels.size());
  }
  return text;
}

}  // namespace

std::string fitted(std::string_view text, std::size_t width) {
  std::string cut;
  std::size_t places = 0;
  for (std::size_t at = 0; at < text.size() && places < width; ++places) {
    const std::size_t size = utf8_sequence_size(text, at);
    const bool printable = size > 1 || (size == 1 && text[at] >= ' ' && text[at] != '\x7f');
    cut += printable ? text.substr(at, size) : "?";
    at += std::max<std::size_t>(size, 1);
  }
  return cut.append(width - places, ' ');
}

std::string readable_time(std::uint64_t milliseconds) {
  const auto ms = static_cast<double>(milliseconds);
  if (ms < 1000) return fmt::format("{} ms", milliseconds);
  if (ms < 100e3) return fmt::format("{:.1f} s", ms / 1e3);
  if (ms < 100 * 60e3) return fmt::format("{:.0f} min", ms / 60e3);
  if (ms < 48 * 3600e3) return fmt::format("{:.1f} h", ms / 3600e3);
  return fmt::format("{:.1f} d", ms / 86'400e3);
}

std::string connection_table(const client::Listed<client::ListedConnection>& list,
                             std::size_t width, std::size_t rows,
                             std::optional<std::size_t> selected) {
  using Row = client::ListedConnection;
  const auto tcp = [](const auto& text) {
    return [text](const Row& row) { return row.tcp ? text(*row.tcp) : std::string("-"); };
  };
  static const std::vector<Column<Row>> kColumns{
      {"STATE", 11, 0, false, [](const Row& row) { return row.state; }},
      {"LAG", 8, 0, true,
       [](const Row& row) {
         return readable_count(static_cast<double>(row.lag_events)) + (row.lag_at_least ? "+" : "");
       }},
      {"LAG TIME", 8, 0, true,
       [](const Row& row) { return row.lag_events == 0 ? "-" : readable_time(row.lag_ms); }},
      {"QUEUED", 9, 0, true,
       [](const Row& row) { return readable_bytes(static_cast<double>(row.queued_bytes)); }},
      {"IN SOCKET", 9, 130, true, tcp([](const client::ListedTcp& t) {
         return readable_bytes(static_cast<double>(t.unacked_bytes));
       })},
      {"RTT", 9, 110, true,
       tcp([](const client::ListedTcp& t) { return fmt::format("{:.2f} ms", t.rtt_ms); })},
      {"RETR", 6, 110, true, tcp([](const client::ListedTcp& t) {
         return readable_count(static_cast<double>(t.retransmits));
       })},
      {"SENT", 9, 130, true, tcp([](const client::ListedTcp& t) {
         return readable_bytes(static_cast<double>(t.sent_bytes));
       })},
      {"AGE", 8, 0, true, [](const Row& row) { return readable_time(row.age_ms); }},
      {"PROTOCOL", 9, 130, false,
       [](const Row& row) { return row.protocol + (row.tls ? "s" : ""); }},
      {"ID", 14, 150, false, [](const Row& row) { return row.id; }},
      {"ADDRESS", 21, 0, false, [](const Row& row) { return row.address; }},
      {"SUBJECT", 16, 170, false, [](const Row& row) { return row.subject; }},
      {"CHANNELS", 0, 0, false, &channels_of},
  };
  return table(kColumns, list.rows, width, rows, selected);
}

std::string channel_table(const client::Listed<client::ListedChannel>& list, std::size_t width,
                          std::size_t rows) {
  using Row = client::ListedChannel;
  const auto count = [](std::uint64_t Row::* member) {
    return [member](const Row& row) { return readable_count(static_cast<double>(row.*member)); };
  };
  static const std::vector<Column<Row>> kColumns{
      {"EVENTS/S", 9, 0, true,
       [](const Row& row) {
         return row.events_s ? readable_count(static_cast<double>(*row.events_s)) : "-";
       }},
      {"SUBSCRIBERS", 11, 0, true, count(&Row::subscribers)},
      {"PUBLISHED", 12, 0, true, count(&Row::published)},
      {"KEPT", 9, 0, true, count(&Row::events)},
      {"BYTES", 10, 0, true,
       [](const Row& row) { return readable_bytes(static_cast<double>(row.bytes)); }},
      {"CHANNEL", 0, 0, false, [](const Row& row) { return row.name; }},
  };
  return table(kColumns, list.rows, width, rows, std::nullopt);
}

}  // namespace fanfare::cli
