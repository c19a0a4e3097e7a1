#include "broker/server/sockets/tls_ring.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/check.h"

namespace fanfare::server {
namespace {

// Text sealed in one send: about what a healthy socket takes at once, and what a stalled one makes
// us keep.
constexpr std::size_t kSendMax = 64U << 10U;
// Sealed between two submits; then this ring submits by itself.
constexpr std::size_t kArenaBytes = 1U << 20U;
// The handshakes of one turn: 10 to 20 with ECDSA, 2 or 3 with RSA.
constexpr Duration kHandshakesTime = 2ms;
constexpr int kHandshakesMax = 32;
// A text's buffer that is larger than this is not kept for the next.
constexpr std::size_t kTextKept = 32U << 10U;
// Marks this ring's buffers among those of the ring below.
constexpr std::uint32_t kOwnBuffer = 1U << 31U;

bool is_full(std::int32_t result) {
  return result >= 0 || result == -EAGAIN || result == -ENOBUFS || result == -ENOMEM;
}

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace

TlsRing::~TlsRing() = default;

void TlsRing::expect(io::Slot slot, Audience audience) {
  if (lines_.size() <= slot) lines_.resize(slot + 1);
  generation_ = (generation_ + 1) & 0xffffffU;
  lines_[slot] = std::make_unique<Line>();
  lines_[slot]->generation = generation_;
  lines_[slot]->audience = audience;
}

bool TlsRing::is_expected(io::Slot slot) const {
  const Line* const expected = line(slot);
  return expected != nullptr && !expected->engine;
}

bool TlsRing::speaks_tls(io::Slot slot) const {
  return secure(slot) != nullptr;
}

std::string_view TlsRing::protocol(io::Slot slot) const {
  const Line* const known = line(slot);
  if (known == nullptr || !known->engine || !known->engine->protocol()) return {};
  return server_of(*known)->protocols()[*known->engine->protocol()];
}

std::shared_ptr<const tls::PeerCertificate> TlsRing::peer(io::Slot slot) const {
  const Line* const known = line(slot);
  return known == nullptr || !known->engine ? nullptr : known->engine->peer();
}

tls::Failure TlsRing::failure(io::Slot slot) const {
  const Line* const known = line(slot);
  return known == nullptr || !known->engine ? tls::Failure::none : known->engine->failure();
}

TlsRing::Line* TlsRing::secure(io::Slot slot) const {
  Line* const known = line(slot);
  return known != nullptr && known->engine && !known->broken ? known : nullptr;
}

TlsRing::Line* TlsRing::find(io::Slot slot, std::uint32_t generation) const {
  Line* const known = line(slot);
  return known != nullptr && known->generation == generation ? known : nullptr;
}

TlsRing::Traffic& TlsRing::traffic(Line& line) {
  if (!line.traffic) line.traffic = std::make_unique<Traffic>();
  return *line.traffic;
}

void TlsRing::rest(Line& line) {
  if (!line.traffic) return;
  const Traffic& now = *line.traffic;
  const bool armed = now.receive || now.room || now.receive_below || now.room_below;
  const bool kept = !now.early.empty() || !now.unsent.empty() || now.passed > 0;
  if (!armed && !kept && !now.shut && !now.deferred) line.traffic.reset();
}

// ---- receiving

void TlsRing::begin(io::Slot slot, std::string_view first) {
  Line& line = *lines_[slot];
  line.engine.emplace(server_of(line), aead_);
  ++handshakes_;
  Traffic& now = traffic(line);
  now.early = first;
  now.deferred = true;
  later_.push_back(own(kReceive, slot, line));
}

void TlsRing::receive(io::Slot slot, io::Token token, io::BufferClass buffers) {
  Line* const line = secure(slot);
  if (line == nullptr) return below_.receive(slot, token, buffers);
  Traffic& now = traffic(*line);
  now.receive = token;
  now.buffers = buffers;
  if (line->engine->state() == tls::Engine::State::ended) return give(*line, 0);
  arm_receive(slot, *line);
}

void TlsRing::arm_receive(io::Slot slot, Line& line) {
  Traffic& now = traffic(line);
  if (now.receive_below || now.deferred) return;
  now.receive_below = true;
  below_.receive(slot, own(kReceive, slot, line), now.buffers);
}

void TlsRing::received(const io::Completion& completion) {
  const io::Slot slot = completion.token.index;
  Line* const line = find(slot, completion.token.generation);
  if (line != nullptr) {
    Traffic& now = traffic(*line);
    now.receive_below = false;
    if (completion.data.empty()) {
      give(*line, completion.result);
    } else if (line->lost) {
      give(*line, -EPIPE);
    } else if (line->engine->state() == tls::Engine::State::handshaking) {
      now.early += text_of(completion.data);
      now.deferred = true;
      later_.push_back(completion.token);
    } else {
      take(slot, *line, text_of(completion.data));
    }
  }
  if (!completion.data.empty()) below_.recycle(completion);
}

void TlsRing::take(io::Slot slot, Line& line, std::string_view bytes) {
  text_.clear();
  out_.clear();
  const tls::Engine::State state = line.engine->received(bytes, text_, out_);
  if (state == tls::Engine::State::failed) return fail(slot, line);
  if (!out_.empty()) say(slot, line, out_);
  if (line.lost) return;
  if (!text_.empty()) {
    give(line, static_cast<std::int32_t>(text_.size()), text_);
  } else if (state == tls::Engine::State::ended) {
    give(line, 0);
  } else if (line.traffic && line.traffic->receive) {
    arm_receive(slot, line);
  }
}

void TlsRing::fail(io::Slot slot, Line& line) {
  const tls::Failure failure = line.engine->failure();
  ++counts_.failures[static_cast<std::size_t>(failure)];
  if (failure == tls::Failure::plain_http) out_ = tls::answer_to_plain_http();
  if (!out_.empty()) say(slot, line, out_);
  line.broken = true;
  give(line, -EPROTO);
}

// What the caller has asked to receive.
void TlsRing::give(Line& line, std::int32_t result, std::string_view text) {
  Traffic& now = traffic(line);
  CHECK(now.receive || text.empty(), "text is read for somebody who asked");
  if (!now.receive) return;
  io::Completion completion{.token = *std::exchange(now.receive, std::nullopt),
                            .result = result,
                            .more = false,
                            .data = {},
                            .buffer = 0};
  if (!text.empty()) {
    if (texts_free_.empty()) {
      texts_free_.push_back(static_cast<std::uint32_t>(texts_.size()));
      texts_.emplace_back();
    }
    const std::uint32_t index = texts_free_.back();
    texts_free_.pop_back();
    texts_[index] = text;
    completion.data = bytes_of(texts_[index]);
    completion.buffer = kOwnBuffer | index;
  }
  ready_.push_back(completion);
  rest(line);
}

void TlsRing::recycle(const io::Completion& received) {
  if ((received.buffer & kOwnBuffer) == 0) return below_.recycle(received);
  const std::uint32_t index = received.buffer & ~kOwnBuffer;
  if (texts_[index].capacity() > kTextKept) texts_[index] = std::string();
  texts_free_.push_back(index);
}

// As many as there is time for.
void TlsRing::shake_hands() {
  if (later_.empty()) return;
  const TimePoint began = below_.now();
  for (const auto* server : {&servers_.subscribers, &servers_.publishers}) {
    if (*server) (*server)->tickets().time_passes(began);
  }
  for (int count = 0; !later_.empty(); ++count) {
    const bool time_is_up = count > 0 && below_.now() - began >= kHandshakesTime;
    if (time_is_up || count == kHandshakesMax) {
      counts_.deferred += later_.size();
      return;
    }
    const io::Token token = later_.front();
    later_.pop_front();
    Line* const line = find(token.index, token.generation);
    if (line == nullptr) continue;
    Traffic& now = traffic(*line);
    now.deferred = false;
    const std::string early = std::exchange(now.early, {});
    if (line->lost) continue;
    take(token.index, *line, early);
    const tls::Engine& engine = *line->engine;
    if (engine.state() == tls::Engine::State::handshaking) continue;
    --handshakes_;
    const bool done = engine.state() != tls::Engine::State::failed;
    counts_.handshakes += done ? 1U : 0U;
    counts_.resumed += done && engine.resumed() ? 1U : 0U;
  }
}

// ---- sending

void TlsRing::make_room(std::size_t bytes) {
  if (arena_.capacity() < kArenaBytes) arena_.reserve(kArenaBytes);
  if (arena_.size() + bytes <= kArenaBytes) return;
  submit_below(ready_);
  CHECK(arena_.empty() && bytes <= kArenaBytes, "a submit empties the arena");
}

// `sent.bytes` lies in the arena.
void TlsRing::queue(io::Slot slot, Line& line, Sent sent) {
  line.sent = true;
  sent.slot = slot;
  sent.generation = line.generation;
  sent.result = static_cast<std::int32_t>(sent.bytes.size());
  const auto index = static_cast<std::uint32_t>(sent_.size());
  sent_.push_back(sent);
  below_.send(slot, bytes_of(sent.bytes), {.kind = kSend, .generation = index, .index = slot});
}

// Bytes of the protocol's own: what is sealed already, or has no seal.
void TlsRing::say(io::Slot slot, Line& line, std::string_view bytes) {
  if (line.sent) submit_below(ready_);
  if (line.lost) return;
  if (line.traffic && !line.traffic->unsent.empty()) {
    line.traffic->unsent += bytes;
    return;
  }
  make_room(bytes.size());
  const std::size_t from = arena_.size();
  arena_ += bytes;
  queue(slot, line, {.bytes = std::string_view(arena_).substr(from)});
}

void TlsRing::send(io::Slot slot, std::span<const std::byte> bytes, io::Token token) {
  Line* const line = this->line(slot);
  if (line == nullptr || !line->engine) return below_.send(slot, bytes, token);
  // Its failure may not have been read yet, and what is sent is for TLS alone.
  if (line->sent && !line->broken) submit_below(ready_);
  if (line->broken || line->lost) {
    ready_.push_back({.token = token, .result = -EPIPE, .more = false, .data = {}, .buffer = 0});
    return;
  }
  const bool handshaking = line->engine->state() == tls::Engine::State::handshaking;
  if (handshaking || (line->traffic && !line->traffic->unsent.empty())) {
    ready_.push_back({.token = token, .result = -EAGAIN, .more = false, .data = {}, .buffer = 0});
    return;
  }
  std::string_view text = text_of(bytes);
  const std::size_t passed = line->traffic ? std::min(line->traffic->passed, text.size()) : 0;
  text.remove_prefix(passed);
  if (passed > 0) line->traffic->passed -= passed;
  rest(*line);
  if (text.empty()) return;
  text = text.substr(0, kSendMax);
  make_room(tls::Engine::sealed_bytes_max(text.size()));
  const std::size_t from = arena_.size();
  line->engine->send(text, arena_);
  queue(slot, *line,
        {.token = token,
         .bytes = std::string_view(arena_).substr(from),
         .text = passed + text.size(),
         .offered = bytes.size()});
}

// Takes note of the completions that are about sends, and takes them out.
void TlsRing::note_sends(std::vector<io::Completion>& completions) {
  std::erase_if(completions, [this](const io::Completion& completion) {
    if (completion.token.kind != kSend) return false;
    sent_[completion.token.generation].result = completion.result;
    return true;
  });
}

// After a submit: the bytes in the arena are gone, but for what sockets did not take.
void TlsRing::settle() {
  for (const Sent& sent : sent_) settle(sent);
  sent_.clear();
  arena_.clear();
}

void TlsRing::settle(const Sent& sent) {
  Line* const line = find(sent.slot, sent.generation);
  if (line == nullptr) return;
  line->sent = false;
  const auto answer = [&](std::int32_t result) {
    ready_.push_back(
        {.token = *sent.token, .result = result, .more = false, .data = {}, .buffer = 0});
  };
  if (!is_full(sent.result)) {
    line->lost = true;
    if (sent.token) return answer(sent.result);
    // A stream reads nothing, and waits for room: its next send will show what is wrong.
    if (line->traffic && line->traffic->room && !line->traffic->room_below) {
      ready_.push_back({.token = *std::exchange(line->traffic->room, std::nullopt),
                        .result = POLLERR,
                        .more = false,
                        .data = {},
                        .buffer = 0});
    }
    return give(*line, sent.result);
  }
  const auto went = static_cast<std::size_t>(std::max(sent.result, 0));
  const std::string_view unsent = sent.bytes.substr(std::min(went, sent.bytes.size()));
  if (!sent.token) return settle_own(sent.slot, *line, unsent);
  if (!unsent.empty()) {
    Traffic& now = traffic(*line);
    now.unsent = unsent;
    now.passed = 1;
    answer(static_cast<std::int32_t>(sent.text) - 1);
  } else if (sent.text < sent.offered) {
    answer(static_cast<std::int32_t>(sent.text));
  }
}

void TlsRing::settle_own(io::Slot slot, Line& line, std::string_view unsent) {
  if (!unsent.empty()) {
    Traffic& now = traffic(line);
    now.unsent.insert(0, unsent);
    return arm_room(slot, line);
  }
  if (!line.traffic) return;
  Traffic& now = *line.traffic;
  if (now.room && !now.room_below) {
    ready_.push_back({.token = *std::exchange(now.room, std::nullopt),
                      .result = POLLOUT,
                      .more = false,
                      .data = {},
                      .buffer = 0});
  }
  if (std::exchange(now.shut, false)) below_.shutdown_write(slot);
  rest(line);
}

void TlsRing::poll(io::Slot slot, io::Interest interest, io::Token token) {
  Line* const line = secure(slot);
  if (line == nullptr || interest == io::Interest::hang_up) {
    return below_.poll(slot, interest, token);
  }
  traffic(*line).room = token;
  arm_room(slot, *line);
}

void TlsRing::arm_room(io::Slot slot, Line& line) {
  Traffic& now = traffic(line);
  if (std::exchange(now.room_below, true)) return;
  below_.poll(slot, io::Interest::writable, own(kRoom, slot, line));
}

// What was not taken goes first; then there is room for the caller.
void TlsRing::room(const io::Completion& completion) {
  const io::Slot slot = completion.token.index;
  Line* const line = find(slot, completion.token.generation);
  if (line == nullptr) return;
  Traffic& now = traffic(*line);
  now.room_below = false;
  const bool writable = completion.result > 0 && (completion.result & POLLOUT) != 0;
  if (writable && !now.unsent.empty() && !line->lost) {
    say(slot, *line, std::exchange(now.unsent, {}));
    return;
  }
  if (now.room) {
    io::Completion passed_on = completion;
    passed_on.token = *std::exchange(now.room, std::nullopt);
    ready_.push_back(passed_on);
  }
  rest(*line);
}

void TlsRing::shutdown_write(io::Slot slot) {
  Line* const line = secure(slot);
  if (line == nullptr) return below_.shutdown_write(slot);
  if (line->sent) submit_below(ready_);
  out_.clear();
  if (!line->lost) line->engine->close(out_);
  if (out_.empty()) return below_.shutdown_write(slot);
  traffic(*line).shut = true;
  say(slot, *line, out_);
  if (!line->sent) arm_room(slot, *line);
}

// ---- the end, and the turn

void TlsRing::close(io::Slot slot, std::span<const io::Token> armed, io::Token token, bool reset) {
  if (line(slot) == nullptr) return below_.close(slot, armed, token, reset);
  if (Line* const open = secure(slot); open != nullptr && !reset) {
    if (open->sent) submit_below(ready_);
    out_.clear();
    if (!open->traffic || open->traffic->unsent.empty()) open->engine->close(out_);
    if (!out_.empty()) say(slot, *open, out_);
  }
  const std::unique_ptr<Line> closed = std::move(lines_[slot]);
  if (closed->engine && closed->engine->state() == tls::Engine::State::handshaking) --handshakes_;
  const Traffic* const now = closed->traffic.get();
  std::array<io::Token, 5> below{};
  std::size_t count = 0;
  for (const io::Token& one : armed) {
    const bool receives = now != nullptr && now->receive == one;
    const bool awaits_room = now != nullptr && now->room == one;
    if (!receives && !awaits_room) below[count++] = one;
    if (!receives && !awaits_room) continue;
    ready_.push_back({.token = one, .result = -ECANCELED, .more = false, .data = {}, .buffer = 0});
  }
  if (now != nullptr && now->receive_below) below[count++] = own(kReceive, slot, *closed);
  if (now != nullptr && now->room_below) below[count++] = own(kRoom, slot, *closed);
  below_.close(slot, std::span(below.data(), count), token, reset);
}

// Completions that are the caller's go to `out`; its own wait for wait().
void TlsRing::submit_below(std::vector<io::Completion>& out) {
  std::vector<io::Completion> completions = std::move(spare_);
  completions.clear();
  below_.submit(completions);
  note_sends(completions);
  settle();
  for (const io::Completion& completion : completions) {
    const bool mine = completion.token.kind == kReceive || completion.token.kind == kRoom;
    (mine ? met_ : out).push_back(completion);
  }
  spare_ = std::move(completions);
}

void TlsRing::submit(std::vector<io::Completion>& out) {
  submit_below(out);
  out.insert(out.end(), ready_.begin(), ready_.end());
  ready_.clear();
}

void TlsRing::wait(TimePoint deadline, std::vector<io::Completion>& out) {
  std::vector<io::Completion> completions = std::exchange(met_, {});
  below_.wait(work_waiting() || !completions.empty() ? below_.now() : deadline, completions);
  note_sends(completions);
  settle();
  for (const io::Completion& completion : completions) {
    if (completion.token.kind == kReceive) {
      received(completion);
    } else if (completion.token.kind == kRoom) {
      room(completion);
    } else {
      out.push_back(completion);
    }
  }
  shake_hands();
  out.insert(out.end(), ready_.begin(), ready_.end());
  ready_.clear();
}

}  // namespace fanfare::server
