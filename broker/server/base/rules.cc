#include "broker/server/base/rules.h"

#include <algorithm>

namespace fanfare::server {
namespace {

const ChannelRule* rule_of(const Options& options, std::string_view topic) {
  for (const ChannelRule& rule : options.channels) {
    if (rule.match == topic || pattern_matches(rule.match, topic)) return &rule;
  }
  return nullptr;
}

// One text is compressed with the others: what its size tells of one topic must be told of all. The
// broker's own channels are never: the self-test measures what others do to a stream.
bool may_compress(const Options& options, std::span<const std::string> topics) {
  return std::ranges::all_of(topics, [&](const std::string& topic) {
    if (is_own_channel(topic)) return false;
    const ChannelRule* const rule = rule_of(options, topic);
    return rule == nullptr ? options.delivery.compress
                           : rule->compress.value_or(options.delivery.compress);
  });
}

}  // namespace

fanout::HistoryLimits history_of(const Options& options, std::string_view channel) {
  const HistoryOptions& general = options.history;
  fanout::HistoryLimits limits{
      .events = general.events, .bytes = general.bytes, .age = general.age};
  if (const ChannelRule* const rule = rule_of(options, channel)) {
    limits.events = rule->history_events.value_or(limits.events);
    limits.bytes = rule->history_bytes.value_or(limits.bytes);
    limits.age = rule->history_age.value_or(limits.age);
    limits.keep_latest = rule->keep == Keep::latest;
    limits.keys_max = rule->keys_max.value_or(limits.keys_max);
    limits.keys_bytes = rule->keys_bytes.value_or(limits.keys_bytes);
    limits.journal = rule->journal.value_or(true);
  }
  return limits;
}

StreamRules stream_rules(const Options& options, std::span<const std::string> topics) {
  const DeliveryOptions& general = options.delivery;
  StreamRules rules{general.heartbeat, general.retry, general.slow,
                    general.coalesce,  Duration(0),   may_compress(options, topics)};
  bool first = true;
  for (const std::string& topic : topics) {
    const ChannelRule* const rule = rule_of(options, topic);
    if (rule == nullptr) continue;
    const Duration heartbeat = rule->heartbeat.value_or(general.heartbeat);
    const Duration retry = rule->retry.value_or(general.retry);
    const SlowPolicy slow = rule->slow.value_or(general.slow);
    const Duration coalesce = rule->coalesce.value_or(general.coalesce);
    rules.coalesce = first ? coalesce : std::min(rules.coalesce, coalesce);
    if (const std::uint32_t rate = rule->rate.value_or(0); rate > 0) {
      rules.spacing = std::max(rules.spacing, Duration(1s) / rate);
    }
    rules.heartbeat = first ? heartbeat : std::min(rules.heartbeat, heartbeat);
    rules.retry = first ? retry : std::min(rules.retry, retry);
    rules.slow = first ? slow : std::max(rules.slow, slow);
    first = false;
  }
  return rules;
}

fanout::CrowdRules crowd_rules(const Options& options, std::span<const std::string> topics) {
  const StreamRules rules = stream_rules(options, topics);
  return {.pace = rules.coalesce,
          .slow_may_stay = rules.slow != SlowPolicy::disconnect,
          .conflate = rules.slow == SlowPolicy::latest,
          .spacing = rules.spacing};
}

TokenNeed token_need(const Options& options, const RouteRule* route) {
  const TokenNeed need = route != nullptr && route->token ? *route->token : options.token.need;
  if (need != TokenNeed::automatic) return need;
  return options.token.has_keys() ? TokenNeed::required : TokenNeed::none;
}

bool takes_tickets(const Options& options) {
  return options.token.in_use() || std::ranges::any_of(options.routes, [&](const RouteRule& route) {
           return route.upstream.empty() && token_need(options, &route) != TokenNeed::none;
         });
}

}  // namespace fanfare::server
