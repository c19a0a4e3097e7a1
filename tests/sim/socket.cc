#include "tests/sim/socket.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "tests/sim/kernel.h"

namespace fanfare::sim {

void Socket::join(Socket& a, Socket& b) {
  a.other_ = &b;
  b.other_ = &a;
}

void Socket::set_owner(SocketOwner* owner, std::uint32_t tag) {
  owner_ = owner;
  tag_ = tag;
}

int Socket::send(std::span<const std::byte> bytes) {
  if (error_ != 0) {
    broken_ = true;
    return -std::exchange(error_, 0);
  }
  if (broken_ || fin_sent_ || closed_) return -EPIPE;
  if (other_->closed_) {
    expect_reset();
    return static_cast<int>(bytes.size());
  }
  const std::size_t room = other_->capacity_ - std::min(other_->capacity_, other_->unread());
  const std::size_t taken = std::min(room, bytes.size());
  if (taken == 0) return -EAGAIN;
  const auto* text = reinterpret_cast<const char*>(bytes.data());
  other_->incoming_.append(text, taken);
  if (dark_) {
    kernel_.schedule(kernel_.faults().user_timeout, *this, times_out);
  } else {
    other_->expect_bytes();
  }
  return static_cast<int>(taken);
}

int Socket::receive(std::span<std::byte> into) {
  const std::size_t taken = std::min(arrived(), into.size());
  if (taken > 0) {
    std::memcpy(into.data(), incoming_.data() + read_, taken);
    read_ += taken;
    if (read_ == incoming_.size()) {
      incoming_.clear();
      read_ = arrived_ = 0;
    }
    if (!other_->room_expected_ && !dark_) {
      other_->room_expected_ = true;
      kernel_.schedule(kernel_.latency(), *other_, room_appears);
    }
    return static_cast<int>(taken);
  }
  if (error_ != 0) {
    broken_ = true;
    return -std::exchange(error_, 0);
  }
  return fin_arrived_ || broken_ || closed_ ? 0 : -EAGAIN;
}

void Socket::shutdown_write() {
  if (fin_sent_ || broken_ || error_ != 0) return;
  fin_sent_ = true;
  other_->fin_coming_ = true;
  if (!dark_) other_->expect_bytes();
}

void Socket::close(bool reset) {
  if (closed_) return;
  closed_ = true;
  owner_ = nullptr;
  if (broken_ || error_ != 0 || dark_) return;
  if (reset || unread() > 0) {
    other_->expect_reset();
  } else {
    shutdown_write();
  }
}

bool Socket::readable() const {
  return arrived() > 0 || hung_up();
}

bool Socket::writable() const {
  if (error_ != 0 || broken_ || fin_sent_ || other_->closed_) return true;
  return other_->unread() + std::max<std::size_t>(1, other_->capacity_ / 3) <= other_->capacity_;
}

bool Socket::hung_up() const {
  return fin_arrived_ || error_ != 0 || broken_ || closed_;
}

void Socket::act(std::uint64_t what) {
  switch (what) {
    case bytes_arrive:
      bytes_expected_ = false;
      if (!dark_) arrive();
      break;
    case reset_arrives:
      if (!dark_) fail_with(ECONNRESET);
      break;
    case times_out:
      fail_with(ETIMEDOUT);
      break;
    case room_appears:
      room_expected_ = false;
      tell_owner();
      break;
    default:
      break;
  }
}

void Socket::arrive() {
  Faults& faults = kernel_.faults();
  Random& random = kernel_.random();
  if (random.chance(faults.reset)) {
    kernel_.report().trace(kernel_.now(), "net: connection {} is reset", serial_);
    fail_with(ECONNRESET);
    other_->fail_with(ECONNRESET);
    return;
  }
  if (random.chance(faults.vanish)) {
    kernel_.report().trace(kernel_.now(), "net: connection {} goes dark", serial_);
    dark_ = other_->dark_ = true;
    // Keep-alive finds it even if nothing more is sent.
    kernel_.schedule(faults.user_timeout + 5s, *this, times_out);
    kernel_.schedule(faults.user_timeout + 5s, *other_, times_out);
    return;
  }
  const std::size_t coming = incoming_.size() - arrived_;
  if (coming > 1 && random.chance(faults.trickle)) {
    arrived_ += 1 + random.below(coming - 1);
  } else {
    arrived_ = incoming_.size();
    fin_arrived_ = fin_coming_;
  }
  if (closed_ && coming > 0) {  // nobody will read it
    other_->expect_reset();
    return;
  }
  if (arrived_ < incoming_.size() || (fin_coming_ && !fin_arrived_)) expect_bytes();
  tell_owner();
}

void Socket::fail_with(int error) {
  if (closed_ || broken_ || error_ != 0) return;
  error_ = error;
  incoming_.resize(arrived_);  // what was on its way is lost
  if (kernel_.random().chance(0.5)) {
    incoming_.clear();
    read_ = arrived_ = 0;
  }
  tell_owner();
}

void Socket::expect_bytes() {
  if (bytes_expected_) return;
  bytes_expected_ = true;
  kernel_.schedule(kernel_.latency(), *this, bytes_arrive);
}

void Socket::expect_reset() {
  kernel_.schedule(kernel_.latency(), *this, reset_arrives);
}

void Socket::tell_owner() {
  if (owner_ != nullptr) owner_->changed(*this);
}

}  // namespace fanfare::sim
