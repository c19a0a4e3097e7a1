#include "tests/sim/tiny_server.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <span>
#include <string_view>
#include <utility>

namespace fanfare::sim {
namespace {

constexpr std::size_t kWindowEvents = 12;
constexpr std::uint32_t kSlots = 32;

std::string percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    int value = 0;
    std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16);
    decoded += static_cast<char>(value);
    i += 2;
  }
  return decoded;
}

std::string sse_text(const Publication& publication, const std::string& id) {
  std::string text;
  if (!publication.type.empty()) text += "event: " + publication.type + "\n";
  std::string_view rest = publication.heard;
  for (;;) {
    const std::size_t feed = rest.find('\n');
    text += "data: ";
    text += rest.substr(0, feed);
    text += '\n';
    if (feed == std::string_view::npos) break;
    rest.remove_prefix(feed + 1);
  }
  return text + "id: " + id + "\n\n";
}

}  // namespace

TinyServer::TinyServer(World& world, TinyBug bug)
    : world_(world),
      bug_(bug),
      ring_(world.kernel(), kSlots, "tiny", SimRing::Pools::of(world.kernel().faults())),
      listener_(world.kernel().listen(Door::subscribers)),
      subscribers_(kSlots) {
  world_.ledger().begin_life("tiny");
  ring_.accept(listener_, {.kind = op_accept});
}

io::Token TinyServer::token(Op op, io::Slot slot) const {
  return {.kind = op, .generation = subscribers_[slot].generation, .index = slot};
}

bool TinyServer::runnable(std::size_t /*shard*/) const {
  return dirty_ || ring_.ready();
}

void TinyServer::publish(Publication& publication) {
  const std::uint64_t sequence = ++head_;
  const std::string id = world_.ledger().id_of({.life = 0, .sequence = sequence});
  const std::string& channel = world_.ledger().channel_of(publication);
  window_.push_back({sequence, channel, sse_text(publication, id)});
  if (window_.size() > kWindowEvents) {
    evicted_[window_.front().channel] = window_.front().sequence;
    window_.pop_front();
  }
  publication.fate = Publication::Fate::acked;
  world_.ledger().learn(publication.number, {.life = 0, .sequence = sequence});
  dirty_ = true;
}

void TinyServer::turn(std::size_t /*shard*/) {
  std::vector<io::Completion> out;
  ring_.wait(ring_.now(), out);
  dirty_ = false;
  for (const io::Completion& completion : out) take(completion);
  for (io::Slot slot = 0; slot < kSlots; ++slot) {
    if (subscribers_[slot].open && subscribers_[slot].streaming && !subscribers_[slot].blocked)
      send_next(slot);
  }
  std::vector<io::Completion> sends;
  ring_.submit(sends);
  for (const io::Completion& completion : sends) take(completion);
  for (Subscriber& subscriber : subscribers_) {
    if (std::exchange(subscriber.sent, false)) subscriber.block.reset();  // it went whole
    if (subscriber.open && subscriber.streaming && !subscriber.blocked &&
        (subscriber.block || subscriber.cursor < head_))
      dirty_ = true;
  }
  for (io::Slot slot = 0; slot < kSlots; ++slot) {
    if (subscribers_[slot].open && subscribers_[slot].doomed) close(slot);
  }
}

void TinyServer::take(const io::Completion& completion) {
  if (completion.token.kind == op_accept) return accepted(completion);
  const io::Slot slot = completion.token.index;
  Subscriber& subscriber = subscribers_[slot];
  if (completion.token.generation != subscriber.generation) {
    if (!completion.data.empty()) ring_.recycle(completion);
    return;
  }
  switch (completion.token.kind) {
    case op_receive:
      subscriber.armed[0] = false;
      read(slot, completion);
      break;
    case op_hang_up:
      subscriber.armed[1] = false;
      if (bug_ != TinyBug::forgets_a_close) subscriber.doomed = true;
      break;
    case op_writable:
      subscriber.armed[2] = false;
      subscriber.blocked = false;
      dirty_ = true;
      break;
    case op_send:
      subscriber.sent = false;
      if (completion.result < 0 && completion.result != -EAGAIN) {
        subscriber.doomed = true;
        break;
      }
      if (completion.result > 0) {
        const auto went = static_cast<std::size_t>(completion.result);
        subscriber.block = std::make_shared<const std::string>(subscriber.block->substr(went));
        if (bug_ == TinyBug::cuts_an_event && world_.random().chance(0.2)) {
          subscriber.block.reset();
          break;
        }
      }
      subscriber.blocked = true;
      arm(slot, op_writable);
      break;
    default:
      subscriber = {.generation = subscriber.generation, .head = {}, .wish = {}, .block = {}};
      break;
  }
}

void TinyServer::accepted(const io::Completion& completion) {
  if (!completion.more) ring_.accept(listener_, {.kind = op_accept});
  if (completion.result < 0) return;
  const auto free = std::ranges::find_if(subscribers_, [](const Subscriber& s) { return !s.open; });
  if (free == subscribers_.end()) return ring_.refuse(completion.result);
  const auto slot = static_cast<io::Slot>(free - subscribers_.begin());
  if (!ring_.adopt(completion.result, slot)) return;
  free->open = true;
  arm(slot, op_receive);
}

void TinyServer::arm(io::Slot slot, Op op) {
  if (std::exchange(subscribers_[slot].armed[op - op_receive], true)) return;
  if (op == op_receive) {
    ring_.receive(slot, token(op, slot));
  } else {
    ring_.poll(slot, op == op_hang_up ? io::Interest::hang_up : io::Interest::writable,
               token(op, slot));
  }
}

void TinyServer::read(io::Slot slot, const io::Completion& completion) {
  Subscriber& subscriber = subscribers_[slot];
  if (!completion.data.empty()) {
    subscriber.head.append(reinterpret_cast<const char*>(completion.data.data()),
                           completion.data.size());
    ring_.recycle(completion);
  } else if (completion.result != -ENOBUFS) {
    subscriber.doomed = true;
    return;
  }
  if (subscriber.head.find("\r\n\r\n") == std::string::npos) return arm(slot, op_receive);
  begin_stream(slot);
  arm(slot, op_hang_up);
}

void TinyServer::begin_stream(io::Slot slot) {
  Subscriber& subscriber = subscribers_[slot];
  const std::string& head = subscriber.head;
  constexpr std::string_view kTopic = "channel=";
  for (std::size_t at = 0; (at = head.find(kTopic, at)) != std::string::npos;) {
    at += kTopic.size();
    const std::size_t end = head.find_first_of("& ", at);
    subscriber.wish.topics.push_back(percent_decoded(std::string_view(head).substr(at, end - at)));
  }
  subscriber.chunked = head.find(" HTTP/1.1\r\n") != std::string::npos;
  subscriber.cursor = head_;
  constexpr std::string_view kCursor = "Last-Event-ID: ";
  if (const std::size_t at = head.find(kCursor); at != std::string::npos) {
    const std::size_t value = at + kCursor.size();
    const auto place = world_.ledger().place_of(head.substr(value, head.find('\r', value) - value));
    if (place) subscriber.cursor = place->sequence;
  }
  subscriber.streaming = true;
  subscriber.block = std::make_shared<const std::string>(
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n" +
      std::string(subscriber.chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n"));
}

void TinyServer::send_next(io::Slot slot) {
  Subscriber& subscriber = subscribers_[slot];
  if (!subscriber.block) {
    std::string text = next_text(subscriber);
    if (text.empty()) return;
    text = framed(subscriber, text);
    if (bug_ == TinyBug::ends_too_early && subscriber.chunked && world_.random().chance(0.01))
      text += "0\r\n\r\n";
    subscriber.block = std::make_shared<const std::string>(std::move(text));
  }
  subscriber.sent = true;
  std::span<const char> bytes(*subscriber.block);
  if (bug_ == TinyBug::moves_a_block) {
    scratch_ = *subscriber.block;
    bytes = scratch_;
  }
  ring_.send(slot, std::as_bytes(bytes), token(op_send, slot));
}

std::string TinyServer::framed(const Subscriber& subscriber, const std::string& text) const {
  if (!subscriber.chunked) return text;
  return fmt::format("{:x}\r\n{}\r\n", text.size(), text);
}

std::string TinyServer::next_text(Subscriber& subscriber) {
  if (std::string gap = gap_text(subscriber); !gap.empty()) return gap;
  Random& random = world_.random();
  for (const Frame& frame : window_) {
    if (frame.sequence <= subscriber.cursor || !subscriber.wish.matches(frame.channel)) continue;
    if (bug_ == TinyBug::drops_an_event && random.chance(0.01)) continue;
    if (bug_ != TinyBug::repeats_an_event || !random.chance(0.01))
      subscriber.cursor = frame.sequence;
    return frame.text;
  }
  subscriber.cursor = head_;
  return {};
}

std::string TinyServer::gap_text(Subscriber& subscriber) {
  std::uint64_t lost = 0;
  for (const auto& [channel, through] : evicted_) {
    if (subscriber.wish.matches(channel)) lost = std::max(lost, through);
  }
  const bool lies = bug_ == TinyBug::tells_a_false_gap && world_.random().chance(0.01) &&
                    subscriber.cursor < head_;
  if (lies) lost = subscriber.cursor + 1;
  if (lost <= subscriber.cursor) return {};
  // Everything up to `lost` is skipped, also what other channels still have.
  const auto id = [this](std::uint64_t sequence) {
    return world_.ledger().id_of({.life = 0, .sequence = sequence});
  };
  const std::string after = id(subscriber.cursor);
  if (!lies) subscriber.cursor = lost;
  if (bug_ == TinyBug::hides_a_gap) return {};
  return fmt::format(
      "event: gap\ndata: {{\"reason\":\"evicted\",\"after\":\"{}\",\"resumed\":\"{}\"}}\nid: "
      "{}\n\n",
      after, id(lost), id(lies ? subscriber.cursor : lost));
}

void TinyServer::close(io::Slot slot) {
  Subscriber& subscriber = subscribers_[slot];
  std::vector<io::Token> armed;
  for (const Op op : {op_receive, op_hang_up, op_writable}) {
    if (subscriber.armed[op - op_receive]) armed.push_back(token(op, slot));
  }
  ++subscriber.generation;  // what is still to come of this connection is about nobody
  subscriber.streaming = subscriber.doomed = false;
  subscriber.block.reset();
  ring_.close(slot, armed, token(op_close, slot), false);
  dirty_ = true;
}

std::string TinyServer::left() const {
  SimRing::Left left = ring_.left();
  left.accepts = 0;  // it goes on accepting
  if (left.nothing()) return {};
  return fmt::format("{} slots, {} armed, {} buffers, {} queued, {} completions", left.slots,
                     left.armed, left.buffers, left.queued, left.completions);
}

}  // namespace fanfare::sim
