// The little JSON a client needs: quoting what it sends, and the string fields of the objects that
// a broker answers with (replies to publishers, the data of gap events).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fanfare::client {

// Appends `text` as a JSON string. Bytes that are not UTF-8 go through as they are: the broker, not
// the client, says what is wrong with them and where.
void append_quoted(std::string& out, std::string_view text);

// The string fields of one object, others left out; nothing if `json` is not an object.
using TextFields = std::map<std::string, std::string, std::less<>>;
std::optional<TextFields> text_fields(std::string_view json);

// What a reply to a publisher says; nothing if `json` is not an object.
struct Receipt {
  std::vector<std::string> ids;  // of "id", or of "ids"
  std::string error;
  bool duplicate = false;
};
std::optional<Receipt> receipt(std::string_view json);

}  // namespace fanfare::client
