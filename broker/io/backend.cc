#include "broker/io/backend.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "broker/io/epoll.h"
#include "broker/io/probe.h"
#include "broker/io/uring.h"

#include "common/check.h"

namespace fanfare::io {
namespace {

Choice epoll_choice(std::string why) {
  const std::uint32_t limit = raise_descriptor_limit();
  return {.backend = Backend::epoll,
          .slots_max = limit,
          .why = fmt::format("epoll ({}), {} descriptors for all shards", why, limit)};
}

}  // namespace

std::uint32_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  if (limit.rlim_cur < limit.rlim_max) {
    const rlimit raised{.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  constexpr rlim_t kMost = std::numeric_limits<std::uint32_t>::max();
  return static_cast<std::uint32_t>(std::min(limit.rlim_cur, kMost));
}

std::expected<Choice, Problem> choose_backend(Backend wanted) {
  raise_descriptor_limit();
  if (wanted == Backend::epoll) return epoll_choice("as configured");
  auto capabilities = probe();
  if (!capabilities) {
    if (wanted == Backend::io_uring) return std::unexpected(std::move(capabilities).error());
    return epoll_choice(capabilities.error().message);
  }
  return Choice{.backend = Backend::io_uring,
                .slots_max = capabilities->slots_max,
                .why = fmt::format("io_uring (kernel {}), {} connections per shard",
                                   capabilities->kernel, capabilities->slots_max)};
}

std::expected<std::unique_ptr<Ring>, Problem> make_ring(Backend backend,
                                                        const RingOptions& options) {
  CHECK(backend != Backend::automatic, "choose_backend() comes first");
  return backend == Backend::io_uring ? make_uring(options) : make_epoll(options);
}

}  // namespace fanfare::io
