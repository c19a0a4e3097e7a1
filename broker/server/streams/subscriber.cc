#include "broker/server/streams/subscriber.h"

namespace fanfare::server {

Member Subscribers::allocate() {
  if (!free_.empty()) return free_.take();
  subscribers_.add();
  return high_water() - 1;
}

void Subscribers::free(Member member) {
  subscribers_[member] = Subscriber{};
  free_.give_back(member);
}

}  // namespace fanfare::server
