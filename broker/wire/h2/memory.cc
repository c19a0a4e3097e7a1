#include "broker/wire/h2/memory.h"

#include <malloc.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace fanfare::h2 {
namespace {

// A frame of the largest size that nghttp2 sends, its head and a byte for padding.
constexpr std::size_t kFrameBufferMin = 16'384 + 9;
// The ring of a header table: 128 pointers. The encoder's is the first that a session allocates.
constexpr std::size_t kTableBytes = 1'024;
alignas(16) const std::array<std::byte, kTableBytes> kNoTable{};

Heap& heap_of(void* user) {
  return *static_cast<Heap*>(user);
}

bool is_table(const void* block) {
  return block == kNoTable.data();
}

}  // namespace

Memory::Memory() : frame_(std::make_unique_for_overwrite<std::byte[]>(kFrameBytes)) {}

std::size_t Heap::size_of(void* block) const {
  return memory_.slabs_.own(block) ? Slabs::size_of(block) : ::malloc_usable_size(block);
}

void* Heap::counted(void* block) {
  if (block != nullptr) memory_.bytes_ += size_of(block);
  return block;
}

void Heap::free(void* block) {
  if (block == nullptr) return;
  memory_.bytes_ -= size_of(block);
  if (memory_.slabs_.own(block)) return memory_.slabs_.release(block);
  std::free(block);
}

void* Heap::allocate(std::size_t size, void* user) {
  Heap& heap = heap_of(user);
  if (size == kTableBytes && !std::exchange(heap.table_given_, true)) {
    return const_cast<std::byte*>(kNoTable.data());
  }
  return heap.counted(Slabs::fits(size) ? heap.memory_.slabs_.allocate(size) : std::malloc(size));
}

void* Heap::allocate_zeroed(std::size_t count, std::size_t size, void* heap) {
  return heap_of(heap).counted(std::calloc(count, size));
}

// The frame buffer is allocated by growing from nothing, when the session is made.
void* Heap::reallocate(void* block, std::size_t size, void* user) {
  Heap& heap = heap_of(user);
  if (block == nullptr && !heap.frame_given_ && size >= kFrameBufferMin &&
      size <= Memory::kFrameBytes) {
    heap.frame_given_ = true;
    return heap.memory_.frame_.get();
  }
  if (block == nullptr) return allocate(size, user);
  return heap.resized(block, size);
}

void* Heap::resized(void* block, std::size_t size) {
  if (!is_frame(block) && !is_table(block) && !memory_.slabs_.own(block)) {
    memory_.bytes_ -= size_of(block);
    void* const moved = std::realloc(block, size);
    counted(moved == nullptr ? block : moved);
    return moved;
  }
  void* const moved = counted(std::malloc(size));
  if (moved == nullptr) return nullptr;
  const std::size_t before = is_frame(block)   ? Memory::kFrameBytes
                             : is_table(block) ? kTableBytes
                                               : Slabs::size_of(block);
  std::memcpy(moved, block, std::min(size, before));
  release(block, this);
  return moved;
}

void Heap::release(void* block, void* user) {
  Heap& heap = heap_of(user);
  if (block != nullptr && heap.is_frame(block)) {
    heap.frame_given_ = false;
    return;
  }
  if (!is_table(block)) heap.free(block);
}

}  // namespace fanfare::h2
