// What the model test is made of: shards with what they should know, and clients.
#pragma once

#include <deque>
#include <set>
#include <string>
#include <vector>

#include "broker/fanout/replica.h"
#include "tests/fanout/json_reader.h"
#include "tests/fanout/naive.h"

namespace fanfare::fanout::testing {

inline const std::vector<std::string> kNames = {"a", "b", "m/1", "m/2", "m/3", "m/1/x", "z"};
inline const std::vector<TopicList> kTopics = {
    {"a"},          {"b"},        {"m/1"}, {"a", "b"}, {"a", "m/1"},  {"m/*"},
    {"m/**"},       {"a", "m/*"}, {"**"},  {"z"},      {"m/*", "**"}, {"m/1", "m/2", "z"},
    {"m/1", "m/*"}, {"a", "zz/*"}};

// The first of them (keyed_model_test.cc has the others).
inline constexpr std::size_t kFramingsWithoutKeys = 8;

struct Shard {
  explicit Shard(const ReplicaOptions& its_options) : options(its_options), replica(options) {}
  ReplicaOptions options;
  Replica replica;
  NaiveShard naive;
  std::deque<BatchPtr> mailbox;
  std::set<const Feed*> turns;  // feeds that had their turn in this batch of rounds
};

// A client and its connection. The number of a subscriber is its index.
struct Subscriber {
  enum class State { off, behind, joined };
  State state = State::off;
  TopicList topics;
  Framing framing{};
  Shard* shard = nullptr;
  Feed* feed = nullptr;
  Cursor cursor;
  Span held;  // being sent; `sent` bytes of it are out
  std::size_t sent = 0;

  // The client's side, in framings with ids.
  std::string stream;
  Sequence began = 0;               // what the client presented, or where it was put
  std::set<Sequence> known_lost;    // named by gaps, or lost before a newcomer came
  std::set<Sequence> not_promised;  // of these, what no gap will name

  bool has_ids() const { return !is_raw(framing); }
  // What it gets is longer than the frames.
  bool gets_more() const { return has_ids() && with_chunks(framing, true) != Framing::chunked; }
};

inline std::string text_of_span(const Subscriber& s, const Span& span) {
  const std::string_view bytes(span.data, span.size);
  return is_chunked(s.framing) ? read_chunks(bytes) : std::string(bytes);
}

// Without a channel where it is not said, or it is a gap's.
inline std::vector<ReceivedLine> read_text(const Subscriber& s, std::string_view text) {
  return is_json(s.framing) ? read_lines(text) : read_named_events(text);
}

}  // namespace fanfare::fanout::testing
