// Origins: which web pages an entry of [cors] origins means. An entry is an origin as a browser
// writes it (RFC 6454 §6.2: lower case, no default port, no path), "*" for all, "null", or a
// wildcard: "https://*.example.com" means the pages of all names below example.com, at any depth,
// but not its own. No list of public suffixes is kept: below github.io is everybody.
//
// Pure functions over values; nothing is allocated but the sentences.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace fanfare::policy {

// Whether a page of `origin` is meant by `entry`, which is not "*". To the byte; a wildcard stands
// for one or more labels.
bool origin_matches(std::string_view entry, std::string_view origin);

// As a browser writes the origin that this means; nothing if it means none.
std::optional<std::string> serialised_origin(std::string_view text);

// Empty if `entry` can stand in [cors] origins; else what is wrong ("https://a.example/": an
// origin has no path, write "https://a.example"). What it proposes can stand there.
std::string origin_problem(std::string_view entry);

// A peer's text as it may stand in a log line and inside a TOML string.
std::string quotable_origin(std::string_view text);

// The pages that have the origin "null", for sentences.
inline constexpr std::string_view kNullPages =
    "every sandboxed frame, data: URL and page opened as a file, which any site can make";

}  // namespace fanfare::policy
