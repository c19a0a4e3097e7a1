#include "broker/io/uring_setup.h"

namespace fanfare::io {

int set_up_uring(io_uring& ring, std::uint32_t submissions, std::uint32_t completions) {
  io_uring_params params{};
  // SINGLE_ISSUER and DEFER_TASKRUN: completions are made when this thread asks for them, never in
  // the middle of its work, and without locks. SUBMIT_ALL: one bad request does not strand those
  // queued behind it. CQSIZE: the default of twice the submissions is too small for a ring on which
  // thousands of polls may complete at once.
  params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL |
                 IORING_SETUP_CQSIZE;
  params.cq_entries = completions;
  if (const int error = io_uring_queue_init_params(submissions, &ring, &params); error < 0) {
    return error;
  }
  // Saves looking the ring up in the table of descriptors at each entry; nothing is lost without.
  static_cast<void>(io_uring_register_ring_fd(&ring));
  return 0;
}

int register_table(io_uring& ring, std::uint32_t slots) {
  return io_uring_register_files_sparse(&ring, slots);
}

}  // namespace fanfare::io
