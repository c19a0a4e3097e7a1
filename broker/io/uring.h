// Uring: the ring on io_uring, for Linux 6.1 and later. What it relies on was measured: sends run
// inside the submit and are silent on success, an idle connection costs one place in the table of
// descriptors and one poll, and the table is not bound by the process's limit of descriptors but
// by one such limit per ring.
#pragma once

#include <expected>
#include <memory>

#include "broker/io/backend.h"
#include "broker/io/problem.h"
#include "broker/io/ring.h"

namespace fanfare::io {

// Makes the calling thread the only one that may use the ring (but for wake()).
std::expected<std::unique_ptr<Ring>, Problem> make_uring(const RingOptions& options);

}  // namespace fanfare::io
