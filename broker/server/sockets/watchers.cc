#include "broker/server/sockets/watchers.h"

#include <algorithm>
#include <utility>

#include "broker/wire/ingest/session.h"

#include "common/pattern.h"

namespace fanfare::server {

void Watchers::add(io::Slot slot, Filter of) {
  const auto found = std::ranges::find(watchers_, slot, &Watcher::slot);
  Watcher& watcher = found == watchers_.end() ? watchers_.emplace_back() : *found;
  if (found != watchers_.end()) end_census(watcher);
  watcher = {.slot = slot, .of = std::move(of)};
  begin_census(watcher);
}

void Watchers::begin_census(Watcher& watcher) {
  watcher.census = ++censuses_;
  watcher.shard = 0;
  watcher.asked = false;
  watcher.present = 0;
  switchboard_.watched.store(true, std::memory_order_relaxed);
  switchboard_.census.store(censuses_, std::memory_order_release);
}

void Watchers::begin_anew(Watcher& watcher) {
  end_census(watcher);
  begin_census(watcher);
}

void Watchers::remove(io::Slot slot) {
  const auto found = std::ranges::find(watchers_, slot, &Watcher::slot);
  if (found == watchers_.end()) return;
  end_census(*found);
  watchers_.erase(found);
  if (watchers_.empty()) switchboard_.watched.store(false, std::memory_order_relaxed);
}

void Watchers::end_census(const Watcher& watcher) {
  for (std::uint32_t shard = watcher.shard; shard < switchboard_.shard_count(); ++shard) {
    order(shard, CensusMessage::Kind::end, watcher);
  }
}

void Watchers::order(std::uint32_t shard, CensusMessage::Kind kind, const Watcher& watcher) {
  switchboard_.post(shard, CensusMessage{.census = watcher.census, .kind = kind, .of = watcher.of});
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
  order(watcher.shard, CensusMessage::Kind::part, watcher);
}

bool append_lines(std::string& out, const NoticeMessage& notice, const Watchers::Watcher& watcher) {
  const bool went = notice.kind == NoticeMessage::Kind::went;
  const bool present = notice.kind == NoticeMessage::Kind::present;
  bool any = false;
  for (const std::string& topic : notice.topics->texts()) {
    const bool wanted =
        watcher.of == nullptr || std::ranges::any_of(*watcher.of, [&topic](const auto& entry) {
          return patterns_overlap(entry, topic);
        });
    if (!wanted) continue;
    any = true;
    ingest::append_notice(
        out, {.kind = went ? ingest::Notice::Kind::unsubscribe : ingest::Notice::Kind::subscribe,
              .channel = topic,
              .connection = notice.connection,
              .subject = notice.subject,
              .query = notice.query,
              .cursor = notice.cursor,
              .present = present,
              .since_ms = notice.since_ms,
              .reason = went ? name_of(notice.reason) : std::string_view()});
  }
  return any;
}

}  // namespace fanfare::server
