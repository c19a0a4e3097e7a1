// H2Connection, the part about requests: reading them, asking the Routes, answering. What
// HttpPort does over HTTP/1.1, where a connection has one of them at a time.

#include <algorithm>
#include <utility>

#include "broker/server/sockets/exchange.h"
#include "broker/server/sockets/refusal_text.h"
#include "broker/server/streams/h2_connection.h"

#include "common/letters.h"

namespace fanfare::server {
namespace {

using Stage = H2Exchange::Stage;

// Answers of one connection that its client does not read: beyond so much, further requests are
// refused until it does.
constexpr std::size_t kUnsaidBytes = 1U << 20U;
// Heads of requests that wait for their bodies or answers. A field that HPACK repeats costs a
// client one byte, and us all of it. Beyond so much, a connection has no more than one over
// HTTP/1.1 may have: [limits] head_bytes.
constexpr std::size_t kHeadsBytes = 16U << 20U;

}  // namespace

H2Exchange* H2Connection::exchange_of(h2::StreamId stream) {
  for (const std::uint32_t index : exchanges_) {
    if (room_.exchanges[index].stream == stream) return &room_.exchanges[index];
  }
  return nullptr;
}

Request H2Connection::request_of(const H2Exchange& exchange) const {
  return {.head = session_.head(exchange.stream),
          .body = exchange.body,
          .body_end = BodyEnd::end_of_stream,
          .exchange = exchange.id,
          .peer = &room_.parts.connections.peer(slot_),
          .secure = room_.parts.connections[slot_].secure};
}

void H2Connection::begun(h2::StreamId stream) {
  H2Exchange& exchange = room_.exchanges.begin(slot_, stream);
  exchange.due = room_.tick + ticks(settings()->limits.head_time);
  exchange.access = room_.parts.access.asked();
  exchanges_.push_back(H2Exchanges::index_of(exchange));
  asked_ = true;
}

void H2Connection::asked(h2::StreamId stream, bool body_follows) {
  H2Exchange& exchange = *exchange_of(stream);
  exchange.stage = Stage::body;
  exchange.due = room_.tick + ticks(settings()->limits.head_time);
  if (!accepts(exchange)) {
    ++room_.parts.counters.h2_streams_refused_total;
    exchange.stage = Stage::answering;
    return session_.reset(stream, h2::ErrorCode::refused_stream);
  }
  room_.response.clear();
  const auto allowed = room_.parts.routes.body_allowed(request_of(exchange), room_.response);
  if (!allowed) return say(exchange);
  const http::Limits& limits = settings().subscriber_requests();
  exchange.body_max =
      static_cast<std::size_t>(std::min<std::uint64_t>(*allowed, limits.body_bytes));
  if (!body_follows) return;
  if (same_ignoring_case(session_.head(stream).value("expect"), "100-continue")) {
    session_.go_on(stream);
  }
}

// RFC 9113 §8.7: what is not accepted may be asked again.
bool H2Connection::accepts(H2Exchange& exchange) {
  exchange.head_bytes = session_.head_bytes(exchange.stream);
  room_.head_bytes += exchange.head_bytes;
  std::size_t unsaid = 0;
  std::size_t heads = 0;
  for (const std::uint32_t index : exchanges_) {
    unsaid += session_.unsaid(room_.exchanges[index].stream);
    heads += room_.exchanges[index].head_bytes;
  }
  const bool share = heads <= settings()->limits.head_bytes;
  return unsaid <= kUnsaidBytes && (share || room_.head_bytes <= kHeadsBytes);
}

void H2Connection::forget_head(H2Exchange& exchange) {
  room_.head_bytes -= std::exchange(exchange.head_bytes, 0);
}

// Counted before it is looked at: other shards take from the same bound.
std::optional<BodyRefusal> H2Connection::take_body(H2Exchange& exchange, std::string_view piece) {
  if (exchange.body.size() + piece.size() > exchange.body_max) return BodyRefusal::too_large;
  std::atomic<std::uint64_t>& bodies = room_.parts.bodies;
  if (bodies.fetch_add(piece.size()) + piece.size() > settings()->limits.bodies_bytes) {
    bodies.fetch_sub(piece.size());
    return BodyRefusal::too_many_bodies;
  }
  exchange.body += piece;
  return {};
}

void H2Connection::body(h2::StreamId stream, std::string_view piece) {
  H2Exchange* const exchange = exchange_of(stream);
  if (exchange == nullptr || exchange->stage != Stage::body) return;
  if (const auto refusal = take_body(*exchange, piece)) refuse_body(*exchange, *refusal);
}

void H2Connection::complete(h2::StreamId stream) {
  H2Exchange* const exchange = exchange_of(stream);
  if (exchange == nullptr || exchange->stage != Stage::body) return;
  ++room_.parts.counters.requests_total;
  room_.response.clear();
  room_.parts.routes.answer(request_of(*exchange), room_.response);
  carry(*exchange);
}

void H2Connection::refused(h2::StreamId stream, const http::Refusal& refusal) {
  H2Exchange& exchange = *exchange_of(stream);
  if (refusal.limit == http::Limit::body_bytes) {
    return refuse_body(exchange, BodyRefusal::too_large);
  }
  const std::string sentence = sentence_of(refusal, settings().subscriber_requests());
  refuse(exchange, {.status = refusal.status, .sentence = sentence, .limit = refusal.limit});
}

void H2Connection::refuse(H2Exchange& exchange, const Refused& why) {
  ++room_.parts.counters.requests_refused_total;
  room_.response.clear();
  room_.parts.routes.refuse(request_of(exchange), why, room_.response);
  say(exchange);
}

void H2Connection::refuse_body(H2Exchange& exchange, BodyRefusal refusal) {
  ++room_.parts.counters.bodies_refused_total;
  room_.response.clear();
  room_.parts.routes.refuse_body(request_of(exchange), refusal, room_.response);
  say(exchange);
}

// Carries out the answer of the Routes to a complete request.
void H2Connection::carry(H2Exchange& exchange) {
  Response& response = room_.response;
  if (response.kind == Response::Kind::later) {
    exchange.stage = Stage::waiting;
    exchange.patience = response.patience;
    exchange.due = room_.tick + ticks(response.patience);
    return;
  }
  const bool head_only = session_.head(exchange.stream).method == http::Method::head;
  if (response.kind == Response::Kind::stream && !head_only) return begin_stream(exchange);
  say(exchange);
}

void H2Connection::say(H2Exchange& exchange) {
  const Request request = request_of(exchange);
  if (room_.parts.access.on()) {
    exchange.access = room_.parts.access.answered(exchange.access, request, room_.response.status);
  }
  forget_head(exchange);
  exchange.answer_bytes =
      room_.writer.write(session_, exchange.stream, room_.response, request.head.method);
  room_.parts.bodies -= exchange.body.size();
  exchange.body.clear();
  exchange.stage = Stage::answering;
  exchange.unsaid = exchange.answer_bytes;
  exchange.due = room_.tick + ticks(settings()->delivery.stall);
  empty(room_.response.body);
}

void H2Connection::begin_stream(H2Exchange& exchange) {
  say(exchange);
  StreamStart start = std::move(room_.response.stream);
  start.access = std::exchange(exchange.access, {});
  const h2::StreamId id = exchange.stream;
  forget(exchange, {});
  const std::int32_t more = session_.window(id) - session_.initial_window();
  streams_.push_back({.id = id, .window_more = std::max(more, 0)});
  room_.orders.emplace_back(StreamBegins{.slot = slot_, .stream = id, .start = std::move(start)});
}

void H2Connection::answer(H2Exchange& exchange, const HttpPort::Answerer& make) {
  room_.response.clear();
  make(request_of(exchange), room_.response);
  carry(exchange);
  look_for_end();
  set_due();
}

// Its head is whole, its body is not.
void H2Connection::late(H2Exchange& exchange) {
  const std::string sentence =
      late_request_sentence(/*in_body=*/true, settings()->limits.head_time);
  refuse(exchange, {.status = 408, .sentence = sentence});
}

void H2Connection::wait_no_longer(H2Exchange& exchange) {
  Response& response = room_.response;
  exchange.stage = Stage::body;
  response.clear();
  if (!room_.parts.routes.time_is_up(request_of(exchange), response)) {
    room_.parts.routes.given_up(exchange.id);
    const std::string sentence = no_answer_sentence(exchange.patience);
    response.clear();
    room_.parts.routes.refuse(request_of(exchange), {.status = 504, .sentence = sentence},
                              response);
    if (response.status >= 400) ++room_.parts.counters.requests_refused_total;
  }
  carry(exchange);
}

// An answer of which nothing was taken for the time of a stall is not waited for.
void H2Connection::look_at_answer(H2Exchange& exchange) {
  const std::size_t unsaid = session_.unsaid(exchange.stream);
  const bool moves = unsaid < exchange.unsaid;
  exchange.unsaid = unsaid;
  exchange.due = room_.tick + ticks(settings()->delivery.stall);
  if (moves) return;
  ++room_.parts.counters.h2_answers_stalled_total;
  session_.reset(exchange.stream, h2::ErrorCode::cancel);
}

void H2Connection::forget(H2Exchange& exchange, std::string_view end) {
  const std::uint32_t index = H2Exchanges::index_of(exchange);
  if (exchange.stage == Stage::waiting) {
    room_.parts.routes.given_up(exchange.id);
    exchange.access = room_.parts.access.answered(exchange.access, request_of(exchange), 0);
  }
  if (!exchange.access.text.empty()) {
    room_.parts.access.finish(std::exchange(exchange.access, {}), exchange.answer_bytes, end);
  }
  forget_head(exchange);
  room_.parts.bodies -= exchange.body.size();
  std::erase(exchanges_, index);
  room_.exchanges.end(exchange);
}

}  // namespace fanfare::server
