#include "broker/server/lead/lead.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "broker/server/base/admin_surface.h"
#include "broker/server/base/rules.h"
#include "broker/server/base/version.h"

#include "common/check.h"
#include "common/pattern.h"

namespace fanfare::server {
namespace {

// Ten minutes of the live page's one event a second.
constexpr fanout::HistoryLimits kOwnHistory{
    .events = 600, .bytes = 8U << 20U, .age = 1h, .journal = false};
constexpr std::size_t kBusiestMax = 50;

fanout::SequencerOptions sequencer_options(fanout::Epoch epoch, const Settings& settings,
                                           const fanout::LogClock& clock) {
  return {.epoch = epoch,
          .history =
              [&settings](std::string_view channel) {
                return is_own_channel(channel) ? kOwnHistory
                                               : history_of(settings.options(), channel);
              },
          .limits = &settings.log(),
          .clock = clock};
}

}  // namespace

Lead::Lead(fanout::Epoch epoch, const Settings& settings, Switchboard& switchboard,
           Counters& counters, Gate& gate, Heads& heads, const fanout::LogClock& clock,
           std::unique_ptr<fanout::Log> log)
    : settings_(settings),
      switchboard_(switchboard),
      counters_(counters),
      gate_(gate),
      heads_(heads),
      sequencer_(
          sequencer_options(epoch, settings_, clock),
          log ? std::move(log)
              : std::make_unique<fanout::Log>(sequencer_options(epoch, settings_, clock).log())),
      admission_(settings_, sequencer_, counters_),
      roster_(fanout::NameHash(epoch)) {}

void Lead::seal() {
  if (heads_.stopped) return;
  fanout::BatchPtr batch = sequencer_.seal(now_);
  if (!batch) return;
  const std::uint64_t bytes_total = sequencer_.counters().bytes_total;
  const std::uint64_t frame_bytes = bytes_total - std::exchange(sealed_bytes_, bytes_total);
  heads_.appended = {heads_.appended.batches + 1, batch->head};
  gate_.take(batch);
  untold_bytes_ += frame_bytes;
  if (untold_.empty()) stalled_since_ = now_;
  untold_.push_back({std::move(batch), frame_bytes});
}

fanout::BatchPtr Lead::tell() {
  if (untold_.empty()) return {};
  const std::uint64_t durable = gate_.durable();
  CHECK(durable >= heads_.durable.batches && durable <= heads_.appended.batches,
        "a gate never takes back what it said, and knows only of what it was given");
  if (durable == heads_.told.batches) return {};
  heads_.durable = {durable, untold_[durable - heads_.told.batches - 1].batch->head};
  LogMessage message = std::move(untold_.front());
  untold_.pop_front();
  untold_bytes_ -= message.frame_bytes;
  stalled_since_ = now_;
  heads_.told = {heads_.told.batches + 1, message.batch->head};
  switchboard_.head.store(heads_.told.sequence, std::memory_order_release);
  for (std::uint32_t shard = 0; shard < switchboard_.shard_count(); ++shard) {
    if (switchboard_.is_lead(shard)) continue;
    switchboard_.gauges[shard].in_mail_bytes.fetch_add(message.frame_bytes,
                                                       std::memory_order_relaxed);
    switchboard_.post(shard, message);
  }
  return std::move(message.batch);
}

bool Lead::overrun() const {
  if (closed_) return false;  // a refusal needs no room
  for (const Switchboard::Gauge& gauge : switchboard_.gauges) {
    const std::uint64_t behind = untold_bytes_ +
                                 gauge.in_mail_bytes.load(std::memory_order_relaxed) +
                                 gauge.unserved_bytes.load(std::memory_order_relaxed);
    if (behind > settings_->limits.ingest_pending_bytes) return true;
  }
  return false;
}

void Lead::publish_own(std::string_view channel, std::string_view data) {
  const auto published =
      sequencer_.publish(channel, {.type = {}, .data = data, .retry_ms = {}}, {}, now_);
  CHECK(published, "the broker's own channels are never finished, and have room always");
}

std::expected<ingest::Published, ingest::Refused> Lead::publish(const ingest::Publish& event) {
  return publish(event, sequencer_.place(event.channel));
}

void Lead::publish_all(std::span<const ingest::Publish> events, const Answer& answer) {
  coming_.clear();
  for (const ingest::Publish& event : events) coming_.push_back({event.channel, event.data.size()});
  const std::span<const fanout::Sequencer::Place> places = sequencer_.places(coming_);
  for (std::size_t i = 0; i < events.size(); ++i) answer(publish(events[i], places[i]));
}

std::expected<ingest::Published, ingest::Refused> Lead::publish(
    const ingest::Publish& event, const fanout::Sequencer::Place& place) {
  if (closed_) {
    ++counters_.ingest_errors_total;
    return std::unexpected(refusal_of(closed_, ingest::Change::Kind::publish));
  }
  const policy::Proposal proposal = proposal_of(event);
  const bool name_checked = place.exists() && !is_own_channel(event.channel);
  if (auto problem = name_checked ? policy::content_problem(proposal, settings_.events())
                                  : policy::event_problem(proposal, settings_.events())) {
    ++counters_.ingest_errors_total;
    return std::unexpected(refusal_of(std::move(*problem)));
  }
  // Formatted before the event is written: reading the id back would wait behind the stores of the
  // event's frame, which miss the cache.
  const fanout::Sequence told = sequencer_.head() + 1;
  std::string_view id = event.wants_id ? write_id(told) : std::string_view();
  const auto published = sequencer_.publish(place, event_of(event), event.idempotency_key, now_);
  if (!published) {
    count_refusal(counters_, published.error());
    return std::unexpected(refusal_of(published.error(), event.channel));
  }
  if (!published->duplicate) {
    ++counters_.ingest_events_total;
    counters_.ingest_bytes_total += event.data.size();
  } else if (event.wants_id) {
    id = write_id(published->sequence);
  }
  const std::uint64_t receivers = event.wants_receivers ? roster_.receivers(event.channel) : 0;
  return ingest::Published{.id = id,
                           .receivers = receivers,
                           .duplicate = published->duplicate,
                           .evicted = published->evicted};
}

std::string_view Lead::write_id(fanout::Sequence sequence) {
  const fanout::EventId id{sequencer_.epoch(), sequence};
  return {id_.data(), id.write(id_.data())};
}

std::expected<void, ingest::Refused> Lead::finish(std::string_view channel) {
  if (auto refused = check({ingest::Change::Kind::finish, {.channel = channel}})) {
    return std::unexpected(std::move(*refused));
  }
  const auto finished = sequencer_.finish(channel, now_);
  if (!finished) {
    count_refusal(counters_, finished.error());
    return std::unexpected(refusal_of(finished.error(), channel));
  }
  return {};
}

std::expected<bool, ingest::Refused> Lead::erase(std::string_view channel) {
  if (auto refused = check({ingest::Change::Kind::erase, {.channel = channel}})) {
    return std::unexpected(std::move(*refused));
  }
  const auto state = sequencer_.find(channel);
  return sequencer_.erase(channel, now_) && state->begun;
}

std::string Lead::id_text(fanout::Sequence sequence) const {
  return sequence == 0 ? std::string() : fanout::EventId{sequencer_.epoch(), sequence}.text();
}

ingest::ChannelState Lead::state_of(std::string_view name,
                                    const fanout::Sequencer::ChannelState& state) {
  return {.events = state.events,
          .bytes = state.bytes,
          .published_total = state.published_total,
          .receivers = roster_.receivers(name),
          .first = id_text(state.first),
          .last = id_text(state.last),
          .finished = state.finished};
}

std::optional<ingest::Refused> Lead::name_problem(std::string_view channel) {
  auto problem = policy::channel_problem(channel);
  if (!problem) return std::nullopt;
  return refusal_of(std::move(*problem));
}

// A channel that was dropped is kept for a while, so that resuming clients learn of their gap; to
// publishers it is not there.
std::optional<ingest::ChannelState> Lead::find(std::string_view channel) {
  if (is_own_channel(channel)) return std::nullopt;
  const auto state = sequencer_.find(channel);
  if (state && state->begun) return state_of(channel, *state);
  if (!channel_name_problem(channel).empty()) return std::nullopt;
  const std::uint64_t receivers = roster_.receivers(channel);
  if (receivers == 0) return std::nullopt;
  return ingest::ChannelState{.receivers = receivers, .first = {}, .last = {}, .published = false};
}

void Lead::for_each_channel(const ChannelVisitor& visit) {
  bool more = true;
  sequencer_.for_each([&](std::string_view name, const fanout::Sequencer::ChannelState& state) {
    more = is_own_channel(name) || !state.begun || visit(name, state_of(name, state));
    return more;
  });
  if (!more) return;
  roster_.for_each_name([&](std::string_view name) {
    if (is_own_channel(name)) return true;
    if (const auto state = sequencer_.find(name); state && state->begun) return true;
    return visit(
        name, {.receivers = roster_.receivers(name), .first = {}, .last = {}, .published = false});
  });
}

std::uint64_t Lead::subscribers(std::string_view name) {
  return roster_.subscribers(name);
}

void Lead::for_each_fact(const FactVisitor& visit) {
  const std::int64_t uptime = whole_seconds(now_ - started_);
  visit("version", kVersion);
  visit("epoch", sequencer_.epoch().text());
  visit("uptime_seconds", static_cast<std::uint64_t>(uptime));
  visit("shards", std::uint64_t{switchboard_.shard_count()});
  visit("head", sequencer_.head());
  visit("position", position());
  visit("channels", std::uint64_t{sequencer_.channel_count()});
  visit("history_bytes", sequencer_.segment_bytes());
  visit("events_published_total", counters_.ingest_events_total);
  visit("publish_errors_total", counters_.ingest_errors_total);
}

std::optional<ChannelSource::Seen> Lead::at(std::uint32_t place) const {
  const auto seen = sequencer_.at_place(place);
  if (!seen || is_own_channel(seen->name)) return std::nullopt;
  return Seen{.name = seen->name,
              .state = seen->state,
              .rate = rates_known_ ? std::optional(seen->gained) : std::nullopt};
}

void Lead::describe(Snapshot& snapshot) {
  snapshot.log = sequencer_.counters();
  snapshot.heads = heads_;
  snapshot.gate_failure = gate_.failure();
  snapshot.journal = gate_.journal();
  snapshot.log_stalled = untold_.empty() ? Duration{} : now_ - stalled_since_;
  snapshot.channels = sequencer_.channel_count();
  snapshot.segment_bytes = sequencer_.segment_bytes();
  snapshot.keys = sequencer_.log().keys();
  snapshot.epoch = sequencer_.epoch().text();
  snapshot.version = kVersion;
  // Visiting so many takes 1 to 2 ms of a turn; more than that, once a second, would be noticed.
  constexpr std::size_t kRankedMax = 20'000;
  rates_known_ = sequencer_.channel_count() <= kRankedMax;
  if (!rates_known_) return;
  struct Ranked {
    std::uint64_t gained;
    std::string_view name;
    fanout::Sequencer::ChannelState state;
  };
  std::vector<Ranked> ranked;
  ranked.reserve(sequencer_.channel_count());
  sequencer_.for_each_gain([&](std::string_view name, const fanout::Sequencer::ChannelState& state,
                               std::uint64_t gained) {
    if (!is_own_channel(name)) ranked.push_back({gained, name, state});
  });
  const std::size_t count = std::min(kBusiestMax, ranked.size());
  std::partial_sort(ranked.begin(), ranked.begin() + static_cast<std::ptrdiff_t>(count),
                    ranked.end(), [](const Ranked& a, const Ranked& b) {
                      return std::pair(a.gained, a.state.published_total) >
                             std::pair(b.gained, b.state.published_total);
                    });
  for (const Ranked& channel : std::span(ranked).first(count)) {
    snapshot.busiest.push_back({.name = std::string(channel.name),
                                .state = channel.state,
                                .receivers = roster_.receivers(channel.name)});
  }
}

}  // namespace fanfare::server
