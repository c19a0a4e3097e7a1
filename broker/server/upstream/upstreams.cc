#include "broker/server/upstream/upstreams.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "broker/io/address.h"
#include "broker/server/base/upstream_address.h"

#include "common/check.h"

namespace fanfare::server {
namespace {

// An idle connection is kept for less time than any server is known to keep it without saying so
// (gunicorn 2 s, Node.js and uvicorn 5 s); making one anew over a Unix socket takes some 20 us.
constexpr Duration kIdle = 1500ms;
// What it says about itself (Keep-Alive: timeout=5), less the time of a message's way.
constexpr Duration kMargin = 1s;
constexpr Duration kIdleMax = 60s;

std::string_view why_not(int error) {
  switch (error) {
    case ECONNREFUSED:
      return "nobody listens there";
    case ENOENT:
      return "there is no socket of that name";
    case EACCES:
    case EPERM:
      return "this broker's user may not connect";
    default:
      return std::strerror(error);
  }
}

}  // namespace

Upstreams::Pool& Upstreams::pool_of(std::string_view upstream, bool own) {
  if (settings_seen_ != parts_.settings.revision()) drop_unused_pools();
  std::string key = own ? "own " : "";
  key += upstream;
  const auto known = pools_.find(key);
  if (known != pools_.end()) return known->second;
  Pool& pool = pools_[std::move(key)];
  pool.own = own;
  const auto address = parse_upstream(upstream);
  CHECK(address.has_value(), "a configuration names only upstreams that it has checked");
  const auto found = address->kind == UpstreamAddress::Kind::path
                         ? io::unix_address(address->place)
                         : io::parse_address(address->place);
  CHECK(found.has_value(), "it is a path or numbers");
  pool.address = *found;
  return pool;
}

void Upstreams::drop_unused_pools() {
  settings_seen_ = parts_.settings.revision();
  std::erase_if(pools_, [](const auto& named) {
    return named.second.links == 0 && named.second.line.empty();
  });
}

void Upstreams::ask(std::string_view upstream, Question question) {
  Pool& pool = pool_of(upstream, question.own);
  const Key key = key_of(question.exchange);
  if (!question.own) ++parts_.counters.upstream_requests_total;
  ++parts_.counters.upstream_waiting;
  const std::uint64_t turn = ++turns_;
  asked_.emplace(key, Asked{.question = std::move(question), .turn = turn});
  pool.line.emplace(turn, key);
  serve(pool);
}

void Upstreams::forget(ExchangeId exchange) {
  const auto found = asked_.find(key_of(exchange));
  if (found == asked_.end()) return;
  Asked& asked = found->second;
  if (!asked.question.own) ++parts_.counters.upstream_abandoned_total;
  if (asked.link == kNone) {
    --parts_.counters.upstream_waiting;
    asked_.erase(found);
    return;
  }
  // Its text may be in the courier's hands: it stays until the connection is closed. One that is
  // not connected yet is closed as well: perhaps nobody will ever answer there.
  asked.forgotten = true;
  unwanted_.push_back(links_[asked.link].slot);
}

// ---- from the line to a link

void Upstreams::serve(Pool& pool) {
  while (!pool.line.empty()) {
    const auto [turn, key] = *pool.line.begin();
    const auto next = asked_.find(key);
    if (next == asked_.end() || next->second.turn != turn) {  // forgotten meanwhile
      pool.line.erase(pool.line.begin());
      continue;
    }
    std::optional<std::uint32_t> link;
    if (!next->second.again) link = idle_link(pool, next->second.question);
    if (!link && pool.backlog_full) return;
    if (!link) link = dial(pool);
    if (!link) return make_room_for(pool);
    pool.line.erase(pool.line.begin());
    begin(*link, key);
  }
}

void Upstreams::serve_all() {
  for (auto& [upstream, pool] : pools_) serve(pool);
}

void Upstreams::look_for_room() {
  for (auto& [upstream, pool] : pools_) pool.backlog_full = false;
  if (parts_.counters.upstream_waiting > 0) serve_all();
}

// One that may have been closed by the other end at this moment is good enough for what may be
// asked twice.
std::optional<std::uint32_t> Upstreams::idle_link(Pool& pool, const Question& question) {
  if (pool.idle.empty()) return std::nullopt;
  const std::uint32_t newest = pool.idle.back();
  if (!question.idempotent && now_ >= links_[newest].idle_until) return std::nullopt;
  pool.idle.pop_back();
  return newest;
}

std::optional<std::uint32_t> Upstreams::dial(Pool& pool) {
  const std::uint32_t most = parts_.settings->limits.upstream_connections;
  if ((!pool.own && links_open_ >= most) || parts_.connections.full()) return std::nullopt;
  std::uint32_t index = static_cast<std::uint32_t>(links_.size());
  if (links_free_.empty()) {
    links_.emplace_back(parts_.settings.subscriber_requests());
  } else {
    index = links_free_.back();
    links_free_.pop_back();
  }
  Link& link = links_[index];
  link.pool = &pool;
  link.slot = parts_.connections.allocate();
  link.asked.reset();
  link.connected = false;
  Connection& connection = parts_.connections[link.slot];
  connection.port = Port::upstream;
  connection.state = State::upstream;
  connection.link = index;
  connection.connect_armed = true;
  if (!pool.own) ++links_open_;
  ++pool.links;
  ++parts_.counters.upstream_connections_open;
  ++parts_.counters.upstream_connections_total;
  parts_.ring.connect(link.slot, pool.address, parts_.connections.token(Op::connect, link.slot));
  return index;
}

// Idle connections to another application make way.
void Upstreams::make_room_for(const Pool& pool) {
  for (auto& [upstream, other] : pools_) {
    if (&other == &pool || other.idle.empty()) continue;
    unwanted_.push_back(links_[other.idle.front()].slot);
    other.idle.erase(other.idle.begin());
    return;
  }
}

void Upstreams::begin(std::uint32_t index, Key key) {
  Link& link = links_[index];
  link.asked = key;
  asked_.at(key).link = index;
  --parts_.counters.upstream_waiting;
  if (link.connected) say(link);
}

void Upstreams::say(Link& link) {
  const Question& question = asked_.at(*link.asked).question;
  link.sent = 0;
  link.reader.begin(question.to_head, parts_.settings->limits.upstream_answer_bytes);
  parts_.connections[link.slot].due = kNever;
  parts_.courier.queue(link.slot, question.text);
}

// ---- what happens to a link

PortOrder Upstreams::connected(io::Slot slot) {
  Link& link = links_[index_of(slot)];
  link.connected = true;
  if (asked_.at(*link.asked).forgotten)
    return {PortOrder::Kind::close, CloseReason::upstream_closed};
  say(link);
  return {PortOrder::Kind::receive};
}

PortOrder Upstreams::sent(io::Slot slot, std::int32_t result) {
  Link& link = links_[index_of(slot)];
  if (!link.asked) return {};  // it is being closed
  if (result < 0) return ended(slot, /*in_order=*/false);
  link.sent += static_cast<std::size_t>(result);
  const bool all = link.sent == asked_.at(*link.asked).question.text.size();
  return {all ? PortOrder::Kind::none : PortOrder::Kind::room};
}

void Upstreams::writable(io::Slot slot) {
  const Link& link = links_[index_of(slot)];
  if (!link.asked) return;
  const std::string_view text = asked_.at(*link.asked).question.text;
  if (link.sent < text.size()) parts_.courier.queue(slot, text.substr(link.sent));
}

PortOrder Upstreams::received(io::Slot slot, std::string_view bytes, Tick tick) {
  const std::uint32_t index = index_of(slot);
  Link& link = links_[index];
  constexpr PortOrder::Kind kClose = PortOrder::Kind::close;
  // Nothing was asked: whatever this is, it answers nothing.
  if (!link.asked) return {kClose, CloseReason::upstream_closed};
  const Asked& asked = asked_.at(*link.asked);
  if (asked.forgotten) return {kClose, CloseReason::upstream_closed};
  switch (link.reader.receive(bytes)) {
    case AnswerReader::State::reading:
      return {PortOrder::Kind::receive};
    case AnswerReader::State::failed:
      answer(link, link.reader.take());
      return {kClose, CloseReason::upstream_closed};
    case AnswerReader::State::complete:
      break;
  }
  const bool reusable = link.reader.reusable() && link.sent == asked.question.text.size();
  answer(link, link.reader.take());
  if (!reusable) return {kClose, CloseReason::upstream_closed};
  return rest(index, tick);
}

// The next question, or idle.
PortOrder Upstreams::rest(std::uint32_t index, Tick tick) {
  Link& link = links_[index];
  Duration keep = link.reader.keeps_for().value_or(kIdle + kMargin) - kMargin;
  keep = std::clamp(keep, Duration(0), kIdleMax);
  link.idle_until = now_ + keep;
  parts_.connections[link.slot].due = tick + ticks(keep);
  link.pool->idle.push_back(index);
  serve(*link.pool);
  return {PortOrder::Kind::receive};
}

PortOrder Upstreams::ended(io::Slot slot, bool in_order) {
  Link& link = links_[index_of(slot)];
  if (link.asked && link.reader.ended(in_order) == AnswerReader::State::complete) {
    answer(link, link.reader.take());
  } else if (link.asked) {
    give_up(link, link.reader.take());
  }
  return {PortOrder::Kind::close, CloseReason::upstream_closed};
}

void Upstreams::answer(Link& link, UpstreamAnswer answer) {
  const auto found = asked_.find(*std::exchange(link.asked, std::nullopt));
  if (!found->second.forgotten) {
    answers_.push_back({found->second.question.exchange, std::move(answer)});
  }
  asked_.erase(found);
}

void Upstreams::give_up(Link& link, UpstreamAnswer failure) {
  Asked& asked = asked_.at(*link.asked);
  const bool untouched = link.connected && !link.reader.begun();
  if (untouched && !asked.again && !asked.forgotten &&
      (asked.question.idempotent || link.sent == 0)) {
    asked.again = true;
    ++parts_.counters.upstream_retries_total;
    return back_in_line(link);  // served as soon as this link has made room
  }
  answer(link, std::move(failure));
}

void Upstreams::back_in_line(Link& link) {
  const Key key = *std::exchange(link.asked, std::nullopt);
  Asked& asked = asked_.at(key);
  asked.link = kNone;
  ++parts_.counters.upstream_waiting;
  link.pool->line.emplace(asked.turn, key);
}

void Upstreams::release(io::Slot slot, int error) {
  const std::uint32_t index = index_of(slot);
  if (index == kNone) return;
  Link& link = links_[index];
  Pool& pool = *link.pool;
  if (link.asked && error == EAGAIN && !asked_.at(*link.asked).forgotten) {
    pool.backlog_full = true;
    back_in_line(link);
  } else if (link.asked) {
    answer(link, {.failure = UpstreamFailure::down,
                  .why = error == 0 ? std::string("was not reached")
                                    : fmt::format("cannot be reached: {}", why_not(error))});
  }
  std::erase(pool.idle, index);
  --pool.links;
  if (!pool.own) --links_open_;
  parts_.connections[slot].link = kNone;
  links_free_.push_back(index);
  serve_all();
}

bool Upstreams::idle(io::Slot slot) const {
  const std::uint32_t index = index_of(slot);
  return index != kNone && links_[index].connected && !links_[index].asked;
}

}  // namespace fanfare::server
