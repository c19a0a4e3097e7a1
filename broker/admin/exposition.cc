#include "broker/admin/exposition.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>

namespace fanfare::admin {
namespace {

// HELP escapes backslash and line feed; a label value also the double quote.
void append_escaped(std::string& out, std::string_view text, bool in_quotes) {
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && in_quotes) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
}

}  // namespace

void Exposition::family(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  fmt::format_to(std::back_inserter(text_), "# HELP {} ", name);
  append_escaped(text_, help, false);
  fmt::format_to(std::back_inserter(text_), "\n# TYPE {} {}\n", name, type);
}

void Exposition::begin_sample(std::initializer_list<Label> labels, std::string_view suffix) {
  text_ += name_;
  text_ += suffix;
  char before = '{';
  for (const auto& [name, value] : labels) {
    text_ += before;
    text_ += name;
    text_ += "=\"";
    append_escaped(text_, value, true);
    text_ += '"';
    before = ',';
  }
  if (labels.size() != 0) text_ += '}';
}

void Exposition::sample(std::uint64_t value, std::initializer_list<Label> labels,
                        std::string_view suffix) {
  begin_sample(labels, suffix);
  fmt::format_to(std::back_inserter(text_), " {}\n", value);
}

void Exposition::sample(double value, std::initializer_list<Label> labels,
                        std::string_view suffix) {
  begin_sample(labels, suffix);
  if (std::isinf(value)) {
    text_ += value > 0 ? " +Inf\n" : " -Inf\n";
  } else {
    fmt::format_to(std::back_inserter(text_), " {}\n", value);
  }
}

}  // namespace fanfare::admin
