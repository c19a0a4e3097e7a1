#include "broker/cli/event_printer.h"

#include <fmt/format.h>

#include "broker/client/json.h"

namespace fanfare::cli {
namespace {

constexpr std::string_view kDim = "2";
constexpr std::string_view kCyan = "36";
constexpr std::string_view kYellow = "33";

std::string event_json(const client::ReceivedEvent& event) {
  std::string json = "{\"id\":";
  client::append_quoted(json, event.id);
  json += ",\"event\":";
  client::append_quoted(json, event.type);
  json += ",\"data\":";
  client::append_quoted(json, event.data);
  json += '}';
  return json;
}

std::string gap_json(const client::ReceivedGap& gap) {
  std::string json = "{\"gap\":{\"reason\":";
  client::append_quoted(json, gap.reason);
  json += ",\"after\":";
  client::append_quoted(json, gap.after);
  json += ",\"resumed\":";
  client::append_quoted(json, gap.resumed);
  json += "}}";
  return json;
}

// The sentence of a gap: what is missing and why.
std::string gap_text(const client::ReceivedGap& gap) {
  std::string why = gap.reason;
  if (gap.reason == "evicted") why = "they have left the history";
  if (gap.reason == "restarted") why = "the broker was restarted";
  if (gap.reason == "unknown") why = "the broker does not know that id";
  if (gap.reason == "slow") why = "this reader was too slow";
  return fmt::format("gap: events after {} and up to {} are gone ({})",
                     gap.after.empty() ? "?" : gap.after, gap.resumed.empty() ? "?" : gap.resumed,
                     why);
}

}  // namespace

std::string without_controls(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0U;
    if (byte == 0xc2 && next >= 0x80 && next <= 0x9f) {  // C1, as UTF-8 writes it
      clean += fmt::format("\\x{:02x}", next);
      ++i;
    } else if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
      clean += fmt::format("\\x{:02x}", byte);
    } else {
      clean += text[i];
    }
  }
  return clean;
}

std::string EventPrinter::coloured(std::string_view code, std::string_view text) const {
  return colours_ ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
}

void EventPrinter::print(const client::ReceivedEvent& event) {
  switch (format_) {
    case Format::json:
      fmt::print(console_.out, "{}\n", event_json(event));
      return;
    case Format::raw:
      fmt::print(console_.out, "{}\n", event.data);
      return;
    case Format::plain:
      break;
  }
  std::string text = coloured(kDim, without_controls(event.id)) + "  ";
  text += coloured(kCyan, without_controls(event.type)) + "  ";
  std::string_view rest = event.data;
  for (auto end = rest.find('\n'); end != rest.npos; end = rest.find('\n')) {
    text += without_controls(rest.substr(0, end)) + "\n    ";
    rest.remove_prefix(end + 1);
  }
  fmt::print(console_.out, "{}{}\n", text, without_controls(rest));
}

void EventPrinter::print(const client::ReceivedGap& gap) {
  if (format_ == Format::json) {
    fmt::print(console_.out, "{}\n", gap_json(gap));
  } else {
    fmt::print(format_ == Format::raw ? console_.err : console_.out, "{}\n",
               coloured(kYellow, without_controls(gap_text(gap))));
  }
}

}  // namespace fanfare::cli
