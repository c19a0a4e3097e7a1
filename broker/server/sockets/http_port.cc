#include "broker/server/sockets/http_port.h"

#include <utility>

#include "broker/server/sockets/refusal_text.h"

namespace fanfare::server {
namespace {

std::uint64_t& requests_total(Counters& counters, Port port) {
  switch (port) {
    case Port::subscriber:
      return counters.requests_total;
    case Port::admin:
      return counters.admin_requests_total;
    case Port::ingest:
    case Port::publish:
      return counters.ingest_requests_total;
    case Port::upstream:
      break;
  }
  std::unreachable();
}

}  // namespace

HttpPort::HttpPort(ConnectionTable& connections, Courier& courier, Counters& counters,
                   const http::Limits& limits, const Settings& settings, const http::Date& date,
                   std::atomic<std::uint64_t>& bodies, Routes& routes, AccessBook* access)
    : connections_(connections),
      courier_(courier),
      counters_(counters),
      limits_(limits),
      settings_(settings),
      bodies_bytes_(bodies),
      routes_(routes),
      access_(access),
      writer_(date),
      exchanges_(limits) {}

PortOrder HttpPort::begin(io::Slot slot, Tick tick, std::string_view first) {
  Connection& connection = connections_[slot];
  connection.state = State::reading;
  connection.due = tick + ticks(settings_->limits.head_time);
  return first.empty() ? PortOrder{PortOrder::Kind::receive} : received(slot, first, tick);
}

Exchange& HttpPort::exchange_of(io::Slot slot) {
  Connection& connection = connections_[slot];
  if (connection.exchange != kNone) return exchanges_[connection.exchange];
  Exchange& exchange = exchanges_.begin(slot);
  connection.exchange = exchange.id.index;
  if (access_ != nullptr) exchange.access = access_->asked();
  return exchange;
}

void HttpPort::release(io::Slot slot) {
  Connection& connection = connections_[slot];
  if (connection.exchange == kNone) return;
  Exchange& exchange = exchanges_[connection.exchange];
  if (exchange.waiting) routes_.given_up(exchange.id);
  if (exchange.waiting && access_ != nullptr) {
    exchange.access =
        access_->answered(exchange.access, exchange.request(&connections_.peer(slot)), 0);
  }
  note_end(exchange, 0, connection.reason);
  bodies_bytes_ -= exchange.body.size();
  exchanges_.end(exchange);
  connection.exchange = kNone;
}

PortOrder HttpPort::received(io::Slot slot, std::string_view bytes, Tick tick) {
  Connection& connection = connections_[slot];
  const bool first = connection.exchange == kNone;
  if (first) connection.due = tick + ticks(settings_->limits.head_time);
  return advance(slot, bytes, tick);
}

PortOrder HttpPort::turn_away(io::Slot slot, const Refused& why, Tick tick) {
  Exchange& exchange = exchange_of(slot);
  ++counters_.requests_refused_total;
  connections_[slot].reason = CloseReason::front_refused;
  refuse(exchange, why);
  return say(slot, exchange, false, {}, tick);
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
  if (exchange.waiting) return wait_no_longer(slot, exchange, tick);
  ++counters_.requests_refused_total;
  connection.reason = CloseReason::head_timeout;
  const std::string sentence = late_request_sentence(exchange.in_body, settings_->limits.head_time);
  exchange.out.clear();
  exchange.parser.abandon();
  refuse(exchange, {.status = 408, .sentence = sentence});
  return say(slot, exchange, false, {}, tick);
}

// What happens to the connection after the answer.
h1::Persistence HttpPort::after(io::Slot slot, const Exchange& exchange) const {
  return connections_[slot].leaving ? h1::Persistence::close : exchange.parser.persistence();
}

// For the access log, with what is known before the answer is on its way.
void HttpPort::note_answer(Exchange& exchange) {
  if (access_ == nullptr || !access_->on()) return;
  exchange.access = access_->answered(
      exchange.access, exchange.request(&connections_.peer(exchange.slot)), response_.status);
}

void HttpPort::note_end(Exchange& exchange, std::uint64_t bytes, CloseReason reason) {
  if (exchange.access.text.empty()) return;
  access_->finish(std::exchange(exchange.access, {}), bytes, name_of(reason));
}

// Returns what the answer says of the connection.
h1::Persistence HttpPort::write(Exchange& exchange, h1::Persistence after) {
  const Request request = exchange.request();
  note_answer(exchange);
  const h1::Persistence said =
      writer_.write(exchange.out, response_, request.head.method, request.body_end, after);
  empty(response_.body);
  return said;
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
        if (!head_complete(exchange)) return say(slot, exchange, false, {}, tick);
        if (exchange.interim) return say(slot, exchange, true, input, tick);
        // The body has a time of its own.
        connections_[slot].due = tick + ticks(settings_->limits.head_time);
        break;
      case Kind::body:
        if (const auto refusal = take_body(exchange, step.body)) {
          refuse_body(exchange, *refusal);
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
    refuse_body(exchange, BodyRefusal::too_large);
  } else {
    ++counters_.requests_refused_total;
    const std::string sentence = sentence_of(refusal, limits_);
    refuse(exchange, {.status = refusal.status, .sentence = sentence, .limit = refusal.limit});
  }
  return say(slot, exchange, false, {}, tick);
}

// The connection ends after it, and the answer says so: where the next request begins is not known.
void HttpPort::refuse(Exchange& exchange, const Refused& why) {
  response_.clear();
  routes_.refuse(exchange.request(), why, response_);
  write(exchange, h1::Persistence::close);
}

// The rest of the body is never read: the connection ends after this, too.
void HttpPort::refuse_body(Exchange& exchange, BodyRefusal refusal) {
  ++counters_.bodies_refused_total;
  response_.clear();
  routes_.refuse_body(exchange.request(), refusal, response_);
  write(exchange, h1::Persistence::close);
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

// With whose it is.
Request HttpPort::request_of(const Exchange& exchange) const {
  Request request = exchange.request(&connections_.peer(exchange.slot));
  request.certificate = connections_.certificate(exchange.slot);
  request.secure = connections_[exchange.slot].secure;
  return request;
}

// False: the answer is in `out` already and ends the connection.
bool HttpPort::head_complete(Exchange& exchange) {
  exchange.in_body = true;
  response_.clear();
  const auto allowed = routes_.body_allowed(request_of(exchange), response_);
  if (!allowed) {
    write(exchange, h1::Persistence::close);
    return false;
  }
  exchange.body_max = *allowed;
  if (!exchange.parser.has_body()) return true;
  if (const auto refusal = refused_body(exchange, exchange.parser.body_size().value_or(0))) {
    refuse_body(exchange, *refusal);
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
  response_.clear();
  routes_.answer(request_of(exchange), response_);
  return carry(slot, exchange, rest, tick);
}

// Carries out the answer of the Routes to a complete request.
PortOrder HttpPort::carry(io::Slot slot, Exchange& exchange, std::string_view rest, Tick tick) {
  if (response_.kind == Response::Kind::later) return wait(slot, exchange, rest, tick);
  const Request request = exchange.request();
  const bool head_only = request.head.method == http::Method::head;
  if (response_.kind == Response::Kind::stream && !head_only) return begin_stream(slot, exchange);
  h1::Persistence then = after(slot, exchange);
  if (response_.kind == Response::Kind::come_back) {
    then = h1::Persistence::close;
    connections_[slot].reason = CloseReason::overloaded;
    connections_[slot].until_close = request.body_end == BodyEnd::connection_close;
  }
  then = write(exchange, then);
  return say(slot, exchange, then != h1::Persistence::close, rest, tick);
}

// The request is kept: the function that makes the answer is given it again.
PortOrder HttpPort::wait(io::Slot slot, Exchange& exchange, std::string_view rest, Tick tick) {
  Connection& connection = connections_[slot];
  connection.state = State::waiting;
  connection.due = tick + ticks(response_.patience);
  exchange.parser.keep();
  exchange.patience = response_.patience;
  exchange.pending = std::string(rest);
  exchange.waiting = true;
  return {PortOrder::Kind::wait};
}

std::optional<HttpPort::Answered> HttpPort::answer(ExchangeId id, Tick tick, const Answerer& make) {
  Exchange* const waiting = exchanges_.find_waiting(id);
  if (waiting == nullptr) return std::nullopt;
  Exchange& exchange = *waiting;
  exchange.waiting = false;
  response_.clear();
  const io::Slot slot = exchange.slot;
  make(exchange.request(&connections_.peer(slot)), response_);
  const std::string pending = std::exchange(exchange.pending, {});
  return Answered{slot, carry(slot, exchange, pending, tick)};
}

// Its request was complete: the connection continues with the next one.
PortOrder HttpPort::wait_no_longer(io::Slot slot, Exchange& exchange, Tick tick) {
  exchange.waiting = false;
  response_.clear();
  if (!routes_.time_is_up(exchange.request(), response_)) {
    routes_.given_up(exchange.id);
    const std::string sentence = no_answer_sentence(exchange.patience);
    response_.clear();
    routes_.refuse(exchange.request(), {.status = 504, .sentence = sentence}, response_);
    if (response_.status >= 400) ++counters_.requests_refused_total;
  }
  const std::string pending = std::exchange(exchange.pending, {});
  return carry(slot, exchange, pending, tick);
}

// The head and the stream's opening are one text, and one send.
PortOrder HttpPort::begin_stream(io::Slot slot, Exchange& exchange) {
  Connection& connection = connections_[slot];
  connection.until_close = exchange.request().body_end == BodyEnd::connection_close;
  connection.keep_alive = write(exchange, after(slot, exchange)) != h1::Persistence::close;
  auto stream = std::make_unique<StreamStart>(std::move(response_.stream));
  exchange.out += stream->opening;
  stream->opening = std::move(exchange.out);
  stream->access = std::exchange(exchange.access, {});
  release(slot);
  return {PortOrder::Kind::stream, {}, std::move(stream)};
}

// From here the peer has the time of a stall to take a first byte, and again after each that it
// takes, whatever it had used up of the time for its request. A publisher's answer may have to wait
// for the log before: the time begins when its first byte could leave.
PortOrder HttpPort::say(io::Slot slot, Exchange& exchange, bool keep_alive, std::string_view rest,
                        Tick tick) {
  Connection& connection = connections_[slot];
  connection.state = State::answering;
  const bool after_log = is_publishers(connection.port) && !exchange.interim;
  connection.due = after_log ? kNever : tick + ticks(settings_->delivery.stall);
  connection.keep_alive = keep_alive;
  // `rest` may be a view of `pending` itself.
  std::string kept(rest);
  exchange.pending = std::move(kept);
  courier_.queue(slot, exchange.out, after_log ? Courier::After::log : Courier::After::nothing);
  return {};
}

PortOrder HttpPort::sent(io::Slot slot, std::int32_t result, Tick tick) {
  Connection& connection = connections_[slot];
  Exchange& exchange = exchanges_[connection.exchange];
  if (result < 0) return {PortOrder::Kind::close, CloseReason::peer_reset};
  exchange.out_sent += static_cast<std::size_t>(result);
  if (exchange.out_sent < exchange.out.size()) {
    if (result > 0 || connection.due == kNever) {
      connection.due = tick + ticks(settings_->delivery.stall);
    }
    return {PortOrder::Kind::room};
  }
  const std::uint64_t bytes = exchange.out.size();
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
                          connection.reason == CloseReason::front_refused ||
                          connection.reason == CloseReason::overloaded;
    const CloseReason reason = said_why ? connection.reason : CloseReason::not_keep_alive;
    note_end(exchange, bytes, reason);
    return {PortOrder::Kind::linger, reason};
  }
  if (!exchange.access.text.empty()) {
    access_->finish(std::exchange(exchange.access, {}), bytes, "answered");
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
