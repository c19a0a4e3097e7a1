#include "broker/server/streams/audience.h"

#include "broker/server/base/rules.h"

namespace fanfare::server {

std::uint32_t Audiences::enter(std::span<const std::string_view> topics, fanout::Framing framing) {
  fanout::Feed* const feed = replica_.open(topics, framing);
  std::uint32_t index = replica_.tag(feed);
  if (index == kNone) {
    if (free_.empty()) {
      index = static_cast<std::uint32_t>(audiences_.size());
      audiences_.emplace_back();
    } else {
      index = free_.back();
      free_.pop_back();
    }
    audiences_[index] = Audience{.feed = feed, .framing = framing};
    replica_.set_tag(feed, index);
  }
  Audience& audience = audiences_[index];
  follow_settings(audience);
  // Revived before take_changes() saw it empty: that last reference is ours again.
  if (audience.subscribers == 0 && audience.report_due) replica_.release(feed);
  ++audience.subscribers;
  report_later(index);
  return index;
}

SlowPolicy Audiences::slow(std::uint32_t index) {
  follow_settings(audiences_[index]);
  return audiences_[index].slow;
}

void Audiences::served(std::uint32_t index, Tick tick) {
  Audience& audience = audiences_[index];
  audience.last_sent = tick;
  follow_settings(audience);
}

void Audiences::follow_settings(Audience& audience) {
  if (audience.revision == settings_.revision()) return;
  audience.revision = settings_.revision();
  const StreamRules rules = stream_rules(settings_.options(), replica_.topics(audience.feed));
  audience.slow = rules.slow;
  replica_.set_pace(audience.feed, rules.coalesce);
}

void Audiences::exit(std::uint32_t index) {
  Audience& audience = audiences_[index];
  --audience.subscribers;
  // The last reference stays until take_changes(), which still needs the topics' names.
  if (audience.subscribers > 0) replica_.release(audience.feed);
  report_later(index);
}

void Audiences::report_later(std::uint32_t index) {
  Audience& audience = audiences_[index];
  if (audience.report_due) return;
  audience.report_due = true;
  report_due_.push_back(index);
}

std::vector<AttendanceMessage::Change> Audiences::take_changes() {
  std::vector<AttendanceMessage::Change> changes;
  for (const std::uint32_t index : report_due_) {
    Audience& audience = audiences_[index];
    const auto delta = std::int64_t{audience.subscribers} - std::int64_t{audience.reported};
    audience.report_due = false;
    if (delta != 0) {
      changes.push_back({replica_.shared_topics(audience.feed), delta});
      audience.reported = audience.subscribers;
    }
    if (audience.subscribers == 0) {
      replica_.release(audience.feed);
      audience = Audience{};
      free_.push_back(index);
    }
  }
  report_due_.clear();
  return changes;
}

}  // namespace fanfare::server
