// Memory: what the sessions of one thread allocate through nghttp2, counted, and what they share:
//
// - The frame buffer. nghttp2 gives each session 16 KiB, in which it puts a frame together before
// it
//   hands it out; a Session copies each frame away before anything else happens, so one buffer is
//   enough for all of them, and an idle session does without.
// - The encoder's header table (1 KiB), which a Session has set to no entries: nothing is ever
//   written there. It is read-only memory: a library that did would not get far in any test.
// - Slabs, for what each open stream keeps.
//
// Thread: that of its sessions, which it outlives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "broker/wire/h2/slabs.h"

namespace fanfare::h2 {

class Memory {
 public:
  Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  // In use by all sessions, with what the allocator adds; without the shared buffer.
  std::uint64_t bytes() const { return bytes_; }

 private:
  friend class Heap;
  static constexpr std::size_t kFrameBytes = 17U << 10U;

  std::uint64_t bytes_ = 0;
  std::unique_ptr<std::byte[]> frame_;
  Slabs slabs_;
};

// The allocator of one session: it gives what is shared out once.
class Heap {
 public:
  explicit Heap(Memory& memory) : memory_(memory) {}
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;

  // Those of nghttp2_mem, whose user data is the heap.
  static void* allocate(std::size_t size, void* heap);
  static void* allocate_zeroed(std::size_t count, std::size_t size, void* heap);
  static void* reallocate(void* block, std::size_t size, void* heap);
  static void release(void* block, void* heap);

 private:
  bool is_frame(const void* block) const { return block == memory_.frame_.get(); }
  std::size_t size_of(void* block) const;
  void* counted(void* block);
  void free(void* block);
  void* resized(void* block, std::size_t size);

  Memory& memory_;
  bool frame_given_ = false;
  bool table_given_ = false;
};

}  // namespace fanfare::h2
