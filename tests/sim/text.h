// What clients write, in each dialect of the ingest socket, and a member of what they read.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tests/sim/ledger.h"

#include "common/random.h"

namespace fanfare::sim {

std::string http_publish(const Publication& publication, std::string_view channel,
                         std::string_view key, Random& random);
std::string http_batch(std::string_view lines);
// `verb`: finish or erase.
std::string http_control(std::string_view verb, std::string_view channel);

std::string resp_publish(const Publication& publication, std::string_view channel, Random& random);
std::string resp_word(std::string_view word);
std::string resp_control(std::string_view verb, std::string_view channel);

// With its line feed.
std::string ndjson_publish(const Publication& publication, std::string_view channel,
                           std::string_view key, Random& random);
std::string ndjson_control(std::string_view verb, std::string_view channel);

// All but letters and digits as %XX; `slash` too, unless it is to stay.
std::string percent_encoded(std::string_view text, bool keep_slash);
// The number that ndjson_publish() gave a request to be told apart by, in the answer to it.
std::optional<std::uint32_t> reference_in(std::string_view answer);
// The value of a text member of a flat JSON object.
std::optional<std::string> member_of(std::string_view json, std::string_view name);

// A key as it is behind an id.
std::string escaped_key(std::string_view key);
// What subscribers are told of a key that goes; none: of all.
std::string removal_text(std::string_view channel, const std::optional<std::string>& key);

// The beginning of it, for failures: what cannot be shown as \xNN.
std::string excerpt(std::string_view text);

}  // namespace fanfare::sim
