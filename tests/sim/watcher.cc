#include "tests/sim/watcher.h"

#include <utility>

#include "tests/sim/text.h"

namespace fanfare::sim {
namespace {

constexpr std::uint32_t kConnect = 1;

// The digits behind `"name":`.
std::string digits_of(std::string_view json, std::string_view name) {
  const std::string key = fmt::format("\"{}\":", name);
  const std::size_t at = json.find(key);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = json.substr(at + key.size());
  return std::string(rest.substr(0, rest.find_first_not_of("0123456789")));
}

}  // namespace

Watcher::Watcher(Town& town, std::string name, Pace pace) : Client(town, std::move(name)) {
  pace_ = pace;
}

void Watcher::start(Duration after) {
  set_alarm(after, kConnect);
}

void Watcher::leave() {
  gone_ = true;
  hang_up(false);
}

void Watcher::rang(std::uint32_t /*alarm*/) {
  if (gone_ || connected()) return;
  incoming_.clear();
  if (!dial(Door::publishers)) return set_alarm(200ms, kConnect);
  say("{\"op\":\"watch\"}\n");
}

void Watcher::heard(std::string_view bytes) {
  incoming_ += bytes;
  for (std::size_t end = 0; (end = incoming_.find('\n')) != std::string::npos;) {
    take(std::string_view(incoming_).substr(0, end));
    incoming_.erase(0, end + 1);
  }
}

void Watcher::take(std::string_view line) {
  if (line == "{\"ok\":true}" && !since_) {
    trace("watches");
    since_ = town_.kernel.now();
  } else if (line.starts_with("{\"event\":\"")) {
    take_notice(line);
  } else {
    complain(fmt::format("was told {}", line), "watch");
  }
}

void Watcher::take_notice(std::string_view line) {
  ++notices_;
  const std::string kind = member_of(line, "event").value_or("");
  const std::string channel = member_of(line, "channel").value_or("");
  const std::string connection = digits_of(line, "connection");
  trace("is told {}", line);
  if (connection.empty() || channel.empty() || (kind != "subscribe" && kind != "unsubscribe"))
    return complain(fmt::format("was told {}", line), "watch");
  if (kind == "unsubscribe") {
    // Of one that was there before it began to watch, it knows nothing.
    present_.erase({connection, channel});
    return;
  }
  if (!present_.emplace(connection, channel).second)
    complain(fmt::format("was told twice of {} on {}", connection, channel), "watch");
  const std::string query = member_of(line, "query").value_or("");
  if (const std::size_t tag = query.find("u="); tag != std::string::npos)
    tags_.insert(query.substr(tag + 2, query.find('&', tag) - tag - 2));
}

// A stream that began while it listened, and that it was not told of.
const Town::Arrival* Watcher::unknown() const {
  if (!since_ || gone_) return nullptr;
  for (const Town::Arrival& arrival : town_.arrivals) {
    if (arrival.dialled > *since_ && !tags_.contains(arrival.tag)) return &arrival;
  }
  return nullptr;
}

void Watcher::check_arrivals() {
  if (const Town::Arrival* const arrival = unknown())
    complain(fmt::format("was not told that {} subscribed", arrival->tag), "watch");
}

void Watcher::check_departures() {
  if (!present_.empty())
    complain(fmt::format("was not told that {} left {}, nor of {} more", present_.begin()->first,
                         present_.begin()->second, present_.size() - 1),
             "watch");
}

void Watcher::lost(bool /*clean*/) {
  since_.reset();
  present_.clear();
  tags_.clear();
  if (!gone_) set_alarm(town_.kernel.somewhen(1s), kConnect);
}

}  // namespace fanfare::sim
