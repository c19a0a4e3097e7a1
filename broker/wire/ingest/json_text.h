// The few things about JSON text that simdjson leaves to its users: judging a scalar by its grammar
// alone, and where a text is broken. Numbers are forwarded as they were written: they need to be
// JSON, not to fit into 64 bits.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace fanfare::ingest {

// RFC 8259 §6, §3.
bool is_json_number(std::string_view token);
bool is_json_literal(std::string_view token);  // true, false, null

// `inside` is the text between the quotes of a JSON string. Returns the offset of the first escape
// that is invalid or stands for half a surrogate pair (RFC 8259 §7, §8.2), or npos.
std::size_t bad_escape(std::string_view inside);

// In a text whose strings simdjson found broken: the offset of the first control character inside a
// string, or of the opening quote of the one that never ends, or npos.
std::size_t broken_string(std::string_view text);

// Bytes up to and including the brace or bracket that closes what the first one opens; all of them
// if none does.
std::size_t object_size(std::string_view text);

}  // namespace fanfare::ingest
