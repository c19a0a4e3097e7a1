#include "broker/server/streams/polls.h"

#include <algorithm>
#include <utility>

#include "broker/server/base/rules.h"
#include "broker/server/streams/voice.h"

#include "common/check.h"

namespace fanfare::server {
namespace {

// The bytes of all answers in one turn; each counts for kAnswerCost more, the price of a send.
constexpr std::size_t kTurnBytes = 1U << 20U;
constexpr std::size_t kAnswerCost = 4U << 10U;
// One that a turn had no room for is answered in one of the next.
constexpr Duration kPutOff = 30s;
// When an EventSource asks again, if there is more, or if it will wait there anyway.
constexpr Duration kAgain = 100ms;

// It is told where the log is; and of channels that keep the latest of each key, what that is.
bool is_newcomer(const sse::SubscribeRequest& asked) {
  return asked.cursor.empty() && !asked.earliest && !asked.replay && !asked.since;
}

}  // namespace

Polls::Poll Polls::begin(const sse::SubscribeRequest& asked, const Streams::Terms& terms) {
  const std::vector<std::string_view> topics(asked.topics.begin(), asked.topics.end());
  Poll poll;
  poll.framing = framing_of(asked, false);
  poll.feed = parts_.replica.open(topics, poll.framing);
  if (is_newcomer(asked) && !parts_.replica.keeps_keys(poll.feed)) {
    poll.beginning.cursor = parts_.streams.head();
  } else {
    poll.beginning = parts_.streams.find_beginning(poll.feed, asked, terms.options);
  }
  poll.announce = terms.announce;
  poll.retry = terms.retry.value_or(stream_rules(terms.options, asked.topics).retry);
  poll.fields.add(terms.fields);
  if (asked.wait > Duration(0)) poll.retry = std::min(poll.retry, kAgain);
  return poll;
}

void Polls::open(const Request& request, const sse::SubscribeRequest& asked,
                 const Streams::Terms& terms, Response& response) {
  const bool wants_to_wait =
      asked.wait > Duration(0) && !is_newcomer(asked) && request.head.method != http::Method::head;
  // Before there is a feed, which would have the patterns already.
  const bool admitted =
      !wants_to_wait || parts_.streams.admit_patterns(asked.topics, terms.options.limits.patterns);
  Poll poll = begin(asked, terms);
  const bool waits = wants_to_wait && poll.beginning.gap.empty() && !has_news(poll);
  if (waits && admitted && parts_.seats.take()) {
    poll.seated = true;
    ++parts_.counters.polls_waiting;
    Duration patience = std::min(asked.wait, terms.options.limits.wait_max);
    const auto left = terms.expires - date_;
    if (left < std::chrono::ceil<std::chrono::seconds>(patience)) patience = left;
    return put_off(request.exchange, std::move(poll), std::max(patience, Duration(1s)), response);
  }
  if (!admitted) ++parts_.counters.patterns_refused_total;
  if (waits) turn_away(poll, terms.options);
  if (spent_ >= kTurnBytes && request.head.method != http::Method::head) {
    put_off(request.exchange, std::move(poll), kPutOff, response);
    make_due(waiting_.at(key_of(request.exchange)), key_of(request.exchange));
    return;
  }
  write(request, poll, response);
  end(poll);
}

// It is answered at once, and asks again later than usual, because there may be very many.
void Polls::turn_away(Poll& poll, const Options& options) {
  ++parts_.counters.overload_answers_total;
  const Duration retry = options.delivery.retry * 4;
  const auto spread = static_cast<std::uint64_t>(retry.count());
  poll.retry = retry + Duration(static_cast<std::int64_t>(parts_.random.below(spread + 1)));
}

bool Polls::has_news(const Poll& poll) const {
  const auto read = parts_.replica.read(poll.feed, poll.beginning.cursor, 1, poll.beginning.newest);
  return read.gap || read.span.events > 0 || (read.caught_up && parts_.replica.complete(poll.feed));
}

// As one that comes now with the place that it has come to.
void Polls::begin_again(Poll& poll) {
  sse::SubscribeRequest asked;
  asked.cursor = parts_.streams.id_text(poll.beginning.cursor.at);
  poll.beginning = parts_.streams.find_beginning(poll.feed, asked, parts_.settings.options());
}

// Reads on from the poll's cursor, which then stands behind all that was found.
Polls::Found Polls::collect(Poll& poll) {
  const Options& options = parts_.settings.options();
  const std::size_t most = options.limits.poll_bytes;
  fanout::Cursor& cursor = poll.beginning.cursor;
  Found found;
  while (true) {
    const std::size_t left = most - std::min(most, found.text.size());
    const auto read = parts_.replica.read(poll.feed, cursor, left, poll.beginning.newest);
    if (read.gap && read.gap->removals) {
      if (!found.text.empty()) {
        found.more = true;
        return found;
      }
      begin_again(poll);
      continue;
    }
    if (read.gap) {
      const std::string after = parts_.streams.id_text(read.gap->after);
      found.text += parts_.streams.gap(
          {.reason = reason_of(*read.gap),
           .after = after,
           .resumed = read.gap->resumed,
           .keys_kept = keys_kept(*read.gap, parts_.replica.keeps_keys(poll.feed))},
          read.gap->cursor.at, poll.framing, options);
      cursor = read.gap->cursor;
      continue;
    }
    if (read.ahead) return found;
    if (!found.text.empty() && found.text.size() + read.span.size > most) {
      found.more = true;
      return found;
    }
    found.text.append(read.span.data, read.span.size);
    found.events += read.span.events;
    cursor = read.cursor;
    if (!read.caught_up) continue;
    found.over = parts_.replica.complete(poll.feed);
    return found;
  }
}

void Polls::write(const Request& request, Poll& poll, Response& response) {
  const Found found = collect(poll);
  const std::string next = parts_.streams.id_text(poll.beginning.cursor.at);
  const bool nothing = found.events == 0 && found.text.empty() && poll.beginning.gap.empty();
  std::vector<http::Field> further;
  further.reserve(poll.fields.size());
  for (std::size_t i = 0; i < poll.fields.size(); ++i) further.push_back(poll.fields[i]);
  begin_stream_head(poll.framing, further, response);
  response.fields.add("Last-Event-ID", next);
  if (found.more) response.fields.add("Fanfare-More", "true");
  ++parts_.counters.polls_total;
  if (request.head.method != http::Method::head) parts_.counters.deliveries_total += found.events;
  spent_ += found.text.size() + kAnswerCost;
  if (found.over && nothing) {
    response.status = 204;
    return;
  }
  const Voice voice(poll.framing);
  voice.retry(response.body, found.more ? std::min(poll.retry, kAgain) : poll.retry);
  response.body += poll.beginning.gap;
  response.body += found.text;
  const std::string& end_event = parts_.settings->delivery.end_event;
  if (found.over && !end_event.empty()) voice.end(response.body, end_event);
  // A client that has an id, or is given one, has something to come back with.
  if (nothing && !poll.beginning.resumed) {
    voice.position(response.body, announcement(request, poll.announce, poll.framing), next);
  }
}

void Polls::put_off(ExchangeId exchange, Poll&& poll, Duration patience, Response& response) {
  const Key key = key_of(exchange);
  std::vector<Key>& of_feed = by_feed_[parts_.replica.number(poll.feed)];
  poll.exchange = exchange;
  poll.place = static_cast<std::uint32_t>(of_feed.size());
  of_feed.push_back(key);
  parts_.replica.await(poll.feed);
  const bool added = waiting_.emplace(key, std::move(poll)).second;
  CHECK(added, "a request is answered once");
  response.kind = Response::Kind::later;
  response.patience = patience;
}

void Polls::end(Poll& poll) {
  if (std::exchange(poll.seated, false)) {
    parts_.seats.give_back();
    --parts_.counters.polls_waiting;
  }
  parts_.replica.release(std::exchange(poll.feed, nullptr));
}

void Polls::remove(std::unordered_map<Key, Poll>::iterator found) {
  Poll& poll = found->second;
  const auto of_feed = by_feed_.find(parts_.replica.number(poll.feed));
  std::vector<Key>& keys = of_feed->second;
  keys[poll.place] = keys.back();
  waiting_.at(keys.back()).place = poll.place;
  keys.pop_back();
  if (keys.empty()) by_feed_.erase(of_feed);
  end(poll);
  waiting_.erase(found);
}

bool Polls::time_is_up(const Request& request, Response& response) {
  const auto found = waiting_.find(key_of(request.exchange));
  if (found == waiting_.end()) return false;
  write(request, found->second, response);
  remove(found);
  return true;
}

void Polls::forget(ExchangeId exchange) {
  if (const auto found = waiting_.find(key_of(exchange)); found != waiting_.end()) remove(found);
}

void Polls::make_due(Poll& poll, Key key) {
  if (!std::exchange(poll.due, true)) due_.push_back(key);
}

void Polls::answer_all() {
  for (auto& [key, poll] : waiting_) make_due(poll, key);
}

// What happened to its channels may be of no use to a poll yet: its cursor is ahead of this shard,
// or its feed has members who are to be served first. Then it is looked at again.
void Polls::look_around() {
  for (const std::uint32_t number : parts_.replica.take_stirred()) stirred_.push_back(number);
  std::erase_if(stirred_, [this](std::uint32_t number) {
    const auto of_feed = by_feed_.find(number);
    if (of_feed == by_feed_.end()) return true;
    bool all = true;
    for (const Key key : of_feed->second) {
      Poll& poll = waiting_.at(key);
      if (!poll.due && has_news(poll)) make_due(poll, key);
      all = all && poll.due;
    }
    fanout::Feed* const feed = parts_.replica.feed(number);
    if (!all && parts_.replica.target(feed) < parts_.replica.head()) return false;
    if (!all) parts_.replica.await(feed);
    return true;
  });
}

std::optional<ExchangeId> Polls::next_due() {
  while (!due_.empty() && spent_ < kTurnBytes) {
    const Key key = due_.front();
    due_.pop_front();
    if (const auto found = waiting_.find(key); found != waiting_.end()) {
      return found->second.exchange;
    }
  }
  return std::nullopt;
}

void Polls::answer(const Request& request, Response& response) {
  const bool known = time_is_up(request, response);
  CHECK(known, "what is due waits, until it is forgotten");
}

}  // namespace fanfare::server
