// The request target (RFC 9112 §3.2) and the authority in it. Characters: those of RFC 3986, plus
// the seven that browsers send unescaped (characters.h); never a fragment, a control, a space or a
// byte above 0x7f. Percent escapes are not decoded here: %2F is not a slash.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace fanfare::http {

enum class TargetForm : std::uint8_t { origin, absolute, asterisk };

struct Target {
  TargetForm form = TargetForm::origin;
  std::string_view authority;  // absolute form only
  std::string_view path;       // begins with '/' ("/" where an absolute form has none), or "*"
  std::string_view query;      // after the first '?'; empty if there is none
};

// Nothing if `text` is none of the three forms or contains a byte that no target may. The authority
// form (for CONNECT) is not one of them, since this is not a proxy.
std::optional<Target> parse_target(std::string_view text);

// host [":" port] (RFC 9110 §7.2): a name, an IPv4 address or a bracketed IPv6 address; no user
// name. An empty text is valid by the grammar.
bool is_authority(std::string_view text);

// Every escape decoded, `+` left alone; nothing if an escape is malformed. May hold any byte.
std::optional<std::string> percent_decoded(std::string_view text);

}  // namespace fanfare::http
