#include "broker/fanout/arena.h"

#include <sanitizer/asan_interface.h>
#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <new>
#include <utility>

#include "common/check.h"

namespace fanfare::fanout {
namespace {

unsigned order_of(std::size_t size) {
  return static_cast<unsigned>(std::countr_zero(size / SegmentArena::kBlockBytes));
}

constexpr std::size_t kKeptShare = 5;  // of all chunks, one in so many is kept though it is empty

std::size_t offset_in_chunk(const void* memory) {
  return reinterpret_cast<std::uintptr_t>(memory) & (SegmentArena::kChunkBytes - 1);
}

// Aligned to its size: maps twice as much, and unmaps what lies before and after.
char* map_chunk() {
  constexpr std::size_t kSize = SegmentArena::kChunkBytes;
  void* const mapped =
      ::mmap(nullptr, 2 * kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  char* const begin = static_cast<char*>(mapped);
  const std::size_t before = (kSize - offset_in_chunk(begin)) % kSize;
  if (before > 0) ::munmap(begin, before);
  ::munmap(begin + before + kSize, kSize - before);
  return begin + before;
}

}  // namespace

bool SegmentArena::serves(std::size_t size) {
  return std::has_single_bit(size) && size >= kBlockBytes && size <= kPieceMax;
}

void* SegmentArena::take(std::size_t size) {
  CHECK(serves(size), "segments of other sizes come from the heap");
  const unsigned order = order_of(size);
  const std::scoped_lock lock(mutex_);
  Chunk& chunk = chunk_with(order);
  if (chunk.blocks == 0) --empty_;
  char* const memory = reinterpret_cast<char*>(&chunk) + chunk.buddy.take(order) * kBlockBytes;
  chunk.blocks += 1U << order;
  note(chunk);
  ASAN_UNPOISON_MEMORY_REGION(memory, size);
  return memory;
}

void SegmentArena::give_back(void* memory, std::size_t size) {
  const unsigned order = order_of(size);
  ASAN_POISON_MEMORY_REGION(memory, size);
  const std::scoped_lock lock(mutex_);
  const std::size_t offset = offset_in_chunk(memory);
  Chunk& chunk = *reinterpret_cast<Chunk*>(static_cast<char*>(memory) - offset);
  chunk.buddy.give_back(static_cast<std::uint32_t>(offset / kBlockBytes), order);
  chunk.blocks -= 1U << order;
  note(chunk);
  for (unsigned free = 0; free < std::min<unsigned>(chunk.buddy.longest(), kOrders); ++free) {
    first_[free] = std::min<std::size_t>(first_[free], chunk.index);
  }
  if (chunk.blocks > 0) return;
  ++empty_;
  while (empty_ > 1 + mapped_ / kKeptShare) drop(uppermost_empty());
}

SegmentArena::Chunk& SegmentArena::chunk_with(unsigned order) {
  std::size_t& first = first_[order];
  while (first < chunks_.size() && longest_[first] <= order) ++first;
  return first < chunks_.size() ? *chunks_[first] : add_chunk();
}

SegmentArena::Chunk& SegmentArena::add_chunk() {
  auto entry = std::ranges::find(chunks_, nullptr);
  if (entry == chunks_.end()) {
    longest_.push_back(0);
    entry = chunks_.insert(entry, nullptr);
  }
  char* const memory = map_chunk();
  *entry = new (memory) Chunk;
  Chunk& chunk = **entry;
  ++mapped_;
  ++empty_;
  chunk.index = static_cast<std::uint32_t>(entry - chunks_.begin());
  constexpr std::size_t kOwn = std::bit_ceil(sizeof(Chunk));
  chunk.buddy.take(order_of(kOwn));
  note(chunk);
  ASAN_POISON_MEMORY_REGION(memory + kOwn, kChunkBytes - kOwn);
  for (std::size_t& first : first_) first = std::min<std::size_t>(first, chunk.index);
  return chunk;
}

void SegmentArena::drop(Chunk& chunk) {
  longest_[chunk.index] = 0;
  chunks_[chunk.index] = nullptr;
  --mapped_;
  --empty_;
  while (!chunks_.empty() && chunks_.back() == nullptr) {
    chunks_.pop_back();
    longest_.pop_back();
  }
  ASAN_UNPOISON_MEMORY_REGION(&chunk, kChunkBytes);
  ::munmap(&chunk, kChunkBytes);
}

// There is one.
SegmentArena::Chunk& SegmentArena::uppermost_empty() {
  return **std::find_if(chunks_.rbegin(), chunks_.rend(),
                        [](const Chunk* chunk) { return chunk != nullptr && chunk->blocks == 0; });
}

void SegmentArena::note(const Chunk& chunk) {
  longest_[chunk.index] = static_cast<std::uint8_t>(chunk.buddy.longest());
}

std::size_t SegmentArena::footprint() const {
  const std::scoped_lock lock(mutex_);
  return mapped_ * kChunkBytes;
}

void SegmentArena::release() {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

SegmentArena::~SegmentArena() {
  CHECK(empty_ == mapped_, "every segment holds its arena");
  while (empty_ > 0) drop(uppermost_empty());
}

}  // namespace fanfare::fanout
