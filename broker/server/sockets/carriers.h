// Carriers: the fronts that carry a stream of another client on a connection of theirs. While the
// stream runs, the connection goes by its client's address (ConnectionTable::peer); afterwards the
// front may use it for the next client. What is kept for that is four bytes for such a connection,
// and each front once. Where no front carries anything, nothing.
//
// Thread: the shard's.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "broker/io/ring.h"

#include "common/ip_address.h"

namespace fanfare::server {

class Carriers {
 public:
  // A connection carries at most one stream. The address may be that of nobody.
  void remember(io::Slot slot, const IpAddress& front);
  // Whose connection it is, which is forgotten. Nothing: it carries nobody.
  std::optional<IpAddress> take(io::Slot slot);

  // The same, and it is not forgotten.
  std::optional<IpAddress> of(io::Slot slot) const;

  std::size_t fronts() const { return by_address_.size(); }

 private:
  static constexpr std::uint32_t kNobody = ~std::uint32_t{0};
  struct Front {
    IpAddress address;
    std::uint32_t streams = 0;
  };

  std::vector<std::uint32_t> of_slot_;  // as far as a carrier's slot has been
  std::vector<Front> fronts_;
  std::vector<std::uint32_t> free_;
  std::map<IpAddress, std::uint32_t> by_address_;
};

}  // namespace fanfare::server
