// Slabs: memory for what nghttp2 keeps as long as a stream is open: the stream (224 bytes), and the
// frame that waits with its data (152). Blocks of one size lie side by side in slabs of 64 KiB.
// malloc would take 24 bytes a stream more, and would lay them among what requests need for a
// moment, which leaves holes between streams that stay.
//
// A slab without a block in use is freed, but for one of its size that has room.
//
// Thread: one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <unordered_map>

namespace fanfare::h2 {

class Slabs {
 public:
  Slabs() = default;
  ~Slabs();
  Slabs(const Slabs&) = delete;
  Slabs& operator=(const Slabs&) = delete;

  static constexpr std::size_t kBlockMin = 128;
  static constexpr std::size_t kBlockMax = 256;
  static constexpr bool fits(std::size_t size) { return size >= kBlockMin && size <= kBlockMax; }

  // Precondition: fits(size). Aligned to 8 bytes. Null: there is no memory.
  void* allocate(std::size_t size);
  // Whether a block is from here; it may be from anywhere.
  bool own(const void* block) const { return slabs_.contains(base_of(block)); }
  // Precondition of both: own(block).
  static std::size_t size_of(const void* block);
  void release(void* block);

  std::size_t slab_count() const { return slabs_.size(); }

 private:
  static constexpr std::uintptr_t kSlabBytes = 64U << 10U;
  static constexpr std::size_t kStep = 8;
  static constexpr std::size_t kSizes = (kBlockMax - kBlockMin) / kStep + 1;

  struct Slab;

  static std::uintptr_t offset_of(const void* block) {
    return reinterpret_cast<std::uintptr_t>(block) & (kSlabBytes - 1);
  }
  static std::uintptr_t base_of(const void* block) {
    return reinterpret_cast<std::uintptr_t>(block) - offset_of(block);
  }
  static std::size_t index_of(std::size_t size) { return (size - kBlockMin + kStep - 1) / kStep; }
  Slab* make(std::size_t index);
  void link(Slab* slab);
  void unlink(Slab* slab);

  std::array<Slab*, kSizes> with_room_{};            // of each size, a list
  std::unordered_map<std::uintptr_t, Slab*> slabs_;  // by their addresses
};

}  // namespace fanfare::h2
