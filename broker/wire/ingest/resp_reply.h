// RESP2 replies, appended to what is to be sent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "broker/wire/ingest/sink.h"

namespace fanfare::ingest::resp {

void append_simple(std::string& out, std::string_view text);  // "+OK"; no line breaks in it
void append_integer(std::string& out, std::uint64_t value);   // ":1"
void append_bulk(std::string& out, std::string_view bytes);   // "$5\r\nhello"
void append_nil(std::string& out);                            // "$-1"
void append_array(std::string& out, std::size_t count);       // "*2"; its members follow
// "-ERR message"; control characters in the message (a peer's bytes may be quoted in it) become
// '?', since the reply ends at its line break.
void append_error(std::string& out, std::string_view message, std::string_view prefix = "ERR");
void append_refused(std::string& out, const Refused& refused);

}  // namespace fanfare::ingest::resp
