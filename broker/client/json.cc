#include "broker/client/json.h"

#include <simdjson.h>

#include "common/json_text.h"

namespace fanfare::client {

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char byte : text) {
    switch (byte) {
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        append_json_byte(out, byte);
    }
  }
  out += '"';
}

std::optional<TextFields> text_fields(std::string_view json) {
  thread_local simdjson::dom::parser parser;  // its buffers are kept from one reply to the next
  simdjson::dom::object object;
  if (parser.parse(json.data(), json.size()).get(object) != simdjson::SUCCESS) return std::nullopt;
  TextFields fields;
  for (const auto& [name, value] : object) {
    std::string_view text;
    if (value.get(text) == simdjson::SUCCESS) fields.emplace(name, text);
  }
  return fields;
}

std::optional<Receipt> receipt(std::string_view json) {
  thread_local simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(json.data(), json.size()).get(object) != simdjson::SUCCESS) return std::nullopt;
  Receipt receipt;
  std::string_view text;
  if (object["error"].get(text) == simdjson::SUCCESS) receipt.error = text;
  if (object["id"].get(text) == simdjson::SUCCESS) receipt.ids.emplace_back(text);
  if (simdjson::dom::array ids; object["ids"].get(ids) == simdjson::SUCCESS) {
    for (const simdjson::dom::element id : ids) {
      if (id.get(text) == simdjson::SUCCESS) receipt.ids.emplace_back(text);
    }
  }
  if (object["duplicate"].get(receipt.duplicate) != simdjson::SUCCESS) receipt.duplicate = false;
  return receipt;
}

}  // namespace fanfare::client
