// What the strings of a configuration may look like where the type alone does not say it. Each
// returns an empty string, or a sentence that says what is wrong and what would be right, as
// common/pattern.h does for channel names.
#pragma once

#include <string>
#include <string_view>

namespace fanfare::config {

// "127.0.0.1:8080", "[::1]:8080", "localhost:8080": an address of this machine and a port.
std::string listen_address_problem(std::string_view text);

// The same, or a Unix socket where it can be bound: "unix:/run/fanfare/http.sock".
std::string subscriber_address_problem(std::string_view text);

// A name for the broker's own events: one line, visible ASCII, and not a name to which an
// EventSource gives a meaning of its own. An empty name is valid.
std::string event_name_problem(std::string_view text, std::size_t size_max);

// A path of the subscriber's side, which may have variables, and is none of the broker's own.
std::string route_path_problem(std::string_view text);

// Where a Unix socket can be bound.
std::string socket_path_problem(std::string_view text);

// The name of a cookie, or of a query parameter that is not one of the broker's own; empty: none.
std::string cookie_name_problem(std::string_view text);
std::string parameter_name_problem(std::string_view text);

// The path of a file, whatever directory the broker is started in.
std::string file_path_problem(std::string_view text);

}  // namespace fanfare::config
