#include "broker/io/buffers.h"

#include <sys/mman.h>
#include <unistd.h>

#include <bit>

#include "common/check.h"

namespace fanfare::io {
namespace {

constexpr std::uint32_t kBufferCountMax = 32768;  // half of what io_uring can name: two pools

std::size_t whole_pages(std::size_t size) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return (size + page - 1) / page * page;
}

}  // namespace

Buffers::Buffers(BufferPoolOptions options, std::size_t head_size)
    : options_(options),
      head_size_(whole_pages(head_size)),
      mapped_size_(head_size_ + whole_pages(std::size_t{options.size} * options.count)) {
  CHECK(options.size > 0, "a buffer holds something");
  CHECK(std::has_single_bit(options.count) && options.count <= kBufferCountMax,
        "a pool has a power of two of buffers, at most 32768");
  void* const mapped = ::mmap(nullptr, mapped_size_, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped != MAP_FAILED) memory_ = static_cast<std::byte*>(mapped);
}

Buffers::~Buffers() {
  if (memory_ != nullptr) ::munmap(memory_, mapped_size_);
}

}  // namespace fanfare::io
