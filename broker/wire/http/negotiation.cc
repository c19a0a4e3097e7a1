#include "broker/wire/http/negotiation.h"

#include <algorithm>

#include "broker/wire/http/characters.h"

namespace fanfare::http {

namespace {

// "q=0", "q=0.", "q=0.000": the sender does not want it (RFC 9110 §12.4.2).
bool is_zero_weight(std::string_view parameter) {
  if (!same_ignoring_case(parameter.substr(0, 3), "q=0")) return false;
  const std::string_view rest = parameter.substr(3);
  return rest.empty() || (rest.front() == '.' && rest.find_first_not_of('0', 1) == rest.npos);
}

}  // namespace

std::string_view take_member(std::string_view& list, char separator) {
  const std::string_view member = list.substr(0, list.find(separator));
  list.remove_prefix(std::min(list.size(), member.size() + 1));
  return trimmed(member);
}

bool list_has(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    if (same_ignoring_case(take_member(list), token)) return true;
  }
  return false;
}

bool media_type_is(std::string_view content_type, std::string_view type) {
  return same_ignoring_case(take_member(content_type, ';'), type);
}

bool accepts_by_name(const RequestHead& head, std::string_view type) {
  for (const Field* field = head.find("accept"); field != nullptr;
       field = head.find("accept", field)) {
    std::string_view list = field->value;
    while (!list.empty()) {
      std::string_view range = take_member(list);
      if (!same_ignoring_case(take_member(range, ';'), type)) continue;
      bool wanted = true;
      while (!range.empty()) wanted &= !is_zero_weight(take_member(range, ';'));
      if (wanted) return true;
    }
  }
  return false;
}

bool is_browser(const RequestHead& head) {
  return head.value("user-agent").starts_with("Mozilla/");
}

}  // namespace fanfare::http
