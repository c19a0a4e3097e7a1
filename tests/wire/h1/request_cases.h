// A table of requests as they should not, and should, be written, with the verdict each deserves.
// The table test holds our parser to it on every split; the llhttp test names each case in which
// that parser judges otherwise.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "broker/wire/http/limits.h"

namespace fanfare::h1 {

// A verdict has a word for each message and one for how the input ends: "ok" for a complete
// message, "ok(body)" when it had a body, a status for a refusal (nothing follows it), "more" for a
// message that has begun and is not complete.
struct Case {
  std::string name;  // unique
  std::string input;
  std::string verdict;
};

// Small, so that the table stays readable.
inline constexpr http::Limits kTableLimits = {.head_bytes = 512,
                                              .target_bytes = 128,
                                              .fields = 8,
                                              .body_bytes = 64,
                                              .method_bytes = 16,
                                              .chunk_extension_bytes = 24,
                                              .trailer_bytes = 40};

std::vector<Case> request_line_cases();
std::vector<Case> target_cases();
std::vector<Case> field_cases();
std::vector<Case> host_cases();
std::vector<Case> framing_cases();
std::vector<Case> chunk_cases();
std::vector<Case> pipeline_cases();
std::vector<Case> all_cases();

// The plainest request with these further field lines (each with its CRLF).
std::string with_fields(std::string_view lines);
// A POST with these field lines and what follows the head.
std::string with_body(std::string_view lines, std::string_view body);
// `count` bytes of `c`.
std::string run_of(std::size_t count, char c = 'x');

}  // namespace fanfare::h1
