// What a request becomes when an application is asked: its end-to-end fields and its body, as
// HTTP/1.1 (RFC 9110 §7.6). What concerns one connection alone stays behind; who asks for whom is
// added.
#pragma once

#include <string>
#include <string_view>

#include "broker/server/sockets/routes.h"

namespace fanfare::server {

// The field is about one connection (RFC 9110 §7.6.1), about how the message is sent on it, or
// named by `connection`, the values of the message's Connection fields.
bool is_hop_by_hop(std::string_view name, std::string_view connection);

// `client` is the address from which the request came; empty if it is not known. `connection` names
// the request for the application, as Fanfare-Connection.
void append_forwarded(std::string& out, const Request& request, std::string_view client,
                      std::string_view connection);

// A text that is the same for two requests only if a client has sent the same: all of it but what
// differs between a request and its repetition, which are its cursor and what tracing adds.
std::string identity_of(const Request& request);

}  // namespace fanfare::server
