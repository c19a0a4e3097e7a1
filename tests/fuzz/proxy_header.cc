// HeaderReader: whatever arrives, cut however, is judged the same, and nothing behind a header is
// taken for a part of it, or left out.
#include <string>
#include <string_view>

#include "broker/wire/proxy/header_reader.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace fanfare;
using State = proxy::HeaderReader::State;

// Small, so that a fuzzer meets it.
constexpr std::size_t kBytesMax = 260;

std::string read(std::string_view bytes, const wire_test::Cuts& cuts) {
  proxy::HeaderReader reader(kBytesMax);
  State state = State::more;
  std::string rest;
  std::size_t taken = 0;
  wire_test::feed_in_pieces(bytes, cuts, [&](std::string_view piece) {
    if (state == State::more) {
      std::string_view left = piece;
      state = reader.read(left);
      CHECK(left.size() <= piece.size(), "no more than there is");
      CHECK(state != State::more || left.empty(), "`more` has taken all");
      taken += piece.size() - left.size();
      if (state == State::none) rest += reader.held();
      piece = left;
    }
    if (state == State::none || state == State::done) rest += piece;
  });
  CHECK(taken <= kBytesMax, "a header has a bound");
  CHECK(state != State::none || rest == bytes, "what is no header is passed on whole");
  CHECK(state != State::done || bytes.ends_with(rest),
        "what follows the header is passed on whole");
  CHECK((state == State::refused) == !reader.problem().empty(), "a refusal says why");
  std::string text = std::to_string(static_cast<int>(state)) + rest;
  text += reader.problem();
  if (const auto source = reader.source(); source && state == State::done) {
    text += source->address.text() + ' ' + std::to_string(source->port);
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::Input input = fuzz::input_of(data, size);
  CHECK(read(input.bytes, input.cuts) == read(input.bytes, {}), "any split gives the same");
  return 0;
}
