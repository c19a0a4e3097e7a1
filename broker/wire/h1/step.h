// Step: what one call of a parser of this folder found. Parsers are pulled: call step() with the
// input there is, act on what it says, drop `consumed` bytes, call again; stop at `more`.
//
//   for (h1::Step step; (step = parser.step(input)).kind != Kind::more;) {
//     input.remove_prefix(step.consumed);
//     ...
//   }
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fanfare::h1 {

struct Step {
  enum class Kind : std::uint8_t {
    more,     // everything was consumed; bring more input
    head,     // the head is complete; there may be no further byte of this message
    body,     // `body` is the next piece of it, a view into the input, never empty
    end,      // the message is complete; reset() before the next
    refused,  // the peer broke a rule at the byte after `consumed`; refusal() says which
  };
  Kind kind = Kind::more;
  std::size_t consumed = 0;  // bytes of this input that are done with
  // GCC asks for the initializer, or for the member in every braced list.
  std::string_view body = {};
};

}  // namespace fanfare::h1
