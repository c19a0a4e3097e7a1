// h2::Session: whatever comes after the preface, cut however, is understood the same; a head that
// is accepted keeps the promises that the rest of the broker builds on; memory stays bounded, and a
// session that answers, offers and ends streams in the midst of it goes on or says why not.
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/wire/h2/session.h"
#include "broker/wire/http/characters.h"
#include "broker/wire/http/target.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace fanfare;

// Small, so that a fuzzer meets each.
constexpr http::Limits kLimits = {
    .head_bytes = 600, .target_bytes = 100, .fields = 8, .body_bytes = 80, .method_bytes = 12};
constexpr std::uint64_t kMemoryMax = 256U << 10U;

void check_head(const http::RequestHead& head) {
  CHECK(!head.method_text.empty() && head.method_text.size() <= kLimits.method_bytes, "method");
  CHECK(http::all(head.method_text, http::kToken), "method characters");
  CHECK(head.method != http::Method::connect, "CONNECT is refused");
  CHECK(!head.target.empty() && head.target.size() <= kLimits.target_bytes, "target");
  CHECK(http::all(head.target, http::kTargetText), "target characters");
  CHECK(head.path.starts_with('/') || head.path == "*", "path");
  CHECK(http::is_authority(head.authority), "authority");
  CHECK(head.fields.size() <= kLimits.fields + 2, "fields");  // with host and cookie
  for (const http::Field& field : head.fields) {
    CHECK(!field.name.empty() && http::all(field.name, http::kToken), "field name");
    CHECK(http::all(field.value, http::kFieldText), "field value");
    CHECK(field.name != "connection" && field.name != "transfer-encoding", "not in HTTP/2");
  }
  CHECK(head.find("host") != nullptr, "Host");
}

class Reading final : public h2::Reader {
 public:
  explicit Reading(bool answers) : answers_(answers) {}

  void take(std::string_view bytes) {
    session_.read(bytes, {});
    if (answers_) talk();
    CHECK(memory_.bytes() <= kMemoryMax, "bounded");
  }
  std::string ended() {
    talk();
    CHECK(memory_.bytes() <= kMemoryMax, "bounded");
    text_ += session_.over() ? " over" : " open";
    text_ += session_.failed() ? " failed " : " ";
    return text_ + std::string(h2::name_of(session_.flood()));
  }

  void begun(h2::StreamId stream) override { text_ += "[" + std::to_string(stream) + "]"; }
  void asked(h2::StreamId stream, bool body_follows) override {
    check_head(session_.head(stream));
    text_ += std::string(session_.head(stream).method_text) + " " +
             std::string(session_.head(stream).target) + (body_follows ? "+" : "");
  }
  void body(h2::StreamId stream, std::string_view piece) override {
    bodies_ += std::to_string(stream) + std::string(piece);
  }
  void complete(h2::StreamId stream) override {
    text_ += "!" + std::to_string(stream);
    if (answers_) answer(stream);
  }
  void refused(h2::StreamId stream, const http::Refusal& refusal) override {
    CHECK(refusal.status >= 400 && refusal.status <= 505, "status");
    text_ += std::to_string(refusal.status) + std::string(refusal.reason);
    if (answers_) session_.answer(stream, refusal.status, {}, {});
  }
  void closed(h2::StreamId stream) override { std::erase(streams_, stream); }
  void broken_off(h2::StreamId /*stream*/) override {}
  void widened(h2::StreamId /*stream*/) override {}

 private:
  void answer(h2::StreamId stream) {
    const bool events = stream % 4 == 1;
    const http::Field type{"content-type", "text/plain"};
    h2::Body body{.kind = events ? h2::Body::Kind::events : h2::Body::Kind::whole};
    if (!events) body.text = std::string(100'000, 'x');
    session_.answer(stream, 200, std::span(&type, 1), std::move(body));
    if (events) streams_.push_back(stream);
  }
  void talk() {
    std::string out;
    const std::vector<h2::StreamId> streams = streams_;
    for (const h2::StreamId stream : streams) {
      const std::string_view event = "data: x\n\n";
      CHECK(session_.offer(stream, event, out, 32U << 10U) <= event.size(), "no more than offered");
    }
    session_.write(out, 32U << 10U);
    CHECK(out.size() <= 96U << 10U, "a box is not overfilled");
    if (streams_.size() > 3) session_.finish(streams_.front());
    if (streams_.size() > 2) session_.reset(streams_.back(), h2::ErrorCode::cancel);
  }

  const bool answers_;
  h2::Memory memory_;
  h2::Session session_{{.limits = kLimits, .streams_max = 10}, memory_, *this};
  std::vector<h2::StreamId> streams_;
  std::string text_;
  std::string bodies_;
};

std::string read(std::string_view bytes, const wire_test::Cuts& cuts, bool answers) {
  Reading reading(answers);
  reading.take(h2::kPreface);
  wire_test::feed_in_pieces(bytes, cuts, [&](std::string_view piece) { reading.take(piece); });
  return reading.ended();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::Input input = fuzz::input_of(data, size);
  CHECK(read(input.bytes, input.cuts, false) == read(input.bytes, {}, false),
        "any split gives the same");
  read(input.bytes, input.cuts, true);
  return 0;
}
