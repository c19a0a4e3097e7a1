// Audience: the subscribers of one feed as the server sees them: what they share in addition to the
// events. The delivery of an event touches this once per slice, never once per subscriber.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "broker/fanout/replica.h"
#include "broker/server/base/settings.h"
#include "broker/server/base/switchboard.h"
#include "broker/server/sockets/connection.h"

namespace fanfare::server {

struct Audience {
  fanout::Feed* feed = nullptr;  // null: the place is free
  fanout::Framing framing{};
  SlowPolicy slow{};  // as the settings of `revision` have it, and so is the feed's pace
  std::uint32_t revision = 0;
  Tick last_sent = 0;             // when every joined member was last sent something
  std::uint32_t subscribers = 0;  // joined or behind
  std::uint32_t reported = 0;     // what the lead shard has been told
  bool report_due = false;
};

// The audiences of one shard, by index. Thread: the shard's.
class Audiences {
 public:
  Audiences(fanout::Replica& replica, const Settings& settings)
      : replica_(replica), settings_(settings) {}

  // The audience of these topics, one subscriber larger.
  std::uint32_t enter(std::span<const std::string_view> topics, fanout::Framing framing);
  // One subscriber fewer; the audience goes when it was the last.
  void exit(std::uint32_t index);

  Audience& operator[](std::uint32_t index) { return audiences_[index]; }
  // Whether a subscriber of it that is slow may stay: by the settings now in force.
  SlowPolicy slow(std::uint32_t index);
  // A round of it was sent. A pace that a SIGHUP has changed counts from the next round on.
  void served(std::uint32_t index, Tick tick);
  std::uint32_t index_of(const fanout::Feed* feed) const { return replica_.tag(feed); }

  // What the lead shard does not know yet.
  std::vector<AttendanceMessage::Change> take_changes();

 private:
  void report_later(std::uint32_t index);
  void follow_settings(Audience& audience);

  fanout::Replica& replica_;
  const Settings& settings_;
  std::vector<Audience> audiences_;
  std::vector<std::uint32_t> free_;
  std::vector<std::uint32_t> report_due_;
};

}  // namespace fanfare::server
