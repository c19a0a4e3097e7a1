// A session and its client, who says bytes and hears frames; and a Reader that answers each request
// at once with `200` and "hello", unless the path is an event stream's.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "broker/wire/h2/session.h"
#include "tests/wire/h2/frames.h"

namespace fanfare::h2_test {

class Conversation final : public h2::Reader {
 public:
  explicit Conversation(const http::Limits& limits = kLimits, std::uint32_t streams = 100)
      : session_({.limits = limits, .streams_max = streams}, memory_, *this) {}

  // What the session says to that.
  std::vector<Heard> say(std::string_view bytes, TimePoint now = {}) {
    session_.read(bytes, now);
    return hear();
  }
  std::vector<Heard> hear() {
    std::string out;
    session_.write(out, out_max);
    return ear_.hear(out);
  }
  h2::Session& session() { return session_; }
  h2::Memory& memory() { return memory_; }
  // What came of requests: "1 GET /path", "1 body abc", "1 complete", "1 refused 400 …", "1
  // closed".
  std::vector<std::string> log;
  std::size_t out_max = 1U << 20U;
  bool quiet = false;  // answers nothing

  void begun(h2::StreamId /*stream*/) override {}
  void asked(h2::StreamId stream, bool /*body_follows*/) override {
    const http::RequestHead& head = session_.head(stream);
    log.push_back(fmt::format("{} {} {}", stream, head.method_text, head.target));
  }
  void body(h2::StreamId stream, std::string_view piece) override {
    log.push_back(fmt::format("{} body {}", stream, piece));
  }
  void complete(h2::StreamId stream) override {
    log.push_back(fmt::format("{} complete", stream));
    if (quiet) return;
    const bool events = session_.head(stream).path == "/events";
    const http::Field type{"content-type", events ? "text/event-stream" : "text/plain"};
    session_.answer(stream, 200, std::span(&type, 1),
                    events ? h2::Body{.kind = h2::Body::Kind::events}
                           : h2::Body{.kind = h2::Body::Kind::whole, .text = text});
  }
  void refused(h2::StreamId stream, const http::Refusal& refusal) override {
    log.push_back(fmt::format("{} refused {} {}", stream, refusal.status, refusal.reason));
    session_.answer(stream, refusal.status, {}, {});
  }
  void closed(h2::StreamId stream) override { log.push_back(fmt::format("{} closed", stream)); }
  void broken_off(h2::StreamId stream) override {
    log.push_back(fmt::format("{} broken off", stream));
  }
  void widened(h2::StreamId stream) override { log.push_back(fmt::format("{} widened", stream)); }

  std::string text = "hello";
  static constexpr http::Limits kLimits{};

 private:
  h2::Memory memory_;
  Ear ear_;
  h2::Session session_;
};

}  // namespace fanfare::h2_test
