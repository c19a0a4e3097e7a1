#include "broker/io/parcel.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/check.h"

namespace fanfare::io {
namespace {

struct alignas(cmsghdr) Rights {
  char bytes[CMSG_SPACE(kParcelDescriptorsMax * sizeof(int))];
};

// Until it is true, or the time is up.
bool ready(int end, short events, TimePoint deadline) {
  for (;;) {
    const Duration left = std::max(deadline - monotonic_now(), Duration(0));
    pollfd waits{.fd = end, .events = events, .revents = 0};
    const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    const int count = ::poll(&waits, 1, static_cast<int>(milliseconds));
    if (count > 0) return true;
    if (count == 0 || errno != EINTR) return false;
  }
}

}  // namespace

std::optional<std::pair<Descriptor, Descriptor>> parcel_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return std::nullopt;
  return std::pair(Descriptor(ends[0]), Descriptor(ends[1]));
}

bool send_parcel(int end, std::string_view text, std::span<const int> descriptors,
                 Duration patience) {
  CHECK(!text.empty() && text.size() <= kParcelBytesMax, "a parcel has a size that arrives");
  CHECK(descriptors.size() <= kParcelDescriptorsMax, "and as many descriptors as may be sent");
  iovec piece{.iov_base = const_cast<char*>(text.data()), .iov_len = text.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  Rights rights;
  if (!descriptors.empty()) {
    const std::size_t size = descriptors.size_bytes();
    message.msg_control = rights.bytes;
    message.msg_controllen = CMSG_SPACE(size);
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(size);
    std::memcpy(CMSG_DATA(header), descriptors.data(), size);
  }
  const TimePoint deadline = monotonic_now() + patience;
  for (;;) {
    const ssize_t sent = ::sendmsg(end, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) return static_cast<std::size_t>(sent) == text.size();
    if (errno == EINTR) continue;
    if (errno != EAGAIN || !ready(end, POLLOUT, deadline)) return false;
  }
}

std::optional<Parcel> receive_parcel(int end, Duration patience) {
  Parcel parcel;
  parcel.text.resize(kParcelBytesMax);
  iovec piece{.iov_base = parcel.text.data(), .iov_len = parcel.text.size()};
  Rights rights;
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = rights.bytes;
  message.msg_controllen = sizeof rights.bytes;
  if (!ready(end, POLLIN, monotonic_now() + patience)) return std::nullopt;
  ssize_t size = 0;
  do {
    size = ::recvmsg(end, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  } while (size < 0 && errno == EINTR);
  if (size <= 0) return std::nullopt;
  parcel.text.resize(static_cast<std::size_t>(size));
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int number = -1;
      std::memcpy(&number, CMSG_DATA(header) + i * sizeof number, sizeof number);
      parcel.descriptors.emplace_back(number);
    }
  }
  // Out of descriptors here: some were dropped by the kernel.
  if ((message.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) != 0) return std::nullopt;
  return parcel;
}

}  // namespace fanfare::io
