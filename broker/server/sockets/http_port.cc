#include "broker/server/sockets/http_port.h"

#include <fmt/format.h>

#include <utility>

#include "common/units.h"

namespace fanfare::server {
namespace {

// What an exchange may keep when it goes back to the pool; a large body's memory is given away.
constexpr std::size_t kKeptCapacity = 16U << 10U;

void empty(std::string& text) {
  text.clear();
  if (text.capacity() > kKeptCapacity) text.shrink_to_fit();
}

std::uint64_t& requests_total(Counters& counters, Port port) {
  switch (port) {
    case Port::subscriber:
      return counters.requests_total;
    case Port::admin:
      return counters.admin_requests_total;
    case Port::ingest:
      return counters.ingest_requests_total;
  }
  std::unreachable();
}

}  // namespace

HttpPort::HttpPort(ConnectionTable& connections, Courier& courier, Counters& counters,
                   const http::Limits& limits, const Settings& settings, const http::Date& date,
                   std::atomic<std::uint64_t>& bodies, Routes& routes)
    : connections_(connections),
      courier_(courier),
      counters_(counters),
      limits_(limits),
      settings_(settings),
      date_(date),
      bodies_bytes_(bodies),
      routes_(routes) {}

PortOrder HttpPort::begin(io::Slot slot, Tick tick, std::string_view first) {
  Connection& connection = connections_[slot];
  connection.state = State::reading;
  connection.due = tick + ticks(settings_->limits.head_time);
  return first.empty() ? PortOrder{PortOrder::Kind::receive} : received(slot, first, tick);
}

HttpPort::Exchange& HttpPort::exchange_of(io::Slot slot) {
  Connection& connection = connections_[slot];
  if (connection.exchange == kNone) {
    if (free_.empty()) {
      connection.exchange = static_cast<std::uint32_t>(exchanges_.size());
      exchanges_.emplace_back(limits_);
    } else {
      connection.exchange = free_.back();
      free_.pop_back();
    }
  }
  return exchanges_[connection.exchange];
}

void HttpPort::release(io::Slot slot) {
  Connection& connection = connections_[slot];
  if (connection.exchange == kNone) return;
  Exchange& exchange = exchanges_[connection.exchange];
  exchange.parser.reset();
  bodies_bytes_ -= exchange.body.size();
  empty(exchange.body);
  empty(exchange.pending);
  empty(exchange.out);
  exchange.out_sent = 0;
  exchange.interim = exchange.answered = exchange.in_body = false;
  free_.push_back(connection.exchange);
  connection.exchange = kNone;
}

PortOrder HttpPort::received(io::Slot slot, std::string_view bytes, Tick tick) {
  Connection& connection = connections_[slot];
  const bool first = connection.exchange == kNone;
  if (first) connection.due = tick + ticks(settings_->limits.head_time);
  return advance(slot, bytes, tick);
}

PortOrder HttpPort::input_ended(io::Slot slot) {
  (void)slot;
  return {PortOrder::Kind::close, CloseReason::peer_closed};
}

// A request that has begun is answered (RFC 9110 §15.5.9); a connection on which nothing was asked
// is closed without a word, which is what its client expects.
PortOrder HttpPort::overdue(io::Slot slot, Tick tick) {
  Connection& connection = connections_[slot];
  if (connection.state == State::answering) {
    return {PortOrder::Kind::close, CloseReason::slow_stalled};
  }
  if (connection.exchange == kNone) {
    return {PortOrder::Kind::close,
            connection.keep_alive ? CloseReason::idle_timeout : CloseReason::head_timeout};
  }
  Exchange& exchange = exchanges_[connection.exchange];
  ++counters_.requests_refused_total;
  connection.reason = CloseReason::head_timeout;
  const std::string sentence = fmt::format(
      "the {} did not arrive whole within [limits] head_time ({})",
      exchange.in_body ? "body" : "request's head", format_duration(settings_->limits.head_time));
  exchange.out.clear();
  exchange.parser.abandon();
  routes_.refuse(request_of(slot, exchange), {.status = 408, .sentence = sentence}, exchange.out);
  return say(slot, exchange, false, {}, tick);
}

Request HttpPort::request_of(io::Slot slot, const Exchange& exchange) const {
  const bool last = connections_[slot].leaving;
  return {slot, exchange.parser.head(), exchange.body,
          last ? h1::Connection::close : exchange.parser.connection(), date_.text()};
}

// Reads on in the current request. Views of a head that lies in `input` live until this returns, so
// a head whose body is still to come is kept.
PortOrder HttpPort::advance(io::Slot slot, std::string_view input, Tick tick) {
  Exchange& exchange = exchange_of(slot);
  using Kind = h1::Step::Kind;
  while (true) {
    const h1::Step step = exchange.parser.step(input);
    input.remove_prefix(step.consumed);
    switch (step.kind) {
      case Kind::more:
        if (!exchange.parser.begun()) {  // nothing but an empty line so far
          release(slot);
          connections_[slot].due = tick + ticks(settings_->limits.idle_time);
        }
        return {PortOrder::Kind::receive};
      case Kind::head:
        if (!head_complete(slot, exchange)) return say(slot, exchange, false, {}, tick);
        if (exchange.interim) return say(slot, exchange, true, input, tick);
        // The body has a time of its own.
        connections_[slot].due = tick + ticks(settings_->limits.head_time);
        break;
      case Kind::body:
        if (const auto refusal = take_body(exchange, step.body)) {
          refuse_body(slot, exchange, *refusal);
          return say(slot, exchange, false, {}, tick);
        }
        break;
      case Kind::end:
        return request_complete(slot, exchange, input, tick);
      case Kind::refused:
        return refuse(slot, exchange, tick);
    }
  }
}

PortOrder HttpPort::refuse(io::Slot slot, Exchange& exchange, Tick tick) {
  const http::Refusal& refusal = exchange.parser.refusal();
  exchange.out.clear();
  connections_[slot].reason = CloseReason::bad_request;
  if (refusal.limit == http::Limit::body_bytes) {
    refuse_body(slot, exchange, BodyRefusal::too_large);
  } else {
    ++counters_.requests_refused_total;
    const std::string sentence = sentence_of(refusal);
    routes_.refuse(request_of(slot, exchange),
                   {.status = refusal.status, .sentence = sentence, .limit = refusal.limit},
                   exchange.out);
  }
  return say(slot, exchange, false, {}, tick);
}

// The rest of the body is never read, so that the connection ends, and the answer says so.
void HttpPort::refuse_body(io::Slot slot, Exchange& exchange, BodyRefusal refusal) {
  ++counters_.bodies_refused_total;
  Request request = request_of(slot, exchange);
  request.connection = h1::Connection::close;
  routes_.refuse_body(request, refusal, exchange.out);
}

std::string HttpPort::sentence_of(const http::Refusal& refusal) const {
  switch (refusal.limit) {
    case http::Limit::head_bytes:
      return fmt::format("the request head is longer than [limits] head_bytes allows ({} bytes)",
                         limits_.head_bytes);
    case http::Limit::target_bytes:
      return fmt::format(
          "the request target is longer than [limits] target_bytes allows ({} bytes)",
          limits_.target_bytes);
    case http::Limit::fields:
      return fmt::format("the request has more header fields than [limits] head_fields allows ({})",
                         limits_.fields);
    case http::Limit::body_bytes:
    case http::Limit::none:
      break;
  }
  return std::string(refusal.reason);
}

std::optional<BodyRefusal> HttpPort::refused_body(const Exchange& exchange,
                                                  std::uint64_t more) const {
  if (exchange.body.size() + more > exchange.body_max) return BodyRefusal::too_large;
  if (bodies_bytes_ + more > settings_->limits.bodies_bytes) return BodyRefusal::too_many_bodies;
  return {};
}

// Counted before it is looked at: other shards take from the same bound.
std::optional<BodyRefusal> HttpPort::take_body(Exchange& exchange, std::string_view piece) {
  if (exchange.body.size() + piece.size() > exchange.body_max) return BodyRefusal::too_large;
  if (bodies_bytes_.fetch_add(piece.size()) + piece.size() > settings_->limits.bodies_bytes) {
    bodies_bytes_.fetch_sub(piece.size());
    return BodyRefusal::too_many_bodies;
  }
  exchange.body += piece;
  return {};
}

// False: the answer is in `out` already and ends the connection.
bool HttpPort::head_complete(io::Slot slot, Exchange& exchange) {
  exchange.in_body = true;
  const Request request = request_of(slot, exchange);
  exchange.body_max = routes_.body_allowed(request, exchange.out);
  if (!exchange.out.empty()) return false;
  if (!exchange.parser.has_body()) return true;
  if (const auto refusal = refused_body(exchange, exchange.parser.body_size().value_or(0))) {
    refuse_body(slot, exchange, *refusal);
    return false;
  }
  exchange.parser.keep();
  if (exchange.parser.expects_continue()) {
    exchange.out = h1::kContinue;
    exchange.interim = true;
  }
  return true;
}

PortOrder HttpPort::request_complete(io::Slot slot, Exchange& exchange, std::string_view rest,
                                     Tick tick) {
  ++requests_total(counters_, connections_[slot].port);
  const Request request = request_of(slot, exchange);
  const bool keep_alive = request.connection != h1::Connection::close;
  const Routes::Verdict verdict = routes_.answer(request, exchange.out);
  if (verdict == Routes::Verdict::stream) {
    release(slot);
    return {PortOrder::Kind::stream};
  }
  return say(slot, exchange, keep_alive && verdict != Routes::Verdict::answered_last, rest, tick);
}

// From here the peer has the time of a stall to take a first byte, and again after each that it
// takes, whatever it had used up of the time for its request.
PortOrder HttpPort::say(io::Slot slot, Exchange& exchange, bool keep_alive, std::string_view rest,
                        Tick tick) {
  Connection& connection = connections_[slot];
  connection.state = State::answering;
  connection.due = tick + ticks(settings_->delivery.stall);
  connection.keep_alive = keep_alive;
  exchange.answered = !exchange.interim;
  // `rest` may be a view of `pending` itself.
  std::string kept(rest);
  exchange.pending = std::move(kept);
  courier_.queue(slot, exchange.out);
  return {};
}

PortOrder HttpPort::sent(io::Slot slot, std::int32_t result, Tick tick) {
  Connection& connection = connections_[slot];
  Exchange& exchange = exchanges_[connection.exchange];
  if (result < 0) return {PortOrder::Kind::close, CloseReason::peer_reset};
  exchange.out_sent += static_cast<std::size_t>(result);
  if (exchange.out_sent < exchange.out.size()) {
    if (result > 0) connection.due = tick + ticks(settings_->delivery.stall);
    return {PortOrder::Kind::room};
  }
  exchange.out.clear();
  exchange.out_sent = 0;
  if (exchange.interim) {
    exchange.interim = false;
    connection.state = State::reading;
    connection.due = tick + ticks(settings_->limits.head_time);
    const std::string pending = std::exchange(exchange.pending, {});
    return advance(slot, pending, tick);
  }
  if (!connection.keep_alive) {
    const bool said_why = connection.reason == CloseReason::bad_request ||
                          connection.reason == CloseReason::head_timeout ||
                          connection.reason == CloseReason::overloaded;
    return {PortOrder::Kind::linger, said_why ? connection.reason : CloseReason::not_keep_alive};
  }
  const std::string pending = std::exchange(exchange.pending, {});
  release(slot);
  connection.state = State::reading;
  connection.due = tick + ticks(settings_->limits.idle_time);
  if (pending.empty()) return {PortOrder::Kind::receive};
  return received(slot, pending, tick);
}

void HttpPort::writable(io::Slot slot) {
  const Exchange& exchange = exchanges_[connections_[slot].exchange];
  courier_.queue(slot, std::string_view(exchange.out).substr(exchange.out_sent));
}

}  // namespace fanfare::server
