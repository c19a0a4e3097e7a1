#include "broker/cli/top_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "broker/cli/top_tables.h"
#include "broker/client/endpoint.h"

#include "common/ip_address.h"

namespace fanfare::cli {
namespace {

constexpr std::array<std::string_view, 5> kConnectionSorts{"lag", "lag_ms", "queued", "age",
                                                           "address"};
constexpr std::array<std::string_view, 6> kChannelSorts{"rate",   "published", "subscribers",
                                                        "events", "bytes",     "name"};
constexpr std::size_t kOverviewRows = 10;  // of each table
constexpr std::size_t kRowsMax = 500;

// A filter of connections is what it looks like: an address, one of the words for a state, or else
// a channel.
std::string connection_filter(const std::string& text) {
  constexpr std::array<std::string_view, 10> kStates{
      "live",    "catching_up", "blocked", "leaving",   "greeting",
      "reading", "waiting",     "idle",    "answering", "publishing"};
  if (text.empty()) return {};
  std::string_view name = "channel";
  if (IpNetwork::parse(text) || text == "unix:") name = "address";
  if (std::ranges::find(kStates, text) != kStates.end()) name = "state";
  return fmt::format("&{}={}", name, client::percent_encode(text));
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

}  // namespace

TopView::Wish TopView::filter_key(std::string_view key) {
  std::string& filter = page_ == Page::channels ? channel_filter_ : connection_filter_;
  if (key == "\r" || key == "\n") {
    typing_ = false;
    return Wish::ask;
  }
  if (key == "\x1b") {
    typing_ = false;
    filter.clear();
    return Wish::ask;
  }
  if (key == "\x7f" || key == "\b") {
    if (!filter.empty()) filter.pop_back();
  } else if (key.size() == 1 && key[0] > ' ') {
    filter += key;
  }
  return Wish::redraw;
}

TopView::Wish TopView::key(std::string_view key) {
  if (typing_) return filter_key(key);
  if (std::exchange(confirming_, false)) {
    if (key != "y") return Wish::redraw;
    chosen_ = selected_id_;
    return Wish::close;
  }
  if (key == "q") return Wish::quit;
  if (key == "p") {
    paused_ = !paused_;
    return paused_ ? Wish::redraw : Wish::ask;
  }
  const bool has_rows = page_ != Page::overview;
  if (key == "\t") {
    page_ = static_cast<Page>((static_cast<int>(page_) + 1) % 3);
  } else if (key >= "1" && key <= "3" && key.size() == 1) {
    page_ = static_cast<Page>(key[0] - '1');
  } else if (key == "\x1b[A" || key == "\x1b[B") {
    if (key.back() == 'B') ++selected_;
    if (key.back() == 'A' && selected_ > 0) --selected_;
    selected_id_.clear();
    return Wish::redraw;
  } else if (has_rows && key == "/") {
    typing_ = true;
    return Wish::redraw;
  } else if (has_rows && key == "\x1b") {
    (page_ == Page::channels ? channel_filter_ : connection_filter_).clear();
  } else if (key == "s" && page_ == Page::channels) {
    channel_sort_ = (channel_sort_ + 1) % kChannelSorts.size();
  } else if (key == "s" && page_ == Page::connections) {
    connection_sort_ = (connection_sort_ + 1) % kConnectionSorts.size();
  } else if (has_rows && key == "r") {
    ascending_ = !ascending_;
  } else if (key == "x" && page_ == Page::connections && !selected_id_.empty()) {
    confirming_ = true;
    return Wish::redraw;
  } else {
    return Wish::none;
  }
  selected_ = 0;
  selected_id_.clear();
  return Wish::ask;
}

std::string_view TopView::sort() const {
  return page_ == Page::channels ? kChannelSorts[channel_sort_]
                                 : kConnectionSorts[connection_sort_];
}

std::string TopView::connections_target(Size size) const {
  if (page_ == Page::channels) return {};
  if (page_ == Page::overview) {
    return fmt::format("/api/connections?sort=-lag&limit={}", kOverviewRows);
  }
  return fmt::format("/api/connections?sort={}{}&limit={}{}", ascending_ ? "" : "-", sort(),
                     std::min(kRowsMax, size.rows), connection_filter(connection_filter_));
}

std::string TopView::channels_target(Size size) const {
  if (page_ == Page::connections) return {};
  if (page_ == Page::overview)
    return fmt::format("/api/channels?sort=-rate&limit={}", kOverviewRows);
  const std::string filter =
      channel_filter_.empty() ? "" : "&contains=" + client::percent_encode(channel_filter_);
  return fmt::format("/api/channels?sort={}{}&limit={}{}", ascending_ ? "" : "-", sort(),
                     std::min(kRowsMax, size.rows), filter);
}

std::string TopView::footer() const {
  if (confirming_)
    return fmt::format("close {}? y closes it, any other key does not", selected_id_);
  const std::string& filter = page_ == Page::channels ? channel_filter_ : connection_filter_;
  if (typing_) {
    return fmt::format("filter: {}_   Enter applies, Esc clears{}", filter,
                       page_ == Page::connections ? "; an address, a channel or a state" : "");
  }
  std::string text = "Tab 1 2 3 pages  q quit  p pause";
  if (page_ != Page::overview) {
    text = fmt::format("sort: {}{}  s sort  r reverse  / filter{}  {}{}", ascending_ ? "" : "-",
                       sort(), filter.empty() ? "" : fmt::format(" ({})", filter),
                       page_ == Page::connections ? "x close  " : "", text);
  }
  return paused_ ? "PAUSED  " + text : text;
}

std::string TopView::draw(const Shown& shown, Size size) {
  std::vector<std::string> lines = lines_of(shown.header);
  const auto add = [&lines](std::string_view text) {
    for (std::string& line : lines_of(text)) lines.push_back(std::move(line));
  };
  const auto left = [&] { return size.rows > lines.size() + 2 ? size.rows - lines.size() - 2 : 0; };
  if (!shown.note.empty()) lines.push_back(shown.note);
  if (page_ != Page::connections) {
    lines.emplace_back();
    const std::size_t most =
        page_ == Page::overview ? std::min<std::size_t>(left() / 2, 8) : left();
    add(channel_table(shown.channels, size.columns, std::min(most, kRowsMax)));
  }
  if (page_ != Page::channels) {
    lines.emplace_back();
    const std::vector<client::ListedConnection>& rows = shown.connections.rows;
    const auto same = std::ranges::find(rows, selected_id_, &client::ListedConnection::id);
    if (same != rows.end()) selected_ = static_cast<std::size_t>(same - rows.begin());
    const std::size_t most = std::min(left(), kRowsMax);
    selected_ = std::min(selected_, std::max<std::size_t>(std::min(rows.size(), most), 1) - 1);
    selected_id_ = selected_ < rows.size() ? rows[selected_].id : std::string();
    add(connection_table(shown.connections, size.columns, most,
                         page_ == Page::connections ? std::optional(selected_) : std::nullopt));
  }
  lines.resize(size.rows > 0 ? size.rows - 1 : 0);
  std::string text;
  for (const std::string& line : lines) {
    text += line.starts_with('\x1b') ? line : fitted(line, size.columns);
    text += '\n';
  }
  return text + fitted(footer(), size.columns);
}

}  // namespace fanfare::cli
