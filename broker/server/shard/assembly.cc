#include "broker/server/shard/assembly.h"

#include <utility>

namespace fanfare::server {

Assembly::Assembly(ShardConfig common, std::uint32_t shards, std::uint32_t lead)
    : common_(std::move(common)), switchboard_(shards, lead) {}

std::unique_ptr<Shard> Assembly::make(std::uint32_t index, io::Ring& ring, std::uint64_t seed,
                                      TlsRing* tls) {
  ShardConfig config = common_;
  config.index = index;
  config.seed = seed;
  config.tls = tls;
  if (!switchboard_.is_lead(index)) {
    config.surface = nullptr;
    config.gate = nullptr;
  }
  return std::make_unique<Shard>(config, ring, switchboard_);
}

void Assembly::post_all(const Message& message) {
  for (std::uint32_t shard = 0; shard < switchboard_.shard_count(); ++shard) {
    switchboard_.post(shard, message);
  }
}

}  // namespace fanfare::server
