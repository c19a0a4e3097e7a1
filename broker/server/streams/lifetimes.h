// Lifetimes: the streams of one shard whose end was set when they began, by when it comes. A stream
// without such an end has nothing here.
#pragma once

#include <cstdint>
#include <vector>

#include "broker/server/streams/subscriber.h"

#include "common/time.h"

namespace fanfare::server {

class Lifetimes {
 public:
  explicit Lifetimes(const Subscribers& subscribers) : subscribers_(subscribers) {}

  struct Lifetime {
    TimePoint ends;
    Member subscriber = 0;
    std::uint32_t began = 0;  // which of the place's streams it is (Subscriber::began)
    bool complete = false;    // it ends cleanly; else its client is to come back
    TimePoint patience_ends;  // complete: if it is still behind then, its client is to come back
  };
  // `patience`: for how long a stream that is to be complete may take to be so.
  void add(Member subscriber, TimePoint ends, bool complete, Duration patience);
  // Takes out those whose end has come, at most so many; streams that have ended before are not
  // among them.
  std::vector<Lifetime> take_due(TimePoint now, std::size_t most);
  // Calls `visit(lifetime)` for each stream that has one.
  template <class Visit>
  void for_each(const Visit& visit) const {
    for (const Lifetime& lifetime : heap_) {
      if (lives(lifetime)) visit(lifetime);
    }
  }
  // Once more, a little later.
  void again(const Lifetime& lifetime, TimePoint when);

 private:
  bool lives(const Lifetime& lifetime) const;
  void push(const Lifetime& lifetime);
  // Forgets streams that have ended, once they may be half of all.
  void tidy();

  const Subscribers& subscribers_;
  std::vector<Lifetime> heap_;  // the earliest end first
  std::size_t tidy_at_ = 1024;
};

}  // namespace fanfare::server
