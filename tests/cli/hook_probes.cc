// Probes of [[hook]] and what belongs to it: what the application hears.
#include <fmt/format.h>

#include "tests/cli/reload_probes.h"

namespace fanfare::cli {
namespace {

using server::testing::Application;
using server::testing::Peer;
using server::testing::SmallBroker;

constexpr std::string_view kTaken = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
constexpr std::string_view kFailed = "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n";

std::string hook(std::string_view more, std::string_view url = "unix:/app.sock:/a") {
  return fmt::format("[[hook]]\nurl = \"{}\"\n{}", url, more);
}

// What is posted within this time, each post answered so.
std::string hear(SmallBroker& broker, Duration time = 500ms, std::string_view answer = kTaken) {
  Application& application = broker.application();
  std::string heard;
  for (Duration passed{}; passed < time; passed += 100ms) {
    broker.pass(100ms);
    for (std::size_t i = 0; i < application.connections(); ++i) {
      const std::string post = application.take(i);
      if (!post.empty()) application.blurt(i, answer);
      heard += post;
    }
  }
  return heard;
}

bool says(std::string_view heard, std::string_view what) {
  return heard.find(what) != std::string_view::npos;
}

// Looked at after its reset was taken.
template <class Look>
std::function<See(SmallBroker&)> in_step(Look look) {
  return [look](SmallBroker& broker) -> See {
    hear(broker);
    return [look, &broker] {
      hear(broker);
      return std::string(look(broker));
    };
  };
}

std::string posts_of_a_visit(SmallBroker& broker, Duration after = 3s) {
  Peer& peer = broker.get("/events?channel=room/7");
  std::string heard = hear(broker);
  peer.hang_up();
  return heard += hear(broker, after);
}

std::string_view path(SmallBroker& broker) {
  return says(posts_of_a_visit(broker), "POST /a ") ? "/a" : "/b";
}
std::string_view told(SmallBroker& broker) {
  return says(posts_of_a_visit(broker), "room/7") ? "told" : "not told";
}
std::string_view first_told(SmallBroker& broker) {
  return says(posts_of_a_visit(broker), "occupied") ? "occupied" : "vacant";
}
std::string_view last_told(SmallBroker& broker) {
  return says(posts_of_a_visit(broker), "vacant") ? "vacant" : "occupied";
}
std::string_view signature(SmallBroker& broker) {
  return says(posts_of_a_visit(broker), "Fanfare-Signature") ? "signed" : "not signed";
}
std::string_view without_answer(SmallBroker& broker) {
  const std::uint64_t before = broker.counters().hook_retries_total;
  broker.get("/events?channel=room/7");
  broker.pass(4s);
  return broker.counters().hook_retries_total > before ? "repeated" : "waits";
}
std::string_view refused(SmallBroker& broker) {
  const std::uint64_t before = broker.counters().hook_events_given_up_total;
  broker.get("/events?channel=room/7");
  hear(broker, 1s, kFailed);
  return broker.counters().hook_events_given_up_total > before ? "given up" : "repeated";
}
std::string_view many_channels(SmallBroker& broker) {
  std::string target = "/events?channel=a";
  for (int i = 0; i < 120; ++i) target += fmt::format("&channel=b/{}", i);
  broker.get(target);
  broker.pass(300ms);
  return broker.counters().hook_overflows_total > 0 ? "too many" : "told";
}

}  // namespace

std::vector<Probe> hook_probes() {
  static const std::string plain = hook("");
  static const std::string elsewhere = hook("", "unix:/app.sock:/b");
  static const std::string rooms = hook("channels = [\"room/*\"]");
  static const std::string halls = hook("channels = [\"hall/*\"]");
  static const std::string occupied = hook("events = [\"occupied\"]");
  static const std::string vacant = hook("events = [\"vacant\"]");
  static const std::string secret = hook("secret = \"s3cret\"");
  static const std::string settles = hook("settle = \"30s\"");
  static const std::string hasty = hook("timeout = \"1s\"");
  static const std::string patient = hook("timeout = \"30s\"");
  static const std::string once = hook("retries = 0");
  static const std::string few = "[limits]\nhook_channels = 100\n" + plain;
  return {
      {"hook.url", plain, elsewhere, in_step(path), "/a", "/b"},
      {"hook.channels", rooms, halls, in_step(told), "told", "not told"},
      {"hook.events", occupied, vacant, in_step(first_told), "occupied", "vacant"},
      {"hook.secret", plain, secret, in_step(signature), "not signed", "signed"},
      {"hook.settle", plain, settles, in_step(last_told), "vacant", "occupied"},
      {"hook.timeout", hasty, patient, in_step(without_answer), "repeated", "waits"},
      {"hook.retries", plain, once, in_step(refused), "repeated", "given up"},
      {"limits.hook_channels", few, plain, in_step(many_channels), "too many", "told"},
  };
}

}  // namespace fanfare::cli
