#include "broker/wire/http/negotiation.h"

#include <algorithm>

#include "broker/wire/http/characters.h"

#include "common/letters.h"

namespace fanfare::http {

namespace {

// "q=0", "q=0.", "q=0.000": the sender does not want it (RFC 9110 §12.4.2).
bool is_zero_weight(std::string_view parameter) {
  if (!same_ignoring_case(parameter.substr(0, 3), "q=0")) return false;
  const std::string_view rest = parameter.substr(3);
  return rest.empty() || (rest.front() == '.' && rest.find_first_not_of('0', 1) == rest.npos);
}

// The weight among the parameters of a list's member, in thousandths; 1000 without one, and 0 for
// an invalid one: what cannot be understood does not count as a preference.
int weight_of(std::string_view parameters) {
  while (!parameters.empty()) {
    const std::string_view parameter = take_member(parameters, ';');
    if (!same_ignoring_case(parameter.substr(0, 2), "q=")) continue;
    const std::string_view value = parameter.substr(2);
    const bool whole = value == "0" || value == "1";
    const bool shaped = value.size() >= 2 && value.size() <= 5 && value[1] == '.' &&
                        (value[0] == '0' || value[0] == '1') && all(value.substr(2), kDigit);
    if (!whole && !shaped) return 0;
    int weight = 0;
    for (std::size_t i = 0; i < 4; ++i) {  // "0.25" as 0250
      const std::size_t at = i == 0 ? 0 : i + 1;
      weight = weight * 10 + (at < value.size() ? value[at] - '0' : 0);
    }
    return std::min(weight, 1000);
  }
  return 1000;
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

bool prefers_coding(const RequestHead& head, std::string_view coding) {
  int wanted = -1;  // thousandths; below 0: not named
  int any = -1;
  int as_it_is = -1;
  for (const Field* field = head.find("accept-encoding"); field != nullptr;
       field = head.find("accept-encoding", field)) {
    std::string_view list = field->value;
    while (!list.empty()) {
      std::string_view parameters = take_member(list);
      std::string_view name = take_member(parameters, ';');
      if (same_ignoring_case(name, "x-gzip")) name = "gzip";  // RFC 9110 §8.4.1.3
      const int weight = weight_of(parameters);
      if (same_ignoring_case(name, coding)) wanted = weight;
      if (same_ignoring_case(name, "identity")) as_it_is = weight;
      if (name == "*") any = weight;
    }
  }
  if (wanted < 0) wanted = any;
  return wanted > 0 && wanted >= as_it_is;
}

bool is_browser(const RequestHead& head) {
  return head.value("user-agent").starts_with("Mozilla/");
}

}  // namespace fanfare::http
