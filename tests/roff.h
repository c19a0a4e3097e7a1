// What the generators of the manual pages share: text as man(7) takes it.
#pragma once

#include <string>
#include <string_view>

namespace fanfare {

// `text` as it reads, wherever it stands in a line: no character of it is a request or an escape.
inline std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool begins_line = out.empty() || out.back() == '\n';
    if (begins_line && (c == '.' || c == '\'')) out += "\\&";
    switch (c) {
      case '\\':
        out += "\\e";
        break;
      case '-':
        out += "\\-";
        break;
      case '\'':
        out += "\\(aq";
        break;
      case '`':  // the mark of code in the texts of keys
        break;
      default:
        out += c;
    }
  }
  return out;
}

inline std::string roff_bold(std::string_view text) {
  return "\\fB" + roff(text) + "\\fR";
}

// Lines that stay as they are.
inline std::string roff_lines(std::string_view text) {
  return ".nf\n" + roff(text) + (text.ends_with('\n') ? "" : "\n") + ".fi\n";
}

}  // namespace fanfare
