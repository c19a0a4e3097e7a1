// What a request's fields say about who is asking and for what: lists of tokens, media types, and
// the two questions the broker puts to every subscriber (which format, and is it a browser).
#pragma once

#include <string_view>

#include "broker/wire/http/head.h"

namespace fanfare::http {

// Takes the next member off a list (RFC 9110 §5.6.1), trimmed; it may be empty. Quoted strings are
// not looked into: no field the broker reads has one with a separator in it.
std::string_view take_member(std::string_view& list, char separator = ',');

// Whether a comma-separated list (Connection, Cache-Control) has this member, ignoring case.
bool list_has(std::string_view list, std::string_view token);

// The media type of a Content-Type value is `type` ("application/json"), whatever its parameters.
bool media_type_is(std::string_view content_type, std::string_view type);

// An Accept field names exactly this type, not by a wildcard, and not with q=0. Every client that
// asks for nothing else is given a stream, so wildcards never need to be weighed.
bool accepts_by_name(const RequestHead& head, std::string_view type);

// Whether this content coding ("gzip") is at least as welcome as none (RFC 9110 §12.5.3). Without
// an Accept-Encoding it is not: tools used at a terminal send none.
bool prefers_coding(const RequestHead& head, std::string_view coding);

// The User-Agent is one that browsers send ("Mozilla/…"; all of them, and nothing else a broker
// meets, begin so).
bool is_browser(const RequestHead& head);

}  // namespace fanfare::http
