// Epoll: the same ring on epoll(7) and plain calls, for machines that forbid io_uring (most
// containers). Same verbs, same results; a system call for each of them, and every connection
// counts against the process's limit of descriptors.
#pragma once

#include <expected>
#include <memory>

#include "broker/io/backend.h"
#include "broker/io/problem.h"
#include "broker/io/ring.h"

namespace fanfare::io {

std::expected<std::unique_ptr<Ring>, Problem> make_epoll(const RingOptions& options);

}  // namespace fanfare::io
