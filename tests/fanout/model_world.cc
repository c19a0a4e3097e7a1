#include "tests/fanout/model_world.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace fanfare::fanout::testing {

World::World(std::uint64_t seed) : random_(seed), epoch_(Epoch::from(random_)) {
  exact_gaps_ = random_.chance(0.7);
  const std::uint32_t tombstones =
      exact_gaps_ ? 1'000 : static_cast<std::uint32_t>(random_.below(3));
  log_limits_.total_bytes = random_.chance(0.5) ? 256U << 20U : 6'000;
  total_bytes_ = log_limits_.total_bytes;
  idle_forgotten_after_ = random_time(30s);
  log_limits_.keys_age = random_time(20s);
  log_limits_.keys_max = 5;
  options_ = {.epoch = epoch_,
              .history =
                  [this](std::string_view name) {
                    return restarting_ ? limits_.at(std::string(name))
                                       : limits_[std::string(name)] = limits();
                  },
              .limits = &log_limits_,
              .idle_forgotten_after = idle_forgotten_after_,
              .tombstones_max = tombstones};
  rebuilt_ = std::make_unique<Log>(options_.log());
  options_.recorder = [this](const Command& command) {
    if (!restarting_) record_.add(command);
  };
  sequencer_ = std::make_unique<Sequencer>(options_);
  for (std::uint64_t left = 1 + random_.below(3); left > 0; --left) {
    shards_.push_back(std::make_unique<Shard>(ReplicaOptions{
        .epoch = epoch_,
        .members_max = kMembers,
        .tombstones_max = tombstones,
        .feed_members_max =
            static_cast<std::uint32_t>(1 + random_.below(random_.chance(0.5) ? 3 : 20)),
        .span_bytes_max = random_.chance(0.5) ? 300 : 256U << 10U}));
  }
}

HistoryLimits World::limits() {
  HistoryLimits limits;
  const std::uint32_t events[] = {0, 1, 3, 20, 1'000};
  limits.events = events[random_.below(5)];
  if (random_.chance(0.3)) limits.bytes = 200 + random_.below(2'000);
  limits.age = random_.chance(0.5) ? Duration(0) : random_time(20s);
  return limits;
}

std::string World::random_data() {
  if (random_.chance(0.15)) return "";
  std::string data(random_.chance(0.05) ? 3'000 : random_.below(120),
                   static_cast<char>('a' + random_.below(26)));
  if (random_.chance(0.2)) data.insert(random_.below(data.size() + 1), "\r\n");
  return data;
}

void World::publish() {
  Published event{.sequence = sequencer_->head() + 1,
                  .channel = kNames[random_.below(kNames.size())],
                  .type = random_.chance(0.3) ? "tick" : "",
                  .data = random_data()};
  const auto published =
      sequencer_->publish(event.channel, {.type = event.type, .data = event.data, .retry_ms = {}},
                          random_.chance(0.2) ? std::to_string(event.sequence) : "", now_);
  ASSERT_EQ(published.has_value(), !finished_.contains(event.channel));
  if (!published) {
    ASSERT_EQ(published.error(), PublishError::channel_finished);
    return;
  }
  ASSERT_EQ(published->sequence, event.sequence);
  used_[event.channel] = now_;
  log_.add(std::move(event));
}

// What was recorded makes the same log, state by state.
void World::check_rebuilt() {
  for (; replayed_ < record_.size(); ++replayed_) rebuilt_->apply(record_[replayed_]);
  rebuilt_->seal(now_);
  ASSERT_EQ(state_of(*rebuilt_), state_of(sequencer_->log()));
}

void World::restart() {
  for (std::uint32_t member = 0; member < kMembers; ++member) cut(member);
  restarting_ = true;
  auto log = std::make_unique<Log>(options_.log());
  for (std::size_t i = 0; i < record_.size(); ++i) log->apply(record_[i]);
  start_again(std::move(log));
}

void World::hand_over() {
  for (std::uint32_t member = 0; member < kMembers; ++member) cut(member);
  seal();
  for (const auto& shard : shards_) {
    while (!shard->mailbox.empty()) apply_next(*shard);
  }
  std::string bytes;
  ASSERT_TRUE(write_log_image(sequencer_->log(), {}, shards_.front()->replica.past(),
                              [&bytes](std::string_view piece) {
                                bytes += piece;
                                return true;
                              }));
  const auto image = LogImage::open(bytes);
  ASSERT_TRUE(image);
  ASSERT_EQ(image->epoch(), epoch_);
  const std::string before = content_of(sequencer_->log());
  restarting_ = true;  // nothing is recorded
  auto log = image->make(options_.log());
  ASSERT_TRUE(log);
  ASSERT_EQ(content_of(*log), before);
  LogOptions unrecorded = options_.log();
  unrecorded.recorder = {};
  rebuilt_ = image->make(std::move(unrecorded));
  record_.clear();
  replayed_ = 0;
  start_again(std::move(log));
}

void World::start_again(std::unique_ptr<Log> log) {
  sequencer_ = std::make_unique<Sequencer>(options_, std::move(log));
  restarting_ = false;
  for (auto& shard : shards_) {
    auto lost = std::move(shard->naive.evicted);  // tombstones need not know all of it
    shard = std::make_unique<Shard>(ReplicaOptions(shard->options));
    shard->naive.evicted = std::move(lost);
  }
  seal();
  for (const auto& shard : shards_) apply_next(*shard);
}

void World::seal() {
  if (const BatchPtr batch = sequencer_->seal(now_)) {
    for (const auto& shard : shards_) shard->mailbox.push_back(batch);
  }
  check_bounds();
}

// Once a turn is sealed, every limit holds.
void World::check_bounds() {
  ASSERT_LE(sequencer_->segment_bytes(), total_bytes_);
  for (const auto& [name, limits] : limits_) {
    const auto state = sequencer_->find(name);
    if (!state) continue;
    ASSERT_LE(state->events, limits.events) << name;
    ASSERT_LE(state->bytes, limits.bytes) << name;
  }
}

void World::finish(const std::string& channel) {
  ASSERT_TRUE(sequencer_->finish(channel, now_));
  if (finished_.insert(channel).second) used_[channel] = now_;
}

void World::erase(const std::string& channel) {
  ASSERT_EQ(sequencer_->erase(channel, now_), used_.contains(channel));
  finished_.erase(channel);
  if (used_.contains(channel)) used_[channel] = now_;
}

// A channel is forgotten when it is empty and was not used for long enough, not before, and not
// later. Channels with events are looked at once in that time: one that loses its last event to
// others' (total_bytes) may have been unused for much longer, and is then kept for as long as that
// at most. A step of the model takes up to four seconds, in which it may have become empty, and
// another in which it became due.
void World::expire() {
  while (sequencer_->expire(now_)) {
  }
  for (const std::string& name : kNames) {
    const auto state = sequencer_->find(name);
    ASSERT_TRUE(!state || used_.contains(name)) << name;
    if (!used_.contains(name)) continue;
    const Duration idle = now_ - used_[name];
    if (state) {
      ASSERT_EQ(state->finished, finished_.contains(name)) << name;
      if (state->events > 0) filled_[name] = now_;
      ASSERT_LE(now_ - std::max(used_[name], filled_[name]), idle_forgotten_after_ + 10s) << name;
    } else {
      ASSERT_GE(idle, idle_forgotten_after_) << name;
      used_.erase(name);
      finished_.erase(name);
    }
  }
}

// A feed is complete when each of its topics is the name of a finished channel, and all is sent.
void World::check_end(const Subscriber& s) {
  const Shard& shard = *s.shard;
  const bool over = std::ranges::all_of(s.topics, [&](const std::string& topic) {
    return !is_pattern(topic) && shard.naive.finished.contains(topic);
  });
  const bool complete = shard.replica.complete(s.feed);
  ASSERT_TRUE(over || !complete);
  ASSERT_TRUE(complete || !over || shard.replica.feeds_waiting() > 0);
}

void World::apply_next(Shard& shard) {
  if (shard.mailbox.empty()) return;
  shard.replica.apply(*shard.mailbox.front());
  shard.naive.apply(*shard.mailbox.front());
  shard.mailbox.pop_front();
  ASSERT_EQ(shard.replica.head(), shard.naive.head);
}

void World::begin(std::uint32_t member) {
  Subscriber& s = subscribers_[member];
  // A client that was here before comes back with its last id, to any shard.
  const bool resumes = !s.topics.empty() && s.has_ids() && random_.chance(0.7);
  if (!resumes) {
    s.topics = kTopics[random_.below(kTopics.size())];
    s.framing = static_cast<Framing>(random_.below(kFramingsWithoutKeys));
  }
  s.shard = &random_shard();
  const std::vector<std::string_view> topics(s.topics.rbegin(), s.topics.rend());
  s.feed = s.shard->replica.open(topics, s.framing);
  s.state = Subscriber::State::behind;
  s.held = {};
  s.stream.clear();
  s.known_lost.clear();
  s.not_promised.clear();
  if (resumes) {
    s.cursor = s.began;
  } else {
    newcomer(s);
    s.began = s.cursor.at;
  }
}

void World::newcomer(Subscriber& s) {
  Replica& replica = s.shard->replica;
  const Sequence target = replica.target(s.feed);
  const auto left = log_.left(s.shard->naive, s.topics, 0, target);
  switch (random_.below(4)) {
    case 0: {
      const auto events = static_cast<std::uint32_t>(random_.below(8));
      s.cursor = replica.replay_start(s.feed, events);
      const auto replayed = log_.left(s.shard->naive, s.topics, s.cursor.at, target);
      ASSERT_EQ(replayed.size(), std::min<std::size_t>(events, left.size()));
      break;
    }
    case 1:
      s.cursor = replica.earliest(s.feed);
      ASSERT_EQ(s.cursor.at, left.empty() ? target : left.front()->sequence - 1);
      break;
    case 2:  // an old place of somebody else's
      s.cursor = random_.below(sequencer_->head() + 1);
      return;
    default:
      s.cursor = target;
  }
  for (const Published* event : log_.between(s.topics, s.cursor.at, target)) {
    if (s.shard->naive.gone(*event)) s.not_promised.insert(event->sequence);
  }
  s.known_lost = s.not_promised;
}

void World::leave(std::uint32_t member) {
  Subscriber& s = subscribers_[member];
  const Sequence stands_at = s.shard->replica.leave(s.feed, member);
  s.state = Subscriber::State::behind;
  ASSERT_LE(stands_at, s.shard->replica.head());
  for (const Published* event : log_.between(s.topics, s.cursor.at, stands_at)) {
    ASSERT_TRUE(!s.has_ids() && event->data.empty()) << "left over " << event->sequence;
  }
  ASSERT_TRUE(log_.between(s.topics, stands_at, s.cursor.at).empty());
  s.cursor = stands_at;
}

void World::cut(std::uint32_t member) {
  Subscriber& s = subscribers_[member];
  if (s.state == Subscriber::State::off) return;
  if (s.state == Subscriber::State::joined) leave(member);
  if (s.held.size > 0) s.stream.append(s.held.data, random_.below(s.held.size + 1));
  s.began = check_stream(s, std::nullopt);
  s.shard->replica.release(s.feed);
  s.state = Subscriber::State::off;
}

void World::advance(std::uint32_t member) {
  Subscriber& s = subscribers_[member];
  if (s.state != Subscriber::State::behind) return;
  Replica& replica = s.shard->replica;
  check_end(s);
  if (s.held.size > 0) {
    if (random_.chance(0.3)) return;  // still blocked
    s.stream.append(s.held.data, s.held.size);
    s.held = {};
  }
  if (s.cursor.at == replica.target(s.feed) && random_.chance(0.5)) {
    replica.join(s.feed, member);
    s.state = Subscriber::State::joined;
    return;
  }
  const std::size_t bytes_max = 1 + random_.below(600);
  const Read read = replica.read(s.feed, s.cursor, bytes_max);
  check_read(s, read, bytes_max);
  if (read.ahead) return;
  if (read.gap) {
    if (s.has_ids()) {
      const std::string id = EventId(epoch_, read.gap->cursor.at).text();
      const std::string data = fmt::format("{} {}", read.gap->after, read.gap->resumed);
      std::string text = fmt::format("event: gap\ndata: {}\nid: {}\n\n", data, id);
      if (is_json(s.framing)) text = json_line("gap", data, id);
      if (is_chunked(s.framing)) text = fmt::format("{:x}\r\n{}\r\n", text.size(), text);
      s.stream += text;
    }
    for (const Published* event : log_.between(s.topics, s.cursor.at, replica.target(s.feed))) {
      if (s.shard->naive.gone(*event)) s.known_lost.insert(event->sequence);
    }
    s.cursor = read.gap->cursor;
    return;
  }
  s.held = read.span;
  s.cursor = read.cursor;
  if (s.held.size == 0 && read.caught_up) {
    replica.join(s.feed, member);
    s.state = Subscriber::State::joined;
  }
}

// As many calls of next_round() as there are feeds waiting bring no feed twice.
void World::serve_batch(Shard& shard) {
  shard.turns.clear();
  std::size_t left = shard.replica.feeds_waiting();
  if (random_.chance(0.5)) left = std::min<std::size_t>(left, 1);
  for (; left > 0; --left) serve(shard, 1 + random_.below(3), 0.8);
}

bool World::serve(Shard& shard, std::size_t slice, double whole) {
  const auto round = shard.replica.next_round(slice);
  if (!round) {
    EXPECT_EQ(shard.replica.feeds_waiting(), 0U);
    EXPECT_EQ(shard.replica.unserved_bytes(), 0U);
    return false;
  }
  EXPECT_EQ(round->members.empty(), round->span.size == 0 && !round->ends);
  EXPECT_LE(round->members.size(), slice);
  EXPECT_TRUE(shard.turns.insert(round->feed).second) << "a feed came twice in one batch";
  const std::vector<Member> members(round->members.begin(), round->members.end());
  for (const Member member : members) {
    Subscriber& s = subscribers_[member];
    EXPECT_EQ(s.feed, round->feed);
    EXPECT_EQ(s.shard, &shard);
    check_span(s, round->span, s.cursor.at, true);
    s.cursor = round->span.last;
    s.stream.append(round->span.data, round->span.size);
    if (round->ends) {
      EXPECT_TRUE(shard.replica.complete(round->feed));
      leave(member);
      s.began = check_stream(s, shard.replica.head());
      shard.replica.release(s.feed);
      s.state = Subscriber::State::off;
    } else if (!random_.chance(whole)) {
      leave(member);
      s.stream.resize(s.stream.size() - round->span.size);
      s.held = round->span;
    }
  }
  return true;
}

void World::check_span(const Subscriber& s, const Span& span, Sequence after, bool from_round) {
  const auto expected = from_round ? log_.between(s.topics, after, span.last)
                                   : log_.left(s.shard->naive, s.topics, after, span.last);
  const std::string text = text_of_span(s, span);
  if (!s.has_ids()) {
    std::string payloads;
    for (const Published* event : expected) payloads += with_line_feeds(event->data);
    ASSERT_EQ(text, payloads);
    return;
  }
  ASSERT_EQ(span.events, expected.size());
  const auto events = read_text(s, text);
  ASSERT_EQ(events.size(), expected.size());
  for (std::size_t i = 0; i < events.size(); ++i) {
    ASSERT_EQ(events[i].event.id, EventId(epoch_, expected[i]->sequence).text());
    ASSERT_EQ(events[i].event.data, with_line_feeds(expected[i]->data));
    ASSERT_EQ(events[i].event.type, expected[i]->type);
    ASSERT_EQ(events[i].channel, s.gets_more() ? expected[i]->channel : "");
  }
}

void World::check_read(const Subscriber& s, const Read& read, std::size_t bytes_max) {
  const Sequence target = s.shard->replica.target(s.feed);
  ASSERT_LE(target, s.shard->naive.head);
  ASSERT_EQ(read.ahead, s.cursor.at > target);
  if (read.ahead) return;
  const Sequence lost = newly_lost(s, target);
  if (exact_gaps_) {
    ASSERT_EQ(read.gap.has_value(), lost > 0);
  } else {
    ASSERT_TRUE(read.gap.has_value() || lost == 0);
  }
  if (read.gap) {
    check_gap(s, *read.gap, target);
    return;
  }
  ASSERT_EQ(read.caught_up, read.cursor.at == target);
  ASSERT_GE(read.cursor.at, s.cursor.at);
  ASSERT_EQ(read.span.last, read.cursor.at);
  ASSERT_TRUE(read.span.size <= bytes_max || read.span.events == 1 || s.gets_more());
  check_span(s, read.span, s.cursor.at, false);
  ASSERT_TRUE(read.span.size > 0 || read.caught_up) << "one event, if there is one to send";
}

Sequence World::newly_lost(const Subscriber& s, Sequence target) const {
  Sequence lost = 0;
  for (const Published* event : log_.between(s.topics, s.cursor.at, target)) {
    const bool news = s.shard->naive.gone(*event) && !s.known_lost.contains(event->sequence);
    if (news) lost = event->sequence;
  }
  return lost;
}

void World::check_gap(const Subscriber& s, const Gap& gap, Sequence target) {
  ASSERT_EQ(gap.after, s.cursor.at);
  ASSERT_GT(gap.resumed, gap.after);
  const Sequence lost = newly_lost(s, target);
  if (exact_gaps_) {
    ASSERT_EQ(gap.resumed, lost);
  } else {
    ASSERT_GE(gap.resumed, lost);
  }
  const auto left = log_.left(s.shard->naive, s.topics, gap.after, target);
  ASSERT_EQ(gap.cursor.at, left.empty() ? target : left.front()->sequence - 1);
}

Sequence World::check_stream(Subscriber& s, std::optional<Sequence> complete_to) {
  if (!s.has_ids()) return 0;
  const std::string text = is_chunked(s.framing) ? read_chunks(s.stream) : s.stream;
  struct Range {
    Sequence after, resumed;
  };
  std::vector<Range> gaps;
  std::vector<Sequence> received;
  Sequence last_id = s.began;
  for (const auto& [event, channel] : read_text(s, text)) {
    const auto id = EventId::parse(event.id);
    EXPECT_TRUE(id && id->epoch == epoch_);
    EXPECT_GE(id->sequence, last_id) << "ids never go back";
    if (event.type == "gap") {
      const std::size_t space = event.data.find(' ');
      gaps.push_back(
          {std::stoull(event.data.substr(0, space)), std::stoull(event.data.substr(space + 1))});
    } else {
      EXPECT_TRUE(received.empty() || received.back() < id->sequence) << "strictly increasing";
      received.push_back(id->sequence);
    }
    last_id = id->sequence;
  }
  for (const Published* event : log_.between(s.topics, s.began, complete_to.value_or(last_id))) {
    const Sequence sequence = event->sequence;
    const bool told =
        std::ranges::binary_search(received, sequence) || s.not_promised.contains(sequence) ||
        std::ranges::any_of(
            gaps, [=](Range gap) { return sequence > gap.after && sequence <= gap.resumed; });
    EXPECT_TRUE(told) << "event " << sequence << " was lost in silence";
  }
  return last_id;
}

void World::step() {
  const auto member = static_cast<std::uint32_t>(random_.below(kMembers));
  if (++steps_ % 20 == 0) check_rebuilt();
  const std::uint64_t dice = random_.below(100);
  if (dice < 25) {
    publish();
  } else if (dice < 37) {
    seal();
  } else if (dice < 55) {
    apply_next(random_shard());
  } else if (dice < 67) {
    if (subscribers_[member].state == Subscriber::State::off) begin(member);
  } else if (dice < 80) {
    advance(member);
  } else if (dice < 93) {
    serve_batch(random_shard());
  } else if (dice < 95) {
    cut(member);
  } else if (dice < 97) {
    now_ = now_ + random_time(4s);
    expire();
  } else if (dice < 98) {
    finish(kNames[random_.below(kNames.size())]);
  } else {
    erase(kNames[random_.below(kNames.size())]);
  }
}

// In the end every member gets everything, and nothing stays behind.
void World::settle() {
  seal();
  check_rebuilt();
  for (const auto& shard : shards_) {
    while (!shard->mailbox.empty()) apply_next(*shard);
  }
  for (int turn = 0; turn < 2'000; ++turn) {
    bool busy = false;
    for (const auto& shard : shards_) {
      do {
        shard->turns.clear();
      } while (serve(*shard, 2, 1.0));
    }
    for (std::uint32_t member = 0; member < kMembers; ++member) {
      if (subscribers_[member].state == Subscriber::State::behind) busy = true;
      advance(member);
    }
    if (!busy) break;
  }
  for (std::uint32_t member = 0; member < kMembers; ++member) {
    Subscriber& s = subscribers_[member];
    if (s.state == Subscriber::State::off) continue;
    ASSERT_EQ(s.state, Subscriber::State::joined);
    ASSERT_EQ(s.shard->replica.target(s.feed), sequencer_->head());
    check_stream(s, sequencer_->head());
    cut(member);
  }
  for (const auto& shard : shards_) {
    ASSERT_EQ(shard->replica.feed_count(), 0U);
    ASSERT_EQ(shard->replica.channel_count(), sequencer_->channel_count());
  }
}

}  // namespace fanfare::fanout::testing
