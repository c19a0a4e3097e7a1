// JSON objects in which no name stands twice, at any depth: where one does, two programs that read
// the same text may take different values (RFC 8725 §2.4, RFC 7515 §4).
#pragma once

#include <simdjson.h>

#include <expected>
#include <string>
#include <string_view>

namespace fanfare::policy {

// The object that `text` is, valid until the parser is used again; or what it is instead, as the
// end of a sentence about it: "is not JSON".
std::expected<simdjson::dom::object, std::string> parse_object(simdjson::dom::parser& parser,
                                                               std::string_view text);

}  // namespace fanfare::policy
