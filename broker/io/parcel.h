// Parcel: a message between two processes of this machine that may carry descriptors (SCM_RIGHTS),
// over one end of parcel_pair(). What is sent arrives whole or not at all, in order; the other
// process's end, whatever ends it, is the end of the pair.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/io/descriptor.h"

#include "common/time.h"

namespace fanfare::io {

// The kernel's own bound is 253 (SCM_MAX_FD).
inline constexpr std::size_t kParcelDescriptorsMax = 200;
// What every kernel's default socket buffer (208 KiB) takes.
inline constexpr std::size_t kParcelBytesMax = 96U << 10U;

struct Parcel {
  std::string text;  // not empty
  std::vector<Descriptor> descriptors;
};

// Two connected ends; none if there are no descriptors left. Both are closed on exec.
std::optional<std::pair<Descriptor, Descriptor>> parcel_pair();

// Waits while the other end has not taken what came before, for `patience` at most. False: it is
// gone, or did not. The descriptors stay the caller's.
bool send_parcel(int end, std::string_view text, std::span<const int> descriptors,
                 Duration patience);
// Nothing: the other end is gone, or nothing came in time. What came has all that was sent with it.
std::optional<Parcel> receive_parcel(int end, Duration patience);

}  // namespace fanfare::io
