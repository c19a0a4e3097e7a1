#include "tests/sim/kernel.h"

#include <algorithm>
#include <utility>

#include "common/check.h"

namespace fanfare::sim {

Kernel::Kernel(std::uint64_t seed, const Faults& faults, Report& report)
    : random_(seed), faults_(faults), report_(report) {}

Duration Kernel::somewhen(Duration max) {
  if (max <= Duration(0)) return Duration(0);
  return Duration(
      static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(max.count()) + 1)));
}

Duration Kernel::latency() {
  const Duration usual = somewhen(faults_.latency_max);
  return random_.chance(faults_.straggle) ? usual * (1 + static_cast<int>(random_.below(50)))
                                          : usual;
}

bool Kernel::listening(Door door, std::string_view place) const {
  return std::ranges::any_of(listeners_,
                             [=](const Listener& listener) { return listener.at(door, place); });
}

Socket* Kernel::connect(Door door, SocketOwner& client, std::uint32_t tag, std::string_view place) {
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    if (listeners_[i].at(door, place)) open.push_back(i);
  }
  if (open.empty()) return nullptr;
  const std::size_t chosen = open[random_.below(open.size())];
  Listener& target = listeners_[chosen];
  if (target.backlog.size() >= faults_.backlog) return nullptr;

  const std::uint64_t serial = sockets_.size() / 2;
  const auto capacity = [this] {
    return faults_.socket_buffer_min +
           random_.below(faults_.socket_buffer_max - faults_.socket_buffer_min + 1);
  };
  for (int end = 0; end < 2; ++end)
    sockets_.push_back(std::make_unique<Socket>(*this, serial, capacity()));
  Socket& near = *sockets_[sockets_.size() - 2];
  Socket& far = *sockets_.back();
  Socket::join(near, far);
  near.set_owner(&client, tag);
  target.backlog.push_back(&far);
  if (target.acceptor != nullptr)
    target.acceptor->connection_waiting(kListenerFirst + static_cast<int>(chosen));
  return &near;
}

int Kernel::listen(Door door, std::string place) {
  listeners_.push_back({.door = door, .place = std::move(place)});
  return kListenerFirst + static_cast<int>(listeners_.size()) - 1;
}

void Kernel::hold_handshakes(int descriptor) {
  listener(descriptor).held = true;
}

void Kernel::close_listener(int descriptor) {
  Listener& closed = listener(descriptor);
  closed.open = false;
  closed.acceptor = nullptr;
  for (Socket* waiting : std::exchange(closed.backlog, {})) waiting->close(true);
}

void Kernel::watch(int descriptor, Acceptor* acceptor) {
  listener(descriptor).acceptor = acceptor;
}

std::size_t Kernel::waiting(int descriptor) const {
  return const_cast<Kernel*>(this)->listener(descriptor).backlog.size();
}

int Kernel::take(int descriptor) {
  Listener& from = listener(descriptor);
  CHECK(!from.backlog.empty(), "take() follows waiting()");
  accepted_.push_back({from.backlog.front(), from.door});
  from.backlog.pop_front();
  return kAcceptedFirst + static_cast<int>(accepted_.size()) - 1;
}

bool Kernel::is_accepted(int descriptor) const {
  return descriptor >= kAcceptedFirst &&
         static_cast<std::size_t>(descriptor - kAcceptedFirst) < accepted_.size();
}

Door Kernel::door_of(int accepted) const {
  return accepted_.at(static_cast<std::size_t>(accepted - kAcceptedFirst)).door;
}

const std::optional<IpAddress>& Kernel::peer_of(int accepted) const {
  static const std::optional<IpAddress> kGone;
  const Socket* const socket =
      accepted_.at(static_cast<std::size_t>(accepted - kAcceptedFirst)).socket;
  return socket == nullptr ? kGone : socket->peer_address();
}

Socket* Kernel::claim(int accepted) {
  const auto index = static_cast<std::size_t>(accepted - kAcceptedFirst);
  if (accepted < kAcceptedFirst || index >= accepted_.size()) return nullptr;
  return std::exchange(accepted_[index].socket, nullptr);
}

bool Kernel::anybody_in_the_dark() const {
  return std::ranges::any_of(sockets_, [](const auto& socket) { return socket->in_the_dark(); });
}

std::size_t Kernel::unclaimed() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      accepted_, [](const Accepted& accepted) { return accepted.socket != nullptr; }));
}

Kernel::Listener& Kernel::listener(int descriptor) {
  return listeners_.at(static_cast<std::size_t>(descriptor - kListenerFirst));
}

}  // namespace fanfare::sim
