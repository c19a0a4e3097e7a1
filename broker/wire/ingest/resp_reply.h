// RESP replies, appended to what is to be sent. RESP3 is another spelling of a few of them; those
// take the protocol the connection speaks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "broker/wire/ingest/sink.h"

namespace fanfare::ingest::resp {

enum class Protocol : std::uint8_t { resp2 = 2, resp3 = 3 };

void append_simple(std::string& out, std::string_view text);  // "+OK"; no line breaks in it
void append_integer(std::string& out, std::uint64_t value);   // ":1"
void append_bulk(std::string& out, std::string_view bytes);   // "$5\r\nhello"
void append_array(std::string& out, std::size_t count);       // "*2"; its members follow
void append_nil(std::string& out, Protocol protocol);         // "$-1"; in RESP3 "_"
// "*4", keys and values in turn; in RESP3 "%2".
void append_map(std::string& out, std::size_t pairs, Protocol protocol);
void append_set(std::string& out, std::size_t count, Protocol protocol);  // "*2"; in RESP3 "~2"
// A text for people: a bulk; in RESP3 "=9\r\ntxt:hello".
void append_verbatim(std::string& out, std::string_view text, Protocol protocol);
// "-ERR message"; control characters in the message (a peer's bytes may be quoted in it) become
// '?', since the reply ends at its line break.
void append_error(std::string& out, std::string_view message, std::string_view prefix = "ERR");
void append_refused(std::string& out, const Refused& refused);

}  // namespace fanfare::ingest::resp
