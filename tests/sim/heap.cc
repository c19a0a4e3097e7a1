#include "tests/sim/heap.h"

#include <malloc.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FANFARE_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FANFARE_SANITIZED 1
#endif
#endif

namespace fanfare::sim::heap {
namespace {

Count counted;  // the simulation has one thread

}  // namespace

Count count() {
  return counted;
}

#ifdef FANFARE_SANITIZED

bool watched() {
  return false;
}

}  // namespace fanfare::sim::heap

#else

bool watched() {
  return true;
}

namespace {

constexpr unsigned char kFresh = 0xcd;
constexpr unsigned char kFreed = 0xdd;
// Only the beginning of a large block is poisoned: most are tables and pages, used elsewhere.
constexpr std::size_t kPoisonMax = 4096;

// Returns the size of the block.
std::int64_t poison(void* block, unsigned char with) {
  const std::size_t size = malloc_usable_size(block);
  std::memset(block, with, size < kPoisonMax ? size : kPoisonMax);
  return static_cast<std::int64_t>(size);
}

void* take(void* block) {
  if (block == nullptr) throw std::bad_alloc();
  counted.bytes += poison(block, kFresh);
  ++counted.blocks;
  return block;
}

void give_back(void* block) {
  if (block == nullptr) return;
  counted.bytes -= poison(block, kFreed);
  --counted.blocks;
  std::free(block);
}

}  // namespace
}  // namespace fanfare::sim::heap

using fanfare::sim::heap::counted;

void* operator new(std::size_t size) {
  return fanfare::sim::heap::take(std::malloc(size == 0 ? 1 : size));
}
void operator delete(void* block) noexcept {
  fanfare::sim::heap::give_back(block);
}
void operator delete(void* block, std::size_t /*size*/) noexcept {
  fanfare::sim::heap::give_back(block);
}

void* operator new(std::size_t size, std::align_val_t alignment) {
  const auto align = static_cast<std::size_t>(alignment);
  return fanfare::sim::heap::take(std::aligned_alloc(align, (size + align - 1) / align * align));
}
void operator delete(void* block, std::align_val_t /*alignment*/) noexcept {
  fanfare::sim::heap::give_back(block);
}
void operator delete(void* block, std::size_t /*size*/, std::align_val_t /*alignment*/) noexcept {
  fanfare::sim::heap::give_back(block);
}

#endif
