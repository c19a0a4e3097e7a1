#include "broker/fanout/sources.h"

#include <string>

namespace fanfare::fanout {

Source& Sources::make(std::string_view name) {
  auto made = std::make_unique<Source>();
  made->name = name;
  if (free_ids_.empty()) {
    made->id = static_cast<ChannelId>(by_id_.size());
    by_id_.push_back(nullptr);
  } else {
    made->id = free_ids_.back();
    free_ids_.pop_back();
  }
  Source& source = *made;
  by_id_[source.id] = &source;
  by_name_.emplace(std::string(name), std::move(made));
  return source;
}

void Sources::destroy(Source& source) {
  by_id_[source.id] = nullptr;
  free_ids_.push_back(source.id);
  by_name_.erase(by_name_.find(source.name));
}

}  // namespace fanfare::fanout
