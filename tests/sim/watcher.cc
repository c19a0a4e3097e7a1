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
  } else if (line.starts_with("{\"event\":\"present\"")) {
    take_present(line);
  } else if (line.starts_with("{\"event\":\"missed\"")) {
    trace("is told {}", line);
    if (digits_of(line, "notices") == "0") complain("was told that it has missed none", "watch");
    forget();
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
    if (member_of(line, "reason").value_or("").empty())
      complain(fmt::format("was not told why: {}", line), "watch");
    if (present_.erase({connection, channel}) == 0)
      complain(fmt::format("was told that {} left {}, not that it was there", connection, channel),
               "watch");
    return;
  }
  if (!present_.emplace(connection, channel).second)
    complain(fmt::format("was told twice of {} on {}", connection, channel), "watch");
  if (line.find("\"present\":true") != std::string_view::npos) {
    before_.insert(connection);
    if (told_present_)
      complain(fmt::format("was told late that {} had been there", connection), "watch");
  }
  const std::string query = member_of(line, "query").value_or("");
  if (const std::size_t tag = query.find("u="); tag != std::string::npos)
    tags_.insert(query.substr(tag + 2, query.find('&', tag) - tag - 2));
}

// All that were there before have been reported.
void Watcher::take_present(std::string_view line) {
  if (std::exchange(told_present_, true)) complain("was told twice that these are all", "watch");
  if (digits_of(line, "streams") != fmt::format("{}", before_.size()))
    complain(fmt::format("was told of {} that were there, and {}", before_.size(), line), "watch");
}

// A stream that began while it listened, and was not reported to it.
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

// What it was told: its list begins anew.
void Watcher::forget() {
  present_.clear();
  tags_.clear();
  before_.clear();
  told_present_ = false;
}

void Watcher::lost(bool /*clean*/) {
  since_.reset();
  forget();
  if (!gone_) set_alarm(town_.kernel.somewhen(1s), kConnect);
}

}  // namespace fanfare::sim
