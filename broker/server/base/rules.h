// Rules: what the configuration says about one channel or one subscription. Pure functions over
// Options; the first [[channel]] that matches counts, what it leaves open comes from the general
// sections.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "broker/fanout/crowd_rules.h"
#include "broker/fanout/sequencer.h"
#include "broker/server/base/options.h"

#include "common/pattern.h"

namespace fanfare::server {

// Channels that begin with '~' belong to the broker; no pattern of a subscriber matches them.
inline bool is_own_channel(std::string_view channel) {
  return is_hidden(channel);
}

fanout::HistoryLimits history_of(const Options& options, std::string_view channel);

// How a subscription to these topics is delivered: of several rules, the shortest heartbeat,
// coalesce and retry; of what becomes of slow ones, latest before skip before disconnect; and
// compressed if all of them may be. A pattern is looked up by a rule of the same text, else by
// itself as a name.
struct StreamRules {
  Duration heartbeat{};
  Duration retry{};
  SlowPolicy slow{};
  Duration coalesce{};
  Duration spacing{};  // of updates of one key: the longest that one of them wants
  bool compress = false;
};
StreamRules stream_rules(const Options& options, std::span<const std::string> topics);
// What of that is laid down in the replica.
fanout::CrowdRules crowd_rules(const Options& options, std::span<const std::string> topics);

// Whether a subscriber needs a token on this route; null: on /events. Never automatic.
TokenNeed token_need(const Options& options, const RouteRule* route);
// Whether any path looks at tickets.
bool takes_tickets(const Options& options);

}  // namespace fanfare::server
