// ResponseParser: any split gives the same responses and the same ending; the head keeps within its
// bounds.
#include <string>
#include <string_view>

#include "broker/wire/h1/response_parser.h"
#include "broker/wire/http/characters.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace fanfare;
using Kind = h1::Step::Kind;

constexpr http::Limits kLimits = {.head_bytes = 300,
                                  .target_bytes = 0,
                                  .fields = 6,
                                  .body_bytes = 0,
                                  .method_bytes = 0,
                                  .chunk_extension_bytes = 20,
                                  .trailer_bytes = 40};

class Reading {
 public:
  // The first request was a HEAD, then every other one.
  explicit Reading(bool to_head) : to_head_(to_head) { parser_.reset(to_head_); }

  void take(std::string_view input) {
    while (!refused_) {
      const h1::Step step = parser_.step(input);
      CHECK(step.consumed <= input.size(), "no more than there is");
      CHECK(step.kind != Kind::more || step.consumed == input.size(), "`more` has taken all");
      CHECK(step.body.empty() || fuzz::lies_within(step.body, input), "a body is not copied");
      input.remove_prefix(step.consumed);
      if (step.kind == Kind::more) return;
      note(step);
    }
  }
  std::string ended() const {
    return text_ + " ending " + std::to_string(static_cast<int>(parser_.ending()));
  }

 private:
  void note(const h1::Step& step) {
    const http::ResponseHead& head = parser_.head();
    switch (step.kind) {
      case Kind::head:
        CHECK(head.status >= 101 && head.status <= 599, "status");
        CHECK(head.fields.size() <= kLimits.fields, "fields");
        text_.append(std::to_string(head.status)).append(head.reason);
        for (const http::Field& field : head.fields) {
          CHECK(!field.name.empty() && http::all(field.name, http::kToken), "field name");
          CHECK(http::all(field.value, http::kFieldText), "field value");
          text_.append("[").append(field.name).append("=").append(field.value).append("]");
        }
        break;
      case Kind::body:
        CHECK(!step.body.empty(), "a body piece has bytes");
        text_.append(step.body);
        break;
      case Kind::end:
        CHECK(parser_.ending() == h1::Ending::clean, "complete");
        text_ += parser_.keep_alive() ? "\nend " : "\nclose ";
        to_head_ = !to_head_;
        parser_.reset(to_head_);
        break;
      default:
        CHECK(!parser_.refusal().reason.empty(), "reason");
        text_.append(parser_.refusal().reason);
        refused_ = true;
    }
  }

  h1::ResponseParser parser_{kLimits};
  bool to_head_;
  bool refused_ = false;
  std::string text_;
};

std::string read(std::string_view bytes, const wire_test::Cuts& cuts) {
  Reading reading(bytes.size() % 8 == 7);
  wire_test::feed_in_pieces(bytes, cuts, [&](std::string_view piece) { reading.take(piece); });
  return reading.ended();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::Input input = fuzz::input_of(data, size);
  CHECK(read(input.bytes, input.cuts) == read(input.bytes, {}), "any split gives the same");
  return 0;
}
