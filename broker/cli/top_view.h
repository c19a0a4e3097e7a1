// TopView: what the person at `fanfare top` looks at: which page, sorted by what, filtered by what,
// and which row is selected. Keys change it; it says what to ask the broker for. Pure.
//
//   Tab 1 2 3   the overview, channels, connections       arrows   the selected connection
//   s r         the next column to sort by; the other way  x y      closes it, when confirmed
//   /           a filter, until Enter; Esc clears it       p q      pauses, quits
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "broker/client/listings.h"

namespace fanfare::cli {

class TopView {
 public:
  enum class Page : std::uint8_t { overview, channels, connections };
  struct Size {
    std::size_t columns = 80, rows = 24;
  };
  enum class Wish : std::uint8_t { none, redraw, ask, close, quit };

  explicit TopView(Page page = Page::overview) : page_(page) {}

  Page page() const { return page_; }
  bool paused() const { return paused_; }
  // One key, or the bytes that a terminal sends for it.
  Wish key(std::string_view key);
  // Paths with queries, for as many rows as fit; empty: not needed on this page.
  std::string connections_target(Size size) const;
  std::string channels_target(Size size) const;
  // What is to be closed, after Wish::close: an id.
  const std::string& chosen() const { return chosen_; }

  struct Shown {
    std::string header;  // lines
    client::Listed<client::ListedChannel> channels;
    client::Listed<client::ListedConnection> connections;
    std::string note;  // in place of a table, or about what was done
  };
  // Lines of exactly the size, each ended by a line feed but the last. Keeps what the selection is
  // about.
  std::string draw(const Shown& shown, Size size);

 private:
  std::string_view sort() const;
  Wish filter_key(std::string_view key);
  std::string footer() const;

  Page page_;
  std::size_t channel_sort_ = 0, connection_sort_ = 0;
  bool ascending_ = false;
  bool paused_ = false;
  bool typing_ = false;      // a filter
  bool confirming_ = false;  // to close the selected connection
  std::string channel_filter_, connection_filter_;
  std::size_t selected_ = 0;
  std::string selected_id_;
  std::string chosen_;
};

}  // namespace fanfare::cli
