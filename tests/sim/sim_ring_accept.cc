// The accepting half of a SimRing: listeners, and what becomes of the connections that wait there.
#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "tests/sim/sim_ring.h"

namespace fanfare::sim {

using io::Slot;
using io::Token;

namespace {

constexpr std::uint16_t kGivenPort = 40'000;

}  // namespace

void SimRing::accept(int listener, Token token) {
  for (const Accept& accept : accepts_) {
    if (accept.armed && (accept.listener == listener || accept.token == token)) {
      return fail(fmt::format("accept on listener {} twice", listener));
    }
  }
  if (!claim_token(token)) return;
  if (std::ranges::any_of(accepts_, [token](const Accept& accept) {
        return accept.token == token && accept.starved;
      }))
    note_retry();
  std::erase_if(accepts_, [token](const Accept& accept) {
    return !accept.armed && (accept.token == token || !accept.starved);
  });
  accepts_.push_back({.listener = listener, .token = token, .live = true, .armed = true});
  kernel_.watch(listener, this);
  accept_waiting(accepts_.back());
}

// "A little later, since it would fail again at once" (broker/io/ring.h).
void SimRing::note_retry() {
  constexpr int kRetriesPerSecondMax = 50;
  if (now() >= retries_end_) {
    retries_end_ = now() + 1s;
    retries_ = 0;
  }
  if (++retries_ == kRetriesPerSecondMax)
    fail("an accept that failed for want of descriptors or memory is tried again in a circle");
}

void SimRing::cancel_accept(Token token) {
  for (Accept& accept : accepts_) {
    if (!accept.armed || accept.token != token) continue;
    // It may have ended by itself, and the caller does not know yet: nothing is left to cancel.
    if (accept.live) complete_accept(accept, -ECANCELED, false);
    return;
  }
  fail("cancel_accept of an accept that is not armed");
}

void SimRing::connection_waiting(int listener) {
  for (Accept& accept : accepts_) {
    if (accept.live && accept.listener == listener) accept_waiting(accept);
  }
}

void SimRing::accept_waiting(Accept& accept) {
  Random& random = kernel_.random();
  const Faults& faults = kernel_.faults();
  // io_uring looks for a descriptor first, epoll for a connection.
  if (accept.live && faults.exhausted &&
      (!faults.sends_at_once || kernel_.waiting(accept.listener) > 0))
    return complete_accept(accept, -EMFILE, false);
  while (accept.live && kernel_.waiting(accept.listener) > 0) {
    // accept(2) passes on what is wrong with the network of the connection that it brings.
    if (const int error =
            error_of(kernel_.faults().accept_error, {EPERM, EPROTO, ENETDOWN, EHOSTUNREACH, EIO});
        error != 0) {
      kernel_.claim(kernel_.take(accept.listener))->close(true);
      return complete_accept(accept, error, false);
    }
    if (random.chance(faults.accept_fails)) {
      constexpr std::array kErrors = {EMFILE, ENFILE, ECONNABORTED, ENOMEM, ENOBUFS};
      const int error = kErrors[random.below(kErrors.size())];
      // As on Linux, the connection may die of it.
      if (error == ECONNABORTED || random.chance(0.3))
        kernel_.claim(kernel_.take(accept.listener))->close(true);
      complete_accept(accept, -error, random.chance(0.2));
      if (accept.live) kernel_.schedule(1ms, *this, kAcceptAgain);
      return;
    }
    const int descriptor = kernel_.take(accept.listener);
    complete_accept(accept, descriptor, !random.chance(faults.accept_ends));
  }
}

void SimRing::complete_accept(Accept& accept, std::int32_t result, bool more) {
  if (!more) {
    accept.live = false;
    kernel_.watch(accept.listener, nullptr);
  }
  accepted_last_ = std::max(accepted_last_, now() + completion_delay());
  Pending pending{.ready = accepted_last_, .order = 0, .completion = {}, .origin = Origin::accept};
  pending.completion = {.token = accept.token, .result = result, .more = more, .data = {}};
  pend(std::move(pending));
}

void SimRing::stop_listening(int listener, std::vector<int>& waiting) {
  if (std::ranges::any_of(accepts_, [listener](const Accept& accept) {
        return accept.live && accept.listener == listener;
      }))
    return fail(fmt::format("listener {} stops while an accept is armed", listener));
  while (kernel_.waiting(listener) > 0) waiting.push_back(kernel_.take(listener));
  kernel_.close_listener(listener);
}

bool SimRing::adopt(int descriptor, Slot slot) {
  const bool secret = kernel_.is_accepted(descriptor) && kernel_.door_of(descriptor) == Door::tls;
  Socket* socket = kernel_.claim(descriptor);
  if (socket == nullptr && dead_) return false;
  if (socket == nullptr) {
    fail(fmt::format("adopt of descriptor {}, which is not an accepted one", descriptor));
    return false;
  }
  if (slot >= slots_.size() || slots_[slot].phase != Phase::free) {
    fail(fmt::format("adopt into slot {}, which is not free", slot));
    socket->close(true);
    return false;
  }
  if (kernel_.random().chance(kernel_.faults().adopt_fails)) {
    socket->close(kernel_.random().chance(0.5));
    return false;
  }
  slots_[slot] = {.phase = Phase::open, .use = slots_[slot].use, .socket = socket};
  slots_[slot].secret = secret;
  socket->set_owner(this, slot);
  kernel_.report().trace(now(), "{}: slot {} is connection {}", label_, slot, socket->serial());
  return true;
}

void SimRing::refuse(int descriptor, std::string_view farewell) {
  Socket* socket = kernel_.claim(descriptor);
  if (socket == nullptr && dead_) return;
  if (socket == nullptr)
    return fail(fmt::format("refuse of descriptor {}, which is not an accepted one", descriptor));
  kernel_.report().trace(now(), "{}: connection {} is refused", label_, socket->serial());
  const bool reset = kernel_.random().chance(0.5);
  if (!farewell.empty()) socket->send(std::as_bytes(std::span(farewell)));
  // A Unix socket gives what was sent into it before it reports that it was closed.
  socket->close(reset && farewell.empty());
}

io::PeerAddress SimRing::peer_of(int descriptor) {
  io::PeerAddress address;
  if (const auto& given = kernel_.peer_of(descriptor)) {
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(kGivenPort);
    std::memcpy(&six.sin6_addr, given->bytes.data(), given->bytes.size());
    std::memcpy(&address.storage, &six, sizeof six);
    address.size = sizeof six;
    return address;
  }
  if (kernel_.door_of(descriptor) == Door::publishers || kernel_.random().chance(0.02))
    return address;
  sockaddr_in inet{};
  inet.sin_family = AF_INET;
  inet.sin_port = htons(static_cast<std::uint16_t>(1024 + descriptor % 60'000));
  inet.sin_addr.s_addr = htonl(INADDR_LOOPBACK + static_cast<std::uint32_t>(descriptor % 5));
  std::memcpy(&address.storage, &inet, sizeof inet);
  address.size = sizeof inet;
  return address;
}

}  // namespace fanfare::sim
