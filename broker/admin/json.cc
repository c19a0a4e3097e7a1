#include "broker/admin/json.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <utility>

#include "common/check.h"
#include "common/json_text.h"

namespace fanfare::admin {

void JsonWriter::begin_value() {
  if (comma_due_) text_ += ',';
  comma_due_ = true;
}

JsonWriter& JsonWriter::begin_object() {
  begin_value();
  text_ += '{';
  ++depth_;
  comma_due_ = false;
  return *this;
}

JsonWriter& JsonWriter::end_object() {
  text_ += '}';
  --depth_;
  comma_due_ = true;
  return *this;
}

JsonWriter& JsonWriter::begin_array() {
  begin_value();
  text_ += '[';
  ++depth_;
  comma_due_ = false;
  return *this;
}

JsonWriter& JsonWriter::end_array() {
  text_ += ']';
  --depth_;
  comma_due_ = true;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  begin_value();
  append_quoted(name);
  text_ += ':';
  comma_due_ = false;
  return *this;
}

JsonWriter& JsonWriter::string(std::string_view text) {
  begin_value();
  append_quoted(text);
  return *this;
}

JsonWriter& JsonWriter::text(std::string_view text) {
  begin_value();
  append_json_string(text_, text);
  return *this;
}

void JsonWriter::append_quoted(std::string_view text) {
  text_ += '"';
  for (const char c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) {
      text_ += "\\ufffd";
    } else if (c == '<' || c == '>' || c == '&') {
      append_json_escape(text_, c);  // harmless wherever a page puts it
    } else {
      append_json_byte(text_, c);
    }
  }
  text_ += '"';
}

JsonWriter& JsonWriter::number(std::uint64_t value) {
  begin_value();
  fmt::format_to(std::back_inserter(text_), "{}", value);
  return *this;
}

JsonWriter& JsonWriter::number(std::int64_t value) {
  begin_value();
  fmt::format_to(std::back_inserter(text_), "{}", value);
  return *this;
}

JsonWriter& JsonWriter::number(double value) {
  if (!std::isfinite(value)) return null();
  begin_value();
  fmt::format_to(std::back_inserter(text_), "{}", std::round(value * 1000) / 1000);
  return *this;
}

JsonWriter& JsonWriter::boolean(bool value) {
  begin_value();
  text_ += value ? "true" : "false";
  return *this;
}

JsonWriter& JsonWriter::null() {
  begin_value();
  text_ += "null";
  return *this;
}

std::string JsonWriter::take() {
  CHECK(depth_ == 0, "objects and arrays were closed");
  comma_due_ = false;
  return std::exchange(text_, {});
}

}  // namespace fanfare::admin
