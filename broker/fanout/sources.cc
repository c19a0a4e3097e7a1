#include "broker/fanout/sources.h"

#include <utility>

namespace fanfare::fanout {

Source& Sources::make(std::string_view name) {
  auto made = std::make_unique<Source>();
  Source& source = *made;
  source.name = name;
  if (free_ids_.empty()) {
    source.id = static_cast<ChannelId>(by_id_.size());
    by_id_.push_back(std::move(made));
  } else {
    source.id = free_ids_.back();
    free_ids_.pop_back();
    by_id_[source.id] = std::move(made);
  }
  by_name_.insert(&source);
  return source;
}

void Sources::destroy(Source& source) {
  by_name_.erase(&source);
  free_ids_.push_back(source.id);
  by_id_[source.id].reset();
}

}  // namespace fanfare::fanout
