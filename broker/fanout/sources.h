// Sources: all channels at the writing end, by name and by id. An id is reused after its channel
// was forgotten.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "broker/fanout/batch.h"
#include "broker/fanout/name_map.h"
#include "broker/fanout/source.h"

namespace fanfare::fanout {

class Sources {
 public:
  // Null: no such channel.
  Source* find(std::string_view name) {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : found->second.get();
  }
  Source& at(ChannelId id) { return *by_id_[id]; }
  Source& make(std::string_view name);
  void destroy(Source& source);

  std::size_t count() const { return by_name_.size(); }
  const NameMap<std::unique_ptr<Source>>& all() const { return by_name_; }

 private:
  NameMap<std::unique_ptr<Source>> by_name_;
  std::vector<Source*> by_id_;
  std::vector<ChannelId> free_ids_;
};

}  // namespace fanfare::fanout
