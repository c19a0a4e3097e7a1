#include "broker/wire/h2/slabs.h"

#include <sys/mman.h>

#include <new>

namespace fanfare::h2 {
namespace {

// Aligned to its size. malloc would spend as much again on that.
void* map_aligned(std::uintptr_t size) {
  void* const mapped =
      ::mmap(nullptr, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  const std::uintptr_t before = -reinterpret_cast<std::uintptr_t>(mapped) & (size - 1);
  std::byte* const aligned = static_cast<std::byte*>(mapped) + before;
  if (before > 0) ::munmap(mapped, before);
  if (before < size) ::munmap(aligned + size, size - before);
  return aligned;
}

}  // namespace

// Lies at the slab's beginning; the blocks follow.
struct Slabs::Slab {
  struct Free {
    Free* next;
  };
  Slab* next = nullptr;
  Slab* previous = nullptr;
  Free* free = nullptr;  // blocks that were in use
  std::uint32_t block_size = 0;
  std::uint32_t used = 0;
  std::uint32_t fresh = 0;  // where the blocks begin that never were

  bool full() const { return free == nullptr && fresh + block_size > kSlabBytes; }
};

Slabs::~Slabs() {
  for (const auto& [base, slab] : slabs_) ::munmap(slab, kSlabBytes);
}

Slabs::Slab* Slabs::make(std::size_t index) {
  void* const memory = map_aligned(kSlabBytes);
  if (memory == nullptr) return nullptr;
  Slab* const slab = new (memory) Slab;
  slab->block_size = static_cast<std::uint32_t>(kBlockMin + index * kStep);
  slab->fresh = sizeof(Slab);
  slabs_.emplace(base_of(slab), slab);
  link(slab);
  return slab;
}

void Slabs::link(Slab* slab) {
  Slab*& first = with_room_[index_of(slab->block_size)];
  slab->previous = nullptr;
  slab->next = first;
  if (first != nullptr) first->previous = slab;
  first = slab;
}

void Slabs::unlink(Slab* slab) {
  if (slab->previous == nullptr) {
    with_room_[index_of(slab->block_size)] = slab->next;
  } else {
    slab->previous->next = slab->next;
  }
  if (slab->next != nullptr) slab->next->previous = slab->previous;
}

void* Slabs::allocate(std::size_t size) {
  const std::size_t index = index_of(size);
  Slab* const slab = with_room_[index] == nullptr ? make(index) : with_room_[index];
  if (slab == nullptr) return nullptr;
  void* block = slab->free;
  if (block != nullptr) {
    slab->free = slab->free->next;
  } else {
    block = reinterpret_cast<std::byte*>(slab) + slab->fresh;
    slab->fresh += slab->block_size;
  }
  ++slab->used;
  if (slab->full()) unlink(slab);
  return block;
}

std::size_t Slabs::size_of(const void* block) {
  return reinterpret_cast<const Slab*>(static_cast<const std::byte*>(block) - offset_of(block))
      ->block_size;
}

void Slabs::release(void* block) {
  Slab* const slab = reinterpret_cast<Slab*>(static_cast<std::byte*>(block) - offset_of(block));
  const bool was_full = slab->full();
  slab->free = new (block) Slab::Free{slab->free};
  --slab->used;
  if (was_full) link(slab);
  const bool alone = slab->previous == nullptr && slab->next == nullptr;
  if (slab->used > 0 || alone) return;
  unlink(slab);
  slabs_.erase(base_of(slab));
  ::munmap(slab, kSlabBytes);
}

}  // namespace fanfare::h2
