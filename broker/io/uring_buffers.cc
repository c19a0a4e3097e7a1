#include "broker/io/uring_buffers.h"

#include <bit>
#include <cerrno>

#include "common/check.h"

namespace fanfare::io {

int UringBuffers::register_with(io_uring& ring) {
  if (!buffers_.valid()) return -ENOMEM;
  io_uring_buf_reg registration{};
  registration.ring_addr = std::bit_cast<std::uintptr_t>(buffers_.head());
  registration.ring_entries = buffers_.count();
  registration.bgid = group_;
  if (const int error = io_uring_register_buf_ring(&ring, &registration, 0); error < 0) {
    return error;
  }
  for (std::uint32_t i = 0; i < buffers_.count(); ++i) offer(i, static_cast<int>(i));
  io_uring_buf_ring_advance(shared(), static_cast<int>(buffers_.count()));
  return 0;
}

void UringBuffers::recycle(std::uint32_t name) {
  const std::uint32_t index = name % kNamesPerGroup;
  CHECK(index < buffers_.count(), "only a buffer of this pool comes back to it");
  offer(index, 0);
  io_uring_buf_ring_advance(shared(), 1);
}

void UringBuffers::offer(std::uint32_t index, int place) {
  const std::span<std::byte> bytes = buffers_.at(index);
  io_uring_buf_ring_add(shared(), bytes.data(), static_cast<unsigned>(bytes.size()),
                        static_cast<std::uint16_t>(group_ * kNamesPerGroup + index),
                        io_uring_buf_ring_mask(buffers_.count()), place);
}

}  // namespace fanfare::io
