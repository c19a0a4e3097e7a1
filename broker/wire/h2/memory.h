// Memory: what the sessions of one thread allocate through nghttp2, counted, and the frame buffer
// that they share. nghttp2 gives each session a buffer of 16 KiB, in which it puts a frame together
// before it hands it out; a Session copies each frame away before anything else happens, so one
// buffer is enough for all of them, and an idle session does without.
//
// Thread: that of its sessions, which it outlives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

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
};

// The allocator of one session: it gives the shared buffer out once.
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
  void* counted(void* block);
  void uncounted(void* block);

  Memory& memory_;
  bool frame_given_ = false;
};

}  // namespace fanfare::h2
