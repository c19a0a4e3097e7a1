// RequestParser: whatever arrives, cut however, it is judged the same; nothing is read twice or
// left out, and what is accepted keeps the promises that the rest of the broker builds on.
#include <string>
#include <string_view>

#include "broker/wire/h1/request_parser.h"
#include "broker/wire/http/characters.h"
#include "broker/wire/http/target.h"
#include "tests/fuzz/fuzz.h"

#include "common/letters.h"

namespace {

using namespace fanfare;
using Kind = h1::Step::Kind;

// Small, so that a fuzzer meets each.
constexpr http::Limits kLimits = {.head_bytes = 600,
                                  .target_bytes = 100,
                                  .fields = 8,
                                  .body_bytes = 80,
                                  .method_bytes = 12,
                                  .chunk_extension_bytes = 20,
                                  .trailer_bytes = 40};

void check_head(const http::RequestHead& head) {
  CHECK(!head.method_text.empty() && head.method_text.size() <= kLimits.method_bytes, "method");
  CHECK(http::all(head.method_text, http::kToken), "method characters");
  CHECK(head.method != http::Method::connect, "CONNECT is refused");
  CHECK(!head.target.empty() && head.target.size() <= kLimits.target_bytes, "target");
  CHECK(http::all(head.target, http::kTargetText), "target characters");
  CHECK(head.path.starts_with('/') || head.path == "*", "path");
  CHECK(http::is_authority(head.authority), "authority");
  CHECK(head.fields.size() <= kLimits.fields, "fields");
  std::size_t lengths = 0;
  std::size_t codings = 0;
  for (const http::Field& field : head.fields) {
    CHECK(!field.name.empty() && http::all(field.name, http::kToken), "field name");
    CHECK(http::all(field.value, http::kFieldText), "field value");
    CHECK(field.value == http::trimmed(field.value), "field value is trimmed");
    lengths += same_ignoring_case(field.name, "content-length") ? 1U : 0U;
    codings += same_ignoring_case(field.name, "transfer-encoding") ? 1U : 0U;
  }
  CHECK(lengths + codings <= 1, "the end of a body is said once");
  CHECK(head.minor_version == 0 || head.find("host") != nullptr, "Host");
}

class Reading {
 public:
  void take(std::string_view input) {
    while (!refused_) {
      const h1::Step step = parser_.step(input);
      CHECK(step.consumed <= input.size(), "no more than there is");
      CHECK(step.kind != Kind::more || step.consumed == input.size(), "`more` has taken all");
      CHECK(step.body.empty() || fuzz::lies_within(step.body, input), "a body is not copied");
      input.remove_prefix(step.consumed);
      consumed_ += step.consumed;
      if (step.kind == Kind::more) return;
      note(step);
    }
  }
  std::string ended() {
    if (parser_.begun() && !refused_) text_ += " begun";
    return text_ + " of " + std::to_string(consumed_);
  }

 private:
  void note(const h1::Step& step) {
    switch (step.kind) {
      case Kind::head:
        if (consumed_ % 2 == 0) parser_.keep();
        check_head(parser_.head());
        text_.append(parser_.head().method_text).append(" ").append(parser_.head().target);
        for (const http::Field& field : parser_.head().fields) {
          text_.append("[").append(field.name).append("=").append(field.value).append("]");
        }
        text_ += std::to_string(static_cast<int>(parser_.persistence()));
        body_bytes_ = 0;
        break;
      case Kind::body:
        CHECK(parser_.has_body() && !step.body.empty(), "a body where there is one");
        body_bytes_ += step.body.size();
        CHECK(body_bytes_ <= kLimits.body_bytes, "body bound");
        text_.append(step.body);
        break;
      case Kind::end:
        CHECK(parser_.body_size().value_or(body_bytes_) == body_bytes_, "as long as announced");
        text_ += "\nend ";
        parser_.reset();
        break;
      default:
        CHECK(parser_.refusal().status >= 400 && parser_.refusal().status <= 505, "status");
        CHECK(!parser_.refusal().reason.empty(), "reason");
        text_.append(std::to_string(parser_.refusal().status)).append(parser_.refusal().reason);
        refused_ = true;
    }
  }

  h1::RequestParser parser_{kLimits};
  bool refused_ = false;
  std::size_t consumed_ = 0;
  std::size_t body_bytes_ = 0;
  std::string text_;
};

std::string read(std::string_view bytes, const wire_test::Cuts& cuts) {
  Reading reading;
  wire_test::feed_in_pieces(bytes, cuts, [&](std::string_view piece) { reading.take(piece); });
  return reading.ended();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::Input input = fuzz::input_of(data, size);
  CHECK(read(input.bytes, input.cuts) == read(input.bytes, {}), "any split gives the same");
  return 0;
}
