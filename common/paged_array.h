// PagedArray: room for a fixed number of values. Only memory that has been used is ever touched;
// the pages of the rest stay with the kernel. Values are made one after another, each after the
// existing ones, and are never destroyed individually.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>

#include "common/check.h"

namespace fanfare {

template <class T>
class PagedArray {
  static_assert(std::is_trivially_destructible_v<T> && alignof(T) <= alignof(std::max_align_t));

 public:
  explicit PagedArray(std::size_t capacity)
      : capacity_(capacity),
        memory_(std::make_unique_for_overwrite<std::byte[]>(capacity * sizeof(T))),
        values_(reinterpret_cast<T*>(memory_.get())) {}

  std::size_t capacity() const { return capacity_; }
  std::size_t size() const { return size_; }
  void add() {
    CHECK(size_ < capacity_, "the room was there when it was asked for");
    ::new (static_cast<void*>(values_ + size_)) T{};
    ++size_;
  }
  T& operator[](std::size_t index) { return values_[index]; }
  const T& operator[](std::size_t index) const { return values_[index]; }

 private:
  std::size_t capacity_;
  std::size_t size_ = 0;
  std::unique_ptr<std::byte[]> memory_;
  T* values_;
};

}  // namespace fanfare
