// Seats: the event streams that subscribers may hold: exactly [limits] connections over all shards.
// A shard takes a seat before it begins a stream and gives it back when the stream has ended: one
// atomic operation for each, and nothing per event. Streams of the admin listener need none. A
// shard's table may hold fewer than all of them, where the machine gives it no more.
//
// Thread: the shard's; the count of all is shared.
#pragma once

#include <atomic>
#include <cstdint>

namespace fanfare::server {

class Seats {
 public:
  Seats(std::atomic<std::uint64_t>& taken_of_all, std::uint64_t of_all_max,
        std::uint32_t of_shard_max)
      : taken_of_all_(taken_of_all), of_all_max_(of_all_max), of_shard_max_(of_shard_max) {}

  // take() would succeed now.
  bool free() const { return !closed_ && taken_ < of_shard_max_ && taken_of_all() < of_all_max_; }
  // False: none is free, or the broker is stopping.
  bool take() {
    if (closed_ || taken_ >= of_shard_max_) return false;
    std::uint64_t taken = taken_of_all_.load(std::memory_order_relaxed);
    do {
      if (taken >= of_all_max_) return false;
    } while (!taken_of_all_.compare_exchange_weak(taken, taken + 1, std::memory_order_relaxed));
    ++taken_;
    return true;
  }
  void give_back() {
    --taken_;
    taken_of_all_.fetch_sub(1, std::memory_order_relaxed);
  }
  // The broker is stopping.
  void close() { closed_ = true; }

  // By this shard.
  std::uint32_t taken() const { return taken_; }
  std::uint64_t taken_of_all() const { return taken_of_all_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t>& taken_of_all_;
  std::uint64_t of_all_max_;
  std::uint32_t of_shard_max_;
  std::uint32_t taken_ = 0;
  bool closed_ = false;
};

}  // namespace fanfare::server
