// What kind of day a seed is: the broker's configuration, the channels, and the draws they need.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "broker/server/base/options.h"

#include "common/random.h"
#include "common/time.h"

namespace fanfare::sim {

Duration between(Random& random, Duration min, Duration max);

template <class T>
T one_of(Random& random, std::initializer_list<T> choices) {
  return *(choices.begin() + random.below(choices.size()));
}

server::Options drawn_configuration(Random& random);
std::vector<std::string> drawn_channels(Random& random);

}  // namespace fanfare::sim
