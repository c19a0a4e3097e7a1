#include "broker/server/requests/known_tokens.h"

#include <utility>

namespace fanfare::server {

const policy::Grants* KnownTokens::find(const policy::Digest& token, std::chrono::sys_seconds now) {
  auto found = young_.find(token);
  if (found == young_.end()) {
    Table::node_type node = old_.extract(token);
    if (node.empty()) return nullptr;
    found = young_.insert(std::move(node)).position;
  }
  if (now < found->second.expires) return &found->second;
  young_.erase(found);
  return nullptr;
}

const policy::Grants* KnownTokens::add(const policy::Digest& token, policy::Grants grants,
                                       std::size_t count_max) {
  if (young_.size() >= count_max / 2) {
    old_ = std::move(young_);
    young_.clear();
  }
  return &(young_[token] = std::move(grants));
}

void KnownTokens::forget_all() {
  young_.clear();
  old_.clear();
}

}  // namespace fanfare::server
