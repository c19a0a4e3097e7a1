// Subjects: who each stream of a shard is for, as its token or ticket says. A subject is kept once,
// however many streams it has; a stream that has one costs four bytes, and others nothing.
//
// Thread: the shard's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/server/streams/subscriber.h"

#include "common/paged_array.h"

namespace fanfare::server {

class Subjects {
 public:
  // What a subject costs in addition to its own bytes: its place in the table, and what the
  // allocator adds.
  static constexpr std::uint64_t kOverhead = 80;

  explicit Subjects(std::uint32_t members_max) : numbers_(members_max) {}

  // Bytes that it takes to keep one more stream's.
  std::uint64_t cost(std::string_view subject) const {
    return entries_.contains(subject) ? 0 : subject.size() + kOverhead;
  }
  // Precondition: it has none.
  void keep(Member member, std::string_view subject);
  // How many bytes that gives back.
  std::uint64_t forget(Member member);
  // Empty: it has none. Valid until keep() or forget().
  std::string_view of(Member member) const;

 private:
  using Number = std::uint32_t;
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  struct Entry {
    std::uint32_t streams = 0;
    Number number = 0;
  };
  using Entries = std::unordered_map<std::string, Entry, Hash, std::equal_to<>>;

  Entries entries_;
  std::vector<Entries::value_type*> by_number_ = {nullptr};  // none has the number 0
  std::vector<Number> free_;
  PagedArray<Number> numbers_;  // by member
};

}  // namespace fanfare::server
