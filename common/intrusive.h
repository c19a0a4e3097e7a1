// A pointer to something that counts its own references: one word, no control block, and the count
// can be taken and given back by name when a handle travels between threads.
#pragma once

#include <utility>

namespace fanfare {

// T has retain() and release() (release destroys at zero). Null is allowed.
template <class T>
class Ref {
 public:
  Ref() = default;
  // Shares: adds a reference.
  explicit Ref(T* object) : object_(object) {
    if (object_ != nullptr) object_->retain();
  }
  // Takes over a reference that is already counted.
  static Ref adopt(T* object) {
    Ref ref;
    ref.object_ = object;
    return ref;
  }
  Ref(const Ref& other) : Ref(other.object_) {}
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    if (object_ != nullptr) object_->release();
  }

  T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }
  friend bool operator==(const Ref&, const Ref&) = default;

 private:
  T* object_ = nullptr;
};

}  // namespace fanfare
