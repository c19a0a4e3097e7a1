// EventPrinter: what `fanfare tail` shows of an event and of a gap: a readable line, a line of
// JSON, or the data alone. What comes from publishers never reaches a terminal as control
// sequences.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "broker/cli/command.h"
#include "broker/client/subscription.h"

namespace fanfare::cli {

class EventPrinter {
 public:
  enum class Format : std::uint8_t { plain, json, raw };

  EventPrinter(Console& console, Format format)
      : console_(console), format_(format), colours_(console.colourful()) {}

  void print(const client::ReceivedEvent& event);
  void print(const client::ReceivedGap& gap);

 private:
  std::string coloured(std::string_view code, std::string_view text) const;

  Console& console_;
  Format format_;
  bool colours_;
};

// C0 controls but tab, DEL and the C1 controls as \xNN, so that nobody's data can move the cursor.
std::string without_controls(std::string_view text);

}  // namespace fanfare::cli
