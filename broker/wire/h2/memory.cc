#include "broker/wire/h2/memory.h"

#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace fanfare::h2 {
namespace {

// A frame of the largest size that nghttp2 sends, its head and a byte for padding.
constexpr std::size_t kFrameBufferMin = 16'384 + 9;

Heap& heap_of(void* user) {
  return *static_cast<Heap*>(user);
}

}  // namespace

Memory::Memory() : frame_(std::make_unique_for_overwrite<std::byte[]>(kFrameBytes)) {}

void* Heap::counted(void* block) {
  memory_.bytes_ += ::malloc_usable_size(block);
  return block;
}

void Heap::uncounted(void* block) {
  memory_.bytes_ -= ::malloc_usable_size(block);
}

void* Heap::allocate(std::size_t size, void* heap) {
  return heap_of(heap).counted(std::malloc(size));
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
  if (block != nullptr && heap.is_frame(block)) {
    void* const larger = std::malloc(size);
    if (larger == nullptr) return nullptr;
    std::memcpy(larger, block, std::min(size, Memory::kFrameBytes));
    heap.frame_given_ = false;
    return heap.counted(larger);
  }
  heap.uncounted(block);
  void* const moved = std::realloc(block, size);
  return heap.counted(moved == nullptr ? block : moved) == nullptr ? nullptr : moved;
}

void Heap::release(void* block, void* user) {
  Heap& heap = heap_of(user);
  if (block != nullptr && heap.is_frame(block)) {
    heap.frame_given_ = false;
    return;
  }
  heap.uncounted(block);
  std::free(block);
}

}  // namespace fanfare::h2
