#include "broker/server/sockets/watchers.h"

#include <algorithm>

#include "broker/wire/ingest/session.h"

namespace fanfare::server {

void Watchers::add(io::Slot slot) {
  watchers_.push_back({.slot = slot, .census = ++censuses_});
  switchboard_.watched.store(true, std::memory_order_relaxed);
  switchboard_.census.store(censuses_, std::memory_order_release);
}

void Watchers::remove(io::Slot slot) {
  const auto found = std::ranges::find(watchers_, slot, &Watcher::slot);
  if (found == watchers_.end()) return;
  for (std::uint32_t shard = found->shard; shard < switchboard_.shard_count(); ++shard) {
    order(shard, CensusMessage::Kind::end, found->census);
  }
  watchers_.erase(found);
  if (watchers_.empty()) switchboard_.watched.store(false, std::memory_order_relaxed);
}

void Watchers::order(std::uint32_t shard, CensusMessage::Kind kind, std::uint32_t census) {
  switchboard_.post(shard, CensusMessage{.census = census, .kind = kind});
}

// Notices that a shard sent before the watcher's census began there are not for it: its census
// reports the streams that were there then.
bool Watchers::concerns(const Watcher& watcher, const NoticeMessage& notice) {
  return notice.kind == NoticeMessage::Kind::present ? notice.census == watcher.census
                                                     : notice.census >= watcher.census;
}

Watchers::Watcher* Watchers::take(const CensusPartMessage& part) {
  const auto found = std::ranges::find(watchers_, part.census, &Watcher::census);
  if (found == watchers_.end()) return nullptr;
  found->asked = false;
  if (part.complete) ++found->shard;
  return found->shard == switchboard_.shard_count() ? &*found : nullptr;
}

void Watchers::ask(Watcher& watcher) {
  if (watcher.asked || watcher.shard == switchboard_.shard_count()) return;
  watcher.asked = true;
  order(watcher.shard, CensusMessage::Kind::part, watcher.census);
}

void append_lines(std::string& out, const NoticeMessage& notice) {
  const bool went = notice.kind == NoticeMessage::Kind::went;
  for (const std::string& topic : notice.topics->texts()) {
    ingest::append_notice(
        out, {.kind = went ? ingest::Notice::Kind::unsubscribe : ingest::Notice::Kind::subscribe,
              .channel = topic,
              .connection = notice.connection,
              .query = notice.query,
              .cursor = notice.cursor,
              .present = notice.kind == NoticeMessage::Kind::present,
              .reason = went ? name_of(notice.reason) : std::string_view()});
  }
}

}  // namespace fanfare::server
