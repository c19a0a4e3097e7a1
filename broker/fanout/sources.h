// Sources: all channels at the writing end, by name and by id. An id is reused after its channel
// was forgotten.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "broker/fanout/batch.h"
#include "broker/fanout/name_table.h"
#include "broker/fanout/source.h"

namespace fanfare::fanout {

class Sources {
 public:
  explicit Sources(NameHash hash) : by_name_(hash) {}

  // Null: no such channel.
  Source* find(std::string_view name) const { return by_name_.find(name); }
  // The same in three steps, with time between them for the memory accesses: the last two take the
  // hash that the first returned; the second most likely finds the source of that name.
  std::size_t expect(std::string_view name) const { return by_name_.expect(name); }
  Source* find(std::string_view name, std::size_t hash) const { return by_name_.find(name, hash); }
  Source* expected(std::size_t hash) const { return by_name_.expected(hash); }
  Source& at(ChannelId id) { return *by_id_[id]; }
  // What make() will give the next channel.
  ChannelId next_id() const {
    return free_ids_.empty() ? static_cast<ChannelId>(by_id_.size()) : free_ids_.back();
  }
  Source& make(std::string_view name);
  void destroy(Source& source);

  std::size_t count() const { return by_name_.count(); }
  // By id; null where the id is free.
  const std::vector<std::unique_ptr<Source>>& all() const { return by_id_; }

 private:
  NameTable<Source> by_name_;
  std::vector<std::unique_ptr<Source>> by_id_;
  std::vector<ChannelId> free_ids_;
};

}  // namespace fanfare::fanout
