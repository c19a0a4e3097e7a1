#include "broker/wire/http/head.h"

#include "common/letters.h"

namespace fanfare::http {

Method method_of(std::string_view text) {
  if (text == "GET") return Method::get;
  if (text == "POST") return Method::post;
  if (text == "HEAD") return Method::head;
  if (text == "OPTIONS") return Method::options;
  if (text == "PUT") return Method::put;
  if (text == "DELETE") return Method::del;
  if (text == "CONNECT") return Method::connect;
  return Method::other;
}

const Field* find_field(std::span<const Field> fields, std::string_view name, const Field* after) {
  const Field* const end = fields.data() + fields.size();
  for (const Field* field = after == nullptr ? fields.data() : after + 1; field != end; ++field) {
    if (same_ignoring_case(field->name, name)) return field;
  }
  return nullptr;
}

std::string_view RequestHead::value(std::string_view name) const {
  const Field* field = find(name);
  return field == nullptr ? std::string_view() : field->value;
}

std::string_view ResponseHead::value(std::string_view name) const {
  const Field* field = find(name);
  return field == nullptr ? std::string_view() : field->value;
}

}  // namespace fanfare::http
