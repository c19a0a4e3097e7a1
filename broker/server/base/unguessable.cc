#include "broker/server/base/unguessable.h"

#include <array>
#include <cstdint>

#include "broker/policy/base64url.h"

#include "common/random.h"

namespace fanfare::server {

std::string unguessable_name() {
  const std::array<std::uint64_t, 2> bits = {random_seed(), random_seed()};
  return policy::base64url_encoded({reinterpret_cast<const char*>(bits.data()), sizeof bits});
}

}  // namespace fanfare::server
