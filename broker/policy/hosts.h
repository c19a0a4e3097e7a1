// Hosts: the names by which a listener may be addressed. An attacker's page can make its own name
// resolve to this machine (DNS rebinding). Its requests are then same-origin, and no CORS field
// keeps it out; but the Host field still carries its name. Some hosts can never belong to anybody
// else, and need not be listed: an IP address, localhost, *.localhost (RFC 6761 §6.3).
//
// Pure functions over values.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace fanfare::policy {

// `authority` is a request's host[:port]; empty if it has none, which no browser leaves out.
// `names` are exact ("a.example"), or "*.a.example" for all below it, or "*" for all. The port is
// ignored.
bool host_allowed(std::string_view authority, std::span<const std::string> names);

// Whether an address of [listen] ("127.0.0.1:9180", "localhost:9180") is this machine's alone.
bool is_loopback(std::string_view address);

// Empty if `name` can stand in such a list; else what is wrong and what would be right.
std::string host_name_problem(std::string_view name);

// For the client that was refused: names the key of broker.toml ("hosts", "admin_hosts").
std::string refused_host_sentence(std::string_view authority, std::string_view key);

}  // namespace fanfare::policy
