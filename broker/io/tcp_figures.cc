#include "broker/io/tcp_figures.h"

// The kernel's own header: that of the C library leaves out what was added after 2016.
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace fanfare::io {

std::optional<TcpFigures> tcp_figures_of(int descriptor) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
  int queued = 0;
  if (::ioctl(descriptor, SIOCOUTQ, &queued) != 0) queued = 0;
  return TcpFigures{.rtt_us = info.tcpi_rtt,
                    .unacked_segments = info.tcpi_unacked,
                    .retransmits_total = info.tcpi_total_retrans,
                    .unacked_bytes = static_cast<std::uint64_t>(queued),
                    .unsent_bytes = info.tcpi_notsent_bytes,
                    .sent_bytes_total = info.tcpi_bytes_sent};
}

}  // namespace fanfare::io
