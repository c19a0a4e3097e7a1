#include "tests/sim/bundle_port.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <utility>

#include "broker/wire/h1/request_parser.h"

#include "common/check.h"

namespace fanfare::sim {

using fanout::Member;
using server::CloseReason;
using server::PortOrder;
using server::Response;
using server::SharedOrder;
using server::Tick;

void BundlePort::order(io::Slot slot, PortOrder order) {
  orders_.emplace_back(server::ConnectionOrder{.slot = slot, .order = std::move(order)});
}

void BundlePort::say(Box& box, BundleFrame::Kind kind, std::uint32_t stream,
                     std::string_view payload) {
  box.out += BundleFrame{.kind = kind, .stream = stream, .payload = payload}.text();
  box.active = true;
}

bool BundlePort::errs(PlantedBug bug, double rate) {
  return kernel_.faults().bug == bug && kernel_.random().chance(rate);
}

// ---- connections

void BundlePort::begin(io::Slot slot, Tick tick, std::string_view first) {
  parts_.connections[slot].state = server::State::shared;
  parts_.connections[slot].due = tick + server::ticks(parts_.settings->limits.head_time);
  boxes_[slot] = Box{};
  if (!first.empty()) return received(slot, first, tick);
  order(slot, {PortOrder::Kind::receive});
}

void BundlePort::received(io::Slot slot, std::string_view bytes, Tick tick) {
  Box& box = boxes_.at(slot);
  if (!box.greeted && box.in.empty() && bytes[0] != kBundleGreeting[0]) {
    boxes_.erase(slot);
    return order(slot, parts_.http.begin(slot, tick, bytes));
  }
  box.active = true;
  box.in += bytes;
  if (!box.greeted) {
    const std::string_view begun = std::string_view(box.in).substr(0, kBundleGreeting.size());
    if (!kBundleGreeting.starts_with(begun))
      return order(slot, {PortOrder::Kind::close, CloseReason::bad_request});
    box.greeted = begun == kBundleGreeting;
    if (box.greeted) box.in.erase(0, kBundleGreeting.size());
  }
  if (box.greeted && !take_frames(slot, box))
    return order(slot, {PortOrder::Kind::close, CloseReason::bad_request});
  order(slot, {PortOrder::Kind::receive});
}

// False: what comes is of no such protocol.
bool BundlePort::take_frames(io::Slot slot, Box& box) {
  std::string_view rest = box.in;
  while (const std::optional<BundleFrame> frame = take_frame(rest)) {
    if (frame->kind == BundleFrame::Kind::open) {
      open(slot, box, *frame);
    } else if (frame->kind == BundleFrame::Kind::cancel) {
      cancel(box, frame->stream);
    } else {
      return false;
    }
  }
  box.in.erase(0, box.in.size() - rest.size());
  return !not_a_frame(box.in);
}

// A connection without streams goes when nothing has happened on it for so long.
void BundlePort::overdue(io::Slot slot, Tick tick) {
  Box& box = boxes_.at(slot);
  if (box.streams.empty() && !box.active) {
    const CloseReason reason = !box.greeted ? CloseReason::head_timeout
                               : box.full   ? CloseReason::slow_stalled
                                            : CloseReason::idle_timeout;
    return order(slot, {PortOrder::Kind::close, reason});
  }
  box.active = false;
  parts_.connections[slot].due = tick + server::ticks(parts_.settings->limits.idle_time);
}

void BundlePort::writable(io::Slot slot) {
  boxes_.at(slot).full = false;
}

bool BundlePort::quiet(io::Slot slot) const {
  const Box& box = boxes_.at(slot);
  return box.streams.empty() && box.in.empty() && box.out.empty();
}

bool BundlePort::waiting() const {
  return std::ranges::any_of(boxes_, [](const auto& entry) { return entry.second.sendable(); });
}

void BundlePort::release(io::Slot slot) {
  const auto box = boxes_.find(slot);
  CHECK(box != boxes_.end() && box->second.streams.empty(), "its streams have ended before");
  boxes_.erase(box);
  std::erase_if(orders_, [slot](const SharedOrder& order) {
    const auto* const of_connection = std::get_if<server::ConnectionOrder>(&order);
    return of_connection != nullptr && of_connection->slot == slot;
  });
}

std::optional<SharedOrder> BundlePort::next() {
  if (orders_.empty()) return std::nullopt;
  SharedOrder order = std::move(orders_.front());
  orders_.pop_front();
  return order;
}

// ---- streams

void BundlePort::open(io::Slot slot, Box& box, const BundleFrame& frame) {
  h1::RequestParser parser(parts_.settings.subscriber_requests());
  std::string body;
  std::string_view input = frame.payload;
  for (h1::Step step; (step = parser.step(input)).kind != h1::Step::Kind::end;) {
    input.remove_prefix(step.consumed);
    CHECK(step.kind == h1::Step::Kind::head || step.kind == h1::Step::Kind::body,
          "clients of this protocol ask as they should");
    body += step.body;
  }
  response_.clear();
  parts_.routes.answer(
      {.head = parser.head(), .body = body, .body_end = server::BodyEnd::end_of_stream}, response_);
  std::string_view type;
  std::string_view coding;
  for (std::size_t i = 0; i < response_.fields.size(); ++i) {
    if (response_.fields[i].name == "Content-Type") type = response_.fields[i].value;
    if (response_.fields[i].name == "Content-Encoding") coding = response_.fields[i].value;
  }
  say(box, BundleFrame::Kind::head, frame.stream,
      fmt::format("{} {}\n{}", response_.status, type, coding));
  if (response_.kind == Response::Kind::stream) {
    box.streams.push_back({.number = frame.stream});
    orders_.emplace_back(server::StreamBegins{
        .slot = slot, .stream = frame.stream, .start = std::move(response_.stream)});
  } else if (response_.kind == Response::Kind::come_back) {
    say(box, BundleFrame::Kind::data, frame.stream, response_.body);
    say(box, BundleFrame::Kind::end, frame.stream, kComeBack);
  }
}

void BundlePort::opened(io::Slot slot, std::uint32_t stream, Member subscriber) {
  Box& box = boxes_.at(slot);
  const auto found = std::ranges::find(box.streams, stream, &Stream::number);
  found->subscriber = subscriber;
  if (found->cancelled) orders_.emplace_back(server::StreamCancelled{subscriber});
}

// A stream that has ended meanwhile is nobody's any more.
void BundlePort::cancel(Box& box, std::uint32_t number) {
  const auto found = std::ranges::find(box.streams, number, &Stream::number);
  if (found == box.streams.end()) return;
  if (found->subscriber) {
    orders_.emplace_back(server::StreamCancelled{*found->subscriber});
  } else {
    found->cancelled = true;
  }
}

std::vector<Member> BundlePort::subscribers(io::Slot slot) const {
  std::vector<Member> members;
  for (const Stream& stream : boxes_.at(slot).streams) {
    if (stream.subscriber) members.push_back(*stream.subscriber);
  }
  return members;
}

// ---- boxes

std::optional<std::size_t> BundlePort::take(io::Slot slot, Member subscriber,
                                            std::string_view bytes) {
  Box& box = boxes_.at(slot);
  if (box.broken) return std::nullopt;
  auto stream = std::ranges::find(box.streams, subscriber, &Stream::subscriber);
  CHECK(stream != box.streams.end(), "only subscribers of this connection have this box");
  const std::size_t room = box_bytes_ - std::min(box_bytes_, box.out.size());
  const std::string_view taken = bytes.substr(0, room);
  stream->owed = taken.size() < bytes.size();
  if (taken.empty()) return 0;
  if (errs(PlantedBug::box_mixes_streams, 0.02)) stream = box.streams.begin();
  say(box, BundleFrame::Kind::data, stream->number, taken);
  return taken.size();
}

void BundlePort::end(io::Slot slot, Member subscriber, server::Ending ending) {
  Box& box = boxes_.at(slot);
  const auto stream = std::ranges::find(box.streams, subscriber, &Stream::subscriber);
  CHECK(stream != box.streams.end(), "a stream ends once");
  if (!errs(PlantedBug::box_end_unsaid, 0.5)) {
    say(box, BundleFrame::Kind::end, stream->number,
        ending == server::Ending::complete ? kComplete : kComeBack);
  }
  box.streams.erase(stream);
  std::erase_if(orders_, [subscriber](const SharedOrder& order) {
    const auto* const room = std::get_if<server::StreamHasRoom>(&order);
    const auto* const cancelled = std::get_if<server::StreamCancelled>(&order);
    return (room != nullptr && room->subscriber == subscriber) ||
           (cancelled != nullptr && cancelled->subscriber == subscriber);
  });
}

void BundlePort::flush() {
  for (const auto& [slot, box] : boxes_) {
    if (!box.sendable()) continue;
    parts_.ring.send(slot, std::as_bytes(std::span(box.out)),
                     parts_.connections.token(server::Op::send, slot));
    in_flight_.push_back(slot);
  }
}

void BundlePort::flushed(std::span<const io::Completion> cuts) {
  for (const io::Slot slot : std::exchange(in_flight_, {})) {
    const auto cut = std::ranges::find_if(
        cuts, [slot](const io::Completion& send) { return send.token.index == slot; });
    sent(slot, cut == cuts.end() ? static_cast<int>(boxes_.at(slot).out.size()) : cut->result);
  }
}

void BundlePort::sent(io::Slot slot, int result) {
  Box& box = boxes_.at(slot);
  const bool full = result == -EAGAIN || result == -ENOBUFS || result == -ENOMEM;
  if (result < 0 && !full) {
    box.broken = true;
    return order(slot, {PortOrder::Kind::close, CloseReason::peer_reset});
  }
  if (result > 0) {
    box.out.erase(0, static_cast<std::size_t>(result));
    box.active = true;
  }
  if (!box.out.empty()) {
    box.full = true;
    order(slot, {PortOrder::Kind::room});
  }
  if (box.out.size() <= box_bytes_ / 2) give_room(box);
}

void BundlePort::give_room(Box& box) {
  for (Stream& stream : box.streams) {
    if (!std::exchange(stream.owed, false) || errs(PlantedBug::box_owes_nothing, 0.2)) continue;
    orders_.emplace_back(server::StreamHasRoom{*stream.subscriber});
  }
}

}  // namespace fanfare::sim
