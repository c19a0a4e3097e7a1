#include "broker/wire/http/target.h"

#include "broker/wire/http/characters.h"

#include "common/hex.h"
#include "common/letters.h"

namespace fanfare::http {

namespace {

// "http://" or "https://": the size of the prefix, 0 if it is neither.
std::size_t scheme_size(std::string_view text) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (same_ignoring_case(text.substr(0, scheme.size()), scheme)) return scheme.size();
  }
  return 0;
}

void split_path_and_query(std::string_view text, Target& target) {
  const std::size_t mark = text.find('?');
  target.path = text.substr(0, mark);
  if (mark != std::string_view::npos) target.query = text.substr(mark + 1);
  if (target.path.empty()) target.path = "/";
}

bool is_bracketed_address(std::string_view text) {
  if (text.size() < 4 || text.front() != '[' || text.back() != ']') return false;
  bool colon = false;
  for (const char c : text.substr(1, text.size() - 2)) {
    if (!is(c, kHexDigit) && c != ':' && c != '.') return false;
    colon |= c == ':';
  }
  return colon;
}

}  // namespace

std::optional<Target> parse_target(std::string_view text) {
  Target target;
  if (text == "*") {
    target.form = TargetForm::asterisk;
    target.path = text;
    return target;
  }
  if (text.empty() || !all(text, kTargetText)) return std::nullopt;
  if (text.front() == '/') {
    split_path_and_query(text, target);
    return target;
  }
  const std::size_t scheme = scheme_size(text);
  if (scheme == 0) return std::nullopt;
  target.form = TargetForm::absolute;
  const std::size_t end = text.find_first_of("/?", scheme);
  target.authority = text.substr(scheme, end == std::string_view::npos ? end : end - scheme);
  // RFC 9110 §4.2.1: an http URI with an empty host is invalid.
  if (target.authority.empty() || target.authority.front() == ':') return std::nullopt;
  if (!is_authority(target.authority)) return std::nullopt;
  split_path_and_query(text.substr(scheme + target.authority.size()), target);
  return target;
}

bool is_authority(std::string_view text) {
  std::string_view host = text;
  const std::size_t bracket = text.rfind(']');
  const std::size_t colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon != std::string_view::npos) {
    if (!all(text.substr(colon + 1), kDigit)) return false;
    host = text.substr(0, colon);
  }
  if (host.empty()) return true;
  if (host.front() == '[') return is_bracketed_address(host);
  if (!all(host, kHostName)) return false;
  return host.find('%') == std::string_view::npos || percent_decoded(host).has_value();
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded.push_back(text[i]);
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const int high = hex_value(text[i + 1]);
    const int low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    decoded.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return decoded;
}

}  // namespace fanfare::http
