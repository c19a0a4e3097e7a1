// tls::Engine: whatever arrives instead of a handshake, in the middle of one, or instead of a
// record, cut however, ends in the same way; and no text comes out that the client did not send.
#include <algorithm>
#include <string>
#include <string_view>

#include "broker/wire/tls/engine.h"
#include "broker/wire/tls/identity.h"
#include "broker/wire/tls/self_signed.h"
#include "tests/fuzz/fuzz.h"
#include "tests/wire/tls/client.h"

namespace {

using namespace fanfare;

const std::shared_ptr<const tls::Server>& server() {
  static const std::shared_ptr<const tls::Server> made = tls::simple_server();
  return made;
}

struct End {
  tls::Engine::State state{};
  tls::Failure failure{};
  std::string text;

  friend bool operator==(const End&, const End&) = default;
};

wire_test::Cuts within(const wire_test::Cuts& cuts, std::size_t size) {
  wire_test::Cuts inner;
  inner.reserve(cuts.size());
  for (const std::size_t cut : cuts) inner.push_back(std::min(cut, size));
  return inner;
}

End fed(tls::Engine& engine, std::string_view bytes, const wire_test::Cuts& cuts) {
  End end;
  wire_test::feed_in_pieces(bytes, within(cuts, bytes.size()), [&](std::string_view piece) {
    std::string out;
    engine.received(piece, end.text, out);
    CHECK(out.size() < 64U << 10U, "an answer has a bound");
  });
  end.state = engine.state();
  end.failure = engine.failure();
  CHECK((end.state == tls::Engine::State::failed) == (end.failure != tls::Failure::none),
        "a failure has a reason");
  return end;
}

// Nothing has come before.
void at_the_beginning(const fuzz::Input& input) {
  tls::Aead aead;
  tls::Engine whole(server(), aead);
  tls::Engine pieces(server(), aead);
  const End end = fed(whole, input.bytes, {});
  CHECK(fed(pieces, input.bytes, input.cuts) == end, "any split gives the same");
  CHECK(end.text.empty(), "there is no text before the handshake");
}

// The handshake is over.
void after_the_handshake(const fuzz::Input& input, int version) {
  tls::Pair whole(server(), {.version = version});
  tls::Pair pieces(server(), {.version = version});
  whole.shake_hands();
  pieces.shake_hands();
  CHECK(whole.open() && pieces.open(), "an honest handshake succeeds");
  const End end = fed(whole.engine, input.bytes, {});
  CHECK(fed(pieces.engine, input.bytes, input.cuts) == end, "any split gives the same");
  CHECK(end.text.empty(), "nobody guesses a key");
}

// An honest client, some bytes of which are changed on their way: pairs of a place and a mask.
void changed_on_the_way(const fuzz::Input& input, int version) {
  constexpr std::string_view kText = "GET / HTTP/1.1\r\n\r\n";
  tls::Pair pair(server(), {.version = version});
  std::string_view changes = input.bytes;
  std::string to_engine = pair.client.receive({});
  std::string text;
  for (int round = 0; round < 4 && !to_engine.empty(); ++round) {
    if (pair.client.done() && !pair.client.failed()) to_engine += pair.client.send(kText);
    if (changes.size() >= 2) {
      const std::size_t place = static_cast<unsigned char>(changes[0]) * to_engine.size() / 256;
      to_engine[place] = static_cast<char>(to_engine[place] ^ changes[1]);
      changes.remove_prefix(2);
    }
    std::string to_client;
    wire_test::feed_in_pieces(
        to_engine, within(input.cuts, to_engine.size()),
        [&](std::string_view piece) { pair.engine.received(piece, text, to_client); });
    to_engine = pair.client.receive(to_client);
  }
  for (std::string_view left = text; !left.empty(); left.remove_prefix(kText.size())) {
    CHECK(left.starts_with(kText), "what was changed is not read");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input = fuzz::input_of(data, size);
  if (input.bytes.empty()) return 0;
  const char kind = input.bytes.front();
  input.bytes.remove_prefix(1);
  const int version = (kind & 8) == 0 ? TLS1_3_VERSION : TLS1_2_VERSION;
  switch (kind & 7) {
    case 0:
      after_the_handshake(input, version);
      break;
    case 1:
      changed_on_the_way(input, version);
      break;
    default:
      at_the_beginning(input);
  }
  return 0;
}
