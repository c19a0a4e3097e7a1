// A client of a SmallBroker that speaks HTTP/2, frame by frame.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/server/small_broker.h"
#include "tests/wire/h2/frames.h"

namespace fanfare::server::testing {

class H2Client {
 public:
  explicit H2Client(SmallBroker& broker, std::string_view settings = {})
      : broker_(broker), peer_(broker.subscriber()) {
    say(h2_test::greeting(settings));
  }

  void say(std::string_view bytes) {
    peer_.say(bytes);
    broker_.pass();
    listen();
  }
  // All that was heard.
  const std::vector<h2_test::Heard>& heard() {
    listen();
    return heard_;
  }
  // The DATA of a stream since this was asked last.
  std::string said(std::uint32_t stream) {
    listen();
    return std::exchange(said_[stream], {});
  }
  std::string status(std::uint32_t stream) { return field(stream, ":status"); }
  std::string field(std::uint32_t stream, std::string_view name) {
    const h2_test::Heard* const head = find(h2_test::kHeaders, stream);
    return head == nullptr ? "" : head->value(name);
  }
  // "complete", "reset 8", or nothing.
  std::string end(std::uint32_t stream) {
    listen();
    for (const h2_test::Heard& one : heard_) {
      if (one.stream != stream) continue;
      if (one.type == h2_test::kRstStream) return "reset " + std::to_string(one.error());
      if (one.end()) return "complete";
    }
    return {};
  }
  // The errors of each GOAWAY.
  std::vector<std::uint32_t> goodbyes() {
    listen();
    std::vector<std::uint32_t> errors;
    for (const h2_test::Heard& one : heard_) {
      if (one.type == h2_test::kGoaway) errors.push_back(one.error());
    }
    return errors;
  }
  Peer& peer() { return peer_; }

 private:
  void listen() {
    for (h2_test::Heard& one : ear_.hear(peer_.take())) {
      if (one.type == h2_test::kData) said_[one.stream] += one.payload;
      heard_.push_back(std::move(one));
    }
  }
  const h2_test::Heard* find(std::uint8_t type, std::uint32_t stream) {
    listen();
    const auto found = std::ranges::find_if(heard_, [&](const h2_test::Heard& one) {
      return one.type == type && one.stream == stream;
    });
    return found == heard_.end() ? nullptr : &*found;
  }

  SmallBroker& broker_;
  Peer& peer_;
  h2_test::Ear ear_;
  std::vector<h2_test::Heard> heard_;
  std::map<std::uint32_t, std::string> said_;
};

}  // namespace fanfare::server::testing
