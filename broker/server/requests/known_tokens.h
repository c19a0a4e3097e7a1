// KnownTokens: the tokens that a shard has verified, by their digest, so that a client that comes
// back costs no signature. Bounded: two generations, each of half the bound; what is used moves to
// the younger one, and when that is full the older one is forgotten.
//
// Thread: the shard's.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <unordered_map>

#include "broker/policy/digest.h"
#include "broker/policy/grants.h"

namespace fanfare::server {

class KnownTokens {
 public:
  // Null: it is not known, or has expired. Valid until the next call of anything here.
  const policy::Grants* find(const policy::Digest& token, std::chrono::sys_seconds now);
  // At most `count_max` are kept, which is 2 or more.
  const policy::Grants* add(const policy::Digest& token, policy::Grants grants,
                            std::size_t count_max);
  void forget_all();
  std::size_t size() const { return young_.size() + old_.size(); }

 private:
  // A digest is as good as random.
  struct Hash {
    std::size_t operator()(const policy::Digest& digest) const {
      std::size_t hash = 0;
      std::memcpy(&hash, digest.data(), sizeof hash);
      return hash;
    }
  };
  using Table = std::unordered_map<policy::Digest, policy::Grants, Hash>;

  Table young_;
  Table old_;
};

}  // namespace fanfare::server
