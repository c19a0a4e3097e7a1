// JsonWriter: writes one JSON text, front to back, with commas where they belong. The caller keeps
// objects and arrays balanced; the writer checks that at the end.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fanfare::admin {

class JsonWriter {
 public:
  JsonWriter& begin_object();
  JsonWriter& end_object();
  JsonWriter& begin_array();
  JsonWriter& end_array();
  // In an object, before each value.
  JsonWriter& key(std::string_view name);

  // Names, addresses and versions are ASCII; a byte that is not becomes U+FFFD, because the text
  // travels in a stream that must be UTF-8.
  JsonWriter& string(std::string_view text);
  // The same for what clients choose: UTF-8 stays as it is, other bytes become U+FFFD.
  JsonWriter& text(std::string_view text);
  JsonWriter& number(std::uint64_t value);
  JsonWriter& number(std::int64_t value);
  // To a thousandth; what is not finite becomes null.
  JsonWriter& number(double value);
  JsonWriter& boolean(bool value);
  JsonWriter& null();

  template <class Value>
  JsonWriter& member(std::string_view name, const Value& value) {
    key(name);
    if constexpr (requires { std::string_view(value); }) {
      return string(value);
    } else {
      return number(value);
    }
  }

  std::string take();

 private:
  void begin_value();
  void append_quoted(std::string_view text);

  std::string text_;
  std::uint32_t depth_ = 0;
  bool comma_due_ = false;
};

}  // namespace fanfare::admin
