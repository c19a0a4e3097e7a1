#include "tests/sim/sim_ring.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "broker/io/address.h"

namespace fanfare::sim {

using io::Completion;
using io::Interest;
using io::Slot;
using io::Token;

namespace {

// As a route writes it behind "unix:" or "http://".
std::string place_of(const io::PeerAddress& address) {
  const sockaddr* const name = io::as_sockaddr(address);
  if (name->sa_family != AF_UNIX) return io::format_address(address);
  return reinterpret_cast<const sockaddr_un*>(name)->sun_path;
}

}  // namespace

SimRing::Pools SimRing::Pools::of(const Faults& faults) {
  return {.request_size = faults.buffer_size,
          .request_count = faults.buffer_count,
          .ingest_size = faults.buffer_size * 8,
          .ingest_count = 1 + faults.buffer_count / 4};
}

SimRing::SimRing(Kernel& kernel, std::uint32_t capacity, std::string label, const Pools& pools)
    : kernel_(kernel), label_(std::move(label)), slots_(capacity) {
  const auto add = [this](io::BufferClass of, std::size_t size, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      buffers_.push_back({.bytes = std::make_unique<std::byte[]>(size), .size = size, .of = of});
  };
  add(io::BufferClass::request, pools.request_size, pools.request_count);
  add(io::BufferClass::ingest, pools.ingest_size, pools.ingest_count);
}

SimRing::~SimRing() {
  for (const Accept& accept : accepts_) {
    if (accept.live) kernel_.watch(accept.listener, nullptr);
  }
  for (Entry& entry : slots_) {
    if (entry.socket != nullptr) entry.socket->close(true);
  }
}

void SimRing::die() {
  for (const Pending& pending : pending_) {
    if (pending.origin != Origin::accept) continue;
    if (Socket* unclaimed = kernel_.claim(pending.completion.result)) unclaimed->close(true);
  }
  dead_ = true;
  accepted_last_ = now();
  for (Pending& pending : pending_) pending.ready = now();
  for (Slot slot = 0; slot < slots_.size(); ++slot) {
    if (slots_[slot].requests[static_cast<std::size_t>(Verb::connect)].live)
      complete(slot, Verb::connect, -ECONNREFUSED);
    if (slots_[slot].socket == nullptr) continue;
    slots_[slot].socket->close(true);
    evaluate(slot);
  }
}

void SimRing::fail(std::string problem) {
  kernel_.fail(fmt::format("contract of {}: {}", label_, problem));
}

int SimRing::error_of(int& once, std::initializer_list<int> possible) {
  if (once != 0) return -std::exchange(once, 0);
  const double errors = kernel_.faults().errors;
  if (errors == 0 || !kernel_.random().chance(errors)) return 0;
  return -*(possible.begin() + kernel_.random().below(possible.size()));
}

SimRing::Entry* SimRing::open_entry(Slot slot, std::string_view verb) {
  if (slot < slots_.size() && slots_[slot].phase == Phase::open) return &slots_[slot];
  fail(fmt::format("{} on slot {}, which is {}", verb, slot,
                   slot >= slots_.size()                     ? "beyond the table"
                   : slots_[slot].phase == Phase::free       ? "free"
                   : slots_[slot].phase == Phase::connecting ? "not connected yet"
                                                             : "closing"));
  return nullptr;
}

// ---- connecting

void SimRing::connect(Slot slot, const io::PeerAddress& address, Token token) {
  if (address.size == 0) return fail("connect to no address");
  if (slot >= slots_.size() || slots_[slot].phase != Phase::free)
    return fail(fmt::format("connect in slot {}, which is not free", slot));
  if (!claim_token(token)) return;
  Entry& entry = slots_[slot];
  entry.phase = Phase::connecting;
  entry.place = place_of(address);
  entry.requests[static_cast<std::size_t>(Verb::connect)] = {.armed = true, .token = token};
  queue({.verb = Verb::connect, .slot = slot, .token = token, .bytes = {}});
}

void SimRing::run_connect(const Operation& operation) {
  Entry& entry = slots_[operation.slot];
  entry.requests[static_cast<std::size_t>(Verb::connect)].live = true;
  if (dead_) return complete(operation.slot, Verb::connect, -ECONNREFUSED);
  if (kernel_.random().chance(kernel_.faults().connect_stalls)) {
    kernel_.report().trace(now(), "{}: slot {} connects into the dark", label_, operation.slot);
    return;
  }
  kernel_.schedule(
      kernel_.latency(), *this,
      kConnectEnds | (std::uint64_t{operation.slot} << 8U) | (std::uint64_t{entry.use} << 32U));
}

void SimRing::connect_ends(Slot slot) {
  const int error = error_of(
      kernel_.faults().connect_error,
      {EMFILE, ENFILE, ENOMEM, EADDRNOTAVAIL, ENETUNREACH, EHOSTUNREACH, ETIMEDOUT, ECONNREFUSED});
  if (error != 0) return complete(slot, Verb::connect, error);
  if (kernel_.random().chance(kernel_.faults().connect_fails))
    return complete(slot, Verb::connect, -ECONNREFUSED);
  const std::string& place = slots_[slot].place;
  const bool listening = kernel_.listening(Door::upstream, place);
  Socket* const socket = kernel_.connect(Door::upstream, *this, slot, place);
  if (socket == nullptr) return complete(slot, Verb::connect, listening ? -EAGAIN : -ECONNREFUSED);
  slots_[slot].socket = socket;
  kernel_.report().trace(now(), "{}: slot {} is connection {}, its own", label_, slot,
                         socket->serial());
  complete(slot, Verb::connect, 0);
}

// ---- asking

bool SimRing::claim_token(Token token) {
  const bool fresh = armed_.insert(token.pack()).second;
  if (!fresh)
    fail(fmt::format("the token {}/{}/{} is armed already", token.kind, token.generation,
                     token.index));
  return fresh;
}

void SimRing::arm(Slot slot, Verb verb, Token token, io::BufferClass buffers) {
  constexpr std::array<std::string_view, 3> kNames = {"receive", "poll for hang-up",
                                                      "poll for writable"};
  const auto index = static_cast<std::size_t>(verb);
  Entry* entry = open_entry(slot, kNames[index]);
  if (entry == nullptr) return;
  if (entry->requests[index].armed)
    return fail(fmt::format("a second {} on slot {}", kNames[index], slot));
  if (!claim_token(token)) return;
  entry->requests[index] = {.armed = true, .token = token, .buffers = buffers};
  queue({.verb = verb, .slot = slot, .token = token, .bytes = {}});
}

int SimRing::lend(Slot slot) {
  open_entry(slot, "lend");
  return -EOPNOTSUPP;
}

void SimRing::receive(Slot slot, Token token, io::BufferClass buffers) {
  arm(slot, Verb::receive, token, buffers);
}

void SimRing::poll(Slot slot, Interest interest, Token token) {
  arm(slot, interest == Interest::hang_up ? Verb::hang_up : Verb::writable, token);
}

void SimRing::send(Slot slot, std::span<const std::byte> bytes, Token token) {
  Entry* entry = open_entry(slot, "send");
  if (entry == nullptr) return;
  if (entry->sent) return fail(fmt::format("two sends to slot {} between two submits", slot));
  if (bytes.empty()) return fail(fmt::format("an empty send to slot {}", slot));
  entry->sent = true;
  if (send_watcher_) send_watcher_({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  queue({.verb = Verb::send,
         .slot = slot,
         .token = token,
         .bytes = bytes,
         .sum = checksum(bytes.data(), bytes.size())});
}

void SimRing::shutdown_write(Slot slot) {
  if (open_entry(slot, "shutdown_write") == nullptr) return;
  queue({.verb = Verb::shutdown_write, .slot = slot, .token = {}, .bytes = {}});
}

void SimRing::close(Slot slot, std::span<const Token> armed, Token token, bool reset) {
  const bool connecting = slot < slots_.size() && slots_[slot].phase == Phase::connecting;
  Entry* entry = connecting ? &slots_[slot] : open_entry(slot, "close");
  if (entry == nullptr) return;
  for (const Request& request : entry->requests) {
    if (request.armed && std::ranges::find(armed, request.token) == armed.end())
      fail(fmt::format("close of slot {} does not name an armed token", slot));
  }
  entry->phase = Phase::closing;
  queue({.verb = Verb::close, .slot = slot, .token = token, .bytes = {}, .reset = reset});
}

void SimRing::recycle(const Completion& received) {
  if (received.data.empty()) return fail("recycle of a completion without data");
  if (received.buffer >= buffers_.size() || !buffers_[received.buffer].held ||
      buffers_[received.buffer].bytes.get() != received.data.data()) {
    return fail(fmt::format("recycle of buffer {}, which is not held", received.buffer));
  }
  Buffer& buffer = buffers_[received.buffer];
  std::memset(buffer.bytes.get(), 0xdd, buffer.size);
  // Where all were forgotten, a ring would soon have none, and its shard would ask in vain.
  if (kernel_.faults().bug == PlantedBug::recycle_forgotten && kernel_.random().chance(0.01))
    return;
  buffer.held = false;
}

// ---- running

void SimRing::queue(Operation operation) {
  if (kernel_.faults().sends_at_once) {
    run(operation);
  } else {
    queued_.push_back(operation);
  }
}

void SimRing::run(const Operation& operation) {
  switch (operation.verb) {
    case Verb::receive:
    case Verb::hang_up:
    case Verb::writable:
      slots_[operation.slot].requests[static_cast<std::size_t>(operation.verb)].live = true;
      evaluate(operation.slot);
      break;
    case Verb::connect:
      run_connect(operation);
      break;
    case Verb::send:
      run_send(operation);
      break;
    case Verb::shutdown_write:
      slots_[operation.slot].socket->shutdown_write();
      break;
    case Verb::close:
      run_close(operation);
      break;
  }
}

void SimRing::run_send(const Operation& operation) {
  Random& random = kernel_.random();
  const Faults& faults = kernel_.faults();
  Socket& socket = *slots_[operation.slot].socket;
  std::span<const std::byte> bytes = operation.bytes;
  if (checksum(bytes.data(), bytes.size()) != operation.sum)
    fail(fmt::format("the bytes of a send to slot {} changed before it ran", operation.slot));

  const Entry& entry = slots_[operation.slot];
  // Header, alert, type and tag of TLS 1.3; of 1.2 with its explicit nonce.
  const bool last_word = entry.secret && (bytes.size() == 24 || bytes.size() == 31);
  if (faults.bug == PlantedBug::tls_goodbye_lost && last_word) return;
  const bool healthy = !socket.hung_up();
  int result = 0;
  const int error = error_of(kernel_.faults().send_error, {ENOMEM, ENOBUFS, EPIPE, ECONNRESET,
                                                           ETIMEDOUT, EHOSTUNREACH, ENETDOWN, EIO});
  if (healthy && error != 0) {
    result = error;
  } else if (healthy && random.chance(faults.send_blocked)) {
    result = -EAGAIN;
  } else {
    if (bytes.size() > 1 && healthy && random.chance(faults.send_short))
      bytes = bytes.first(1 + random.below(bytes.size() - 1));
    if (faults.bug == PlantedBug::send_drops_tail && bytes.size() > 1 && random.chance(0.01))
      bytes = bytes.first(bytes.size() - 1);
    result = send_with_bugs(socket, bytes);
  }
  // To an application the broker names its requests so that nobody can guess the names.
  const bool guessable = entry.place.empty() && !entry.secret;
  kernel_.report().observe(static_cast<std::uint64_t>(result) ^ (guessable ? operation.sum : 0));
  kernel_.report().trace(now(), "{}: slot {} send of {} bytes gives {}", label_, operation.slot,
                         operation.bytes.size(), result);
  if (result == static_cast<int>(operation.bytes.size())) return;
  if (faults.bug == PlantedBug::short_send_is_silent && result > 0) return;
  if (faults.bug == PlantedBug::send_drops_tail && result == static_cast<int>(bytes.size()) &&
      bytes.size() + 1 == operation.bytes.size())
    return;
  sends_.push_back({.token = operation.token, .result = result, .data = {}});
}

int SimRing::send_with_bugs(Socket& socket, std::span<const std::byte> bytes) {
  const PlantedBug bug = kernel_.faults().bug;
  Random& random = kernel_.random();
  const bool heartbeat = bytes.size() < 8;
  if ((bug == PlantedBug::send_lost && random.chance(0.002)) ||
      (bug == PlantedBug::heartbeat_lost && heartbeat))
    return static_cast<int>(bytes.size());
  const int result = socket.send(bytes);
  if ((bug == PlantedBug::send_twice && random.chance(0.01)) ||
      (bug == PlantedBug::heartbeat_twice && heartbeat))
    socket.send(bytes);
  return result;
}

void SimRing::run_close(const Operation& operation) {
  Entry& entry = slots_[operation.slot];
  Random& random = kernel_.random();
  for (std::size_t i = 0; i < std::size(entry.requests); ++i) {
    if (!entry.requests[i].live) continue;
    if (static_cast<Verb>(i) == Verb::connect &&
        kernel_.faults().bug == PlantedBug::connect_unended)
      continue;
    // What had already arrived may win the race against the cancellation.
    if (static_cast<Verb>(i) == Verb::receive && entry.socket->readable() && random.chance(0.5)) {
      complete_receive(operation.slot);
    } else {
      complete(operation.slot, static_cast<Verb>(i), -ECANCELED);
    }
  }
  if (entry.socket != nullptr) {
    kernel_.report().trace(now(), "{}: slot {} closes connection {}{}", label_, operation.slot,
                           entry.socket->serial(), operation.reset ? " with a reset" : "");
    std::exchange(entry.socket, nullptr)->close(operation.reset);
  }
  Pending pending{
      .ready = now() + completion_delay(), .order = 0, .completion = {}, .origin = Origin::close};
  pending.slot = operation.slot;
  // Closed it is, whatever the kernel says of it.
  const int error = error_of(kernel_.faults().close_error, {EIO, EINTR, ENOMEM, ENOSPC});
  pending.completion = {.token = operation.token, .result = error, .data = {}};
  pend(std::move(pending));
}

void SimRing::run_queued(std::vector<Completion>& out) {
  for (std::size_t i = 0; i < queued_.size(); ++i) run(queued_[i]);
  queued_.clear();
  for (Entry& entry : slots_) entry.sent = false;
  out.insert(out.end(), sends_.begin(), sends_.end());
  sends_.clear();
}

// ---- completing

void SimRing::changed(Socket& socket) {
  evaluate(socket.tag());
}

void SimRing::evaluate(Slot slot) {
  Entry& entry = slots_[slot];
  if (kernel_.faults().bug == PlantedBug::writable_forgotten && kernel_.random().chance(0.1))
    entry.requests[static_cast<std::size_t>(Verb::writable)].live = false;
  const auto live = [&entry](Verb verb) {
    return entry.requests[static_cast<std::size_t>(verb)].live;
  };
  const bool hung_up = entry.socket->hung_up();
  for (const Verb verb : {Verb::hang_up, Verb::writable}) {
    if (!live(verb)) continue;
    if (const int error = error_of(kernel_.faults().poll_error, {ENOMEM}); error != 0)
      complete(slot, verb, error);
  }
  if (live(Verb::receive) && entry.socket->readable()) complete_receive(slot);
  const int end = !hung_up                 ? 0
                  : entry.socket->failed() ? POLLIN | POLLRDHUP | POLLHUP | POLLERR
                                           : POLLIN | POLLRDHUP;
  if (live(Verb::hang_up) && hung_up) complete(slot, Verb::hang_up, end);
  // A FIN without room ends a poll of io_uring's, and not one of epoll's.
  const bool room = entry.socket->writable();
  if (live(Verb::writable) && (room || (hung_up && !kernel_.faults().sends_at_once)))
    complete(slot, Verb::writable, room ? end | POLLOUT : end);
}

void SimRing::complete(Slot slot, Verb verb, std::int32_t result) {
  Entry& entry = slots_[slot];
  Request& request = entry.requests[static_cast<std::size_t>(verb)];
  request.live = false;
  Pending pending{
      .ready = now() + completion_delay(), .order = 0, .completion = {}, .origin = Origin::request};
  pending.verb = verb;
  pending.slot = slot;
  pending.use = entry.use;
  pending.completion = {.token = request.token, .result = result, .data = {}};
  pend(std::move(pending));
}

void SimRing::complete_receive(Slot slot) {
  const Faults& faults = kernel_.faults();
  Random& random = kernel_.random();
  const io::BufferClass wanted =
      slots_[slot].requests[static_cast<std::size_t>(Verb::receive)].buffers;
  const auto free = std::ranges::find_if(
      buffers_, [wanted](const Buffer& b) { return !b.held && b.of == wanted; });
  if (free == buffers_.end() || random.chance(faults.receive_no_buffer))
    return complete(slot, Verb::receive, -ENOBUFS);
  if (const int error = error_of(kernel_.faults().receive_error,
                                 {ENOMEM, ECONNRESET, ETIMEDOUT, EHOSTUNREACH, EIO});
      error != 0)
    return complete(slot, Verb::receive, error);
  std::size_t room = free->size;
  if (random.chance(faults.receive_short)) room = 1 + random.below(room);
  const int result = slots_[slot].socket->receive({free->bytes.get(), room});
  complete(slot, Verb::receive, result);
  kernel_.report().observe(static_cast<std::uint64_t>(result));
  if (result <= 0) return;
  free->held = true;
  Completion& completion = pending_.back().completion;
  completion.buffer = static_cast<std::uint32_t>(free - buffers_.begin());
  completion.data = {free->bytes.get(), static_cast<std::size_t>(result)};
}

Duration SimRing::completion_delay() {
  return dead_ ? Duration(0) : kernel_.somewhen(kernel_.faults().completion_delay_max);
}

void SimRing::pend(Pending pending) {
  pending.order = pending_made_++;
  // Nothing happens then, but the world must get there.
  if (pending.ready > now()) kernel_.schedule(pending.ready - now(), *this, 0);
  pending_.push_back(std::move(pending));
}

void SimRing::act(std::uint64_t what) {
  if ((what & 0xffU) == kConnectEnds) {
    const auto slot = static_cast<Slot>((what >> 8U) & 0xffffffU);
    const Entry& entry = slots_[slot];
    const bool same = entry.use == static_cast<std::uint32_t>(what >> 32U);
    if (same && entry.requests[static_cast<std::size_t>(Verb::connect)].live) connect_ends(slot);
    return;
  }
  if (what != kAcceptAgain) return;
  for (Accept& accept : accepts_) {
    if (accept.live) accept_waiting(accept);
  }
}

void SimRing::take_ready(std::vector<Completion>& out) {
  std::vector<Pending> ready;
  std::erase_if(pending_, [&](Pending& pending) {
    if (pending.ready > now()) return false;
    ready.push_back(std::move(pending));
    return true;
  });
  for (std::size_t i = ready.size(); i > 1; --i)
    std::swap(ready[i - 1], ready[kernel_.random().below(i)]);
  // In any order, but for accepts: the last one of a token is the one without `more`.
  std::vector<Pending*> accepts;
  for (Pending& pending : ready) {
    if (pending.origin == Origin::accept) accepts.push_back(&pending);
  }
  for (std::size_t i = 0; i < accepts.size(); ++i) {
    for (std::size_t j = i + 1; j < accepts.size(); ++j) {
      if (accepts[j]->order < accepts[i]->order) std::swap(*accepts[i], *accepts[j]);
    }
  }
  for (const Pending& pending : ready) deliver(pending, out);
}

void SimRing::deliver(const Pending& pending, std::vector<Completion>& out) {
  Entry& entry = slots_[pending.slot];
  if (pending.origin == Origin::close) {
    const std::uint32_t use = entry.use;
    entry = {};
    entry.use = use + 1;
  } else if (pending.origin == Origin::accept) {
    for (Accept& accept : accepts_) {
      if (accept.token != pending.completion.token || pending.completion.more) continue;
      const std::int32_t result = pending.completion.result;
      accept.armed = false;
      accept.starved = result < 0 && result != -ECONNABORTED && result != -ECANCELED;
    }
    if (!pending.completion.more) armed_.erase(pending.completion.token.pack());
  } else {
    armed_.erase(pending.completion.token.pack());
    if (entry.use == pending.use) {
      entry.requests[static_cast<std::size_t>(pending.verb)].armed = false;
      if (entry.phase == Phase::connecting) {
        // A failed connect leaves the slot free, as if it had been closed.
        entry.phase = pending.completion.result == 0 ? Phase::open : Phase::free;
        if (entry.phase == Phase::free) {
          ++entry.use;
          entry.place.clear();
        }
      }
    }
  }
  out.push_back(pending.completion);
}

// ---- waiting

void SimRing::submit(std::vector<Completion>& out) {
  run_queued(out);
  take_ready(out);
}

void SimRing::wait(TimePoint deadline, std::vector<Completion>& out) {
  const std::size_t before = out.size();
  run_queued(out);
  for (;;) {
    take_ready(out);
    const bool woken = wake_due_ && *wake_due_ <= now();
    if (woken) wake_due_.reset();
    if (woken || out.size() > before || now() >= deadline) return;
    kernel_.step(deadline);
  }
}

void SimRing::wake() {
  if (wake_due_) return;
  wake_due_ = now() + kernel_.somewhen(kernel_.faults().wake_delay_max);
  kernel_.schedule(*wake_due_ - now(), *this, 0);
}

bool SimRing::ready() const {
  if (!queued_.empty() || !sends_.empty() || (wake_due_ && *wake_due_ <= now())) return true;
  return std::ranges::any_of(pending_, [this](const Pending& p) { return p.ready <= now(); });
}

SimRing::Left SimRing::left() const {
  Left left;
  for (const Entry& entry : slots_) {
    if (entry.phase != Phase::free) ++left.slots;
  }
  for (const Buffer& buffer : buffers_) left.buffers += buffer.held ? 1 : 0;
  left.queued = queued_.size() + sends_.size();
  left.completions = pending_.size();
  for (const Accept& accept : accepts_) left.accepts += accept.armed ? 1 : 0;
  left.armed = armed_.size() - left.accepts;
  return left;
}

}  // namespace fanfare::sim
