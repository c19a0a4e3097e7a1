#include "tests/sim/subscription.h"

#include <algorithm>
#include <array>
#include <utility>

#include "tests/sim/text.h"

namespace fanfare::sim {

Subscription::Subscription(Town& town, std::string name, ReaderPlan plan)
    : town_(town), name_(std::move(name)), plan_(std::move(plan)) {
  if (plan_.asks != ReaderPlan::Asks::nobody) guest_.emplace(town_, name_, plan_);
  begin_transcript();
}

bool Subscription::leave() {
  if (std::exchange(gone_, true)) return false;
  if (streaming_) ends(false);
  return true;
}

void Subscription::behave() {
  plan_.cuts = plan_.forgets = plan_.sleeps = plan_.presents_nonsense = 0;
  plan_.half_closes = false;
  behaves_since_ = town_.kernel.now();
}

void Subscription::close_books() {
  transcripts_.back().live = streaming_;
}

void Subscription::complain(std::string_view problem, std::string_view checker) {
  town_.kernel.fail(fmt::format("{}: {} {}", checker, name_, problem));
}

// By which publishers that watch know it: in the query.
std::string Subscription::tag() const {
  if (guest_) return guest_->tag();
  return fmt::format("{}.{}", name_.substr(name_.rfind(' ') + 1), streams_);
}

void Subscription::begin_calm() {
  calm_ = true;
  // What came last counts, though it came before; but not a heartbeat that a fault has swallowed.
  if (streaming_ && !plan_.raw) pulse_.begin(std::max(news_, behaves_since_), heartbeat());
}

void Subscription::end_calm() {
  calm_ = false;
  pulse_.end(town_.kernel.now());
  if (!pulse_.problem().empty()) complain(pulse_.problem(), "heartbeat");
}

Pulse::Interval Subscription::heartbeat() const {
  if (!plan_.heartbeat_s) return town_.heartbeat;
  const Duration own = 1s * *plan_.heartbeat_s;
  return {own, own};
}

void Subscription::begin_transcript() {
  Transcript transcript{.name = fmt::format("{} ({})", name_, transcripts_.size()),
                        .topics = plan_.topics,
                        .has_ids = !plan_.raw,
                        .conflates = town_.keyed.conflates || plan_.max_rate > 0 || plan_.raw};
  transcripts_.push_back(std::move(transcript));
  stream_ = StreamReader();
  raw_.clear();
}

void Subscription::decide() {
  const bool fresh = transcripts_.back().heard.empty();
  if (!fresh && (plan_.raw || random().chance(plan_.forgets))) begin_transcript();
  stream_.reconnect();
  asked_ = plan_.first;
  cursor_.reset();
  presented_.clear();
  if (!stream_.last_id().empty()) {
    presented_ = stream_.last_id();
    asked_ = Asked::cursor;
    cursor_ = town_.ledger.place_of(presented_);
  } else if (random().chance(plan_.presents_nonsense)) {
    constexpr std::array<std::string_view, 5> kNonsense = {"0", "-1", "abcdefg-7", "\xe4\xb8\xad",
                                                           "zzzzzzz-99999999999999999999"};
    presented_ = kNonsense[random().below(kNonsense.size())];
    asked_ = Asked::cursor;
  }
  trace("wants {} {} by {}", fmt::join(plan_.topics, " "), plan_.raw ? "raw" : "as events",
        asked_ == Asked::cursor     ? fmt::format("the id {}", presented_)
        : asked_ == Asked::earliest ? "earliest"
        : asked_ == Asked::replay   ? fmt::format("replay {}", plan_.replay)
                                    : "now");
  ++streams_;
  arrived_ = false;
  dialled_ = town_.kernel.now();
  if (guest_) guest_->begin(presented_);
}

std::string Subscription::request() {
  if (guest_) return guest_->request(presented_);
  std::string query;
  const auto add = [&query](std::string_view name, std::string_view value) {
    query += fmt::format("{}{}={}", query.empty() ? '?' : '&', name, value);
  };
  if (!plan_.post) {
    for (const std::string& topic : plan_.topics)
      add("channel", random().chance(0.5) ? percent_encoded(topic, false) : topic);
  }
  if (plan_.raw) add("format", "raw");
  add("u", tag());
  if (plan_.max_rate > 0) add("max_rate", fmt::format("{}", plan_.max_rate));
  if (plan_.with_channel && plan_.with_key) {
    add("with", "channel,key");
  } else if (plan_.with_channel || plan_.with_key) {
    add("with", plan_.with_key ? "key" : "channel");
  }
  if (plan_.heartbeat_s) add("heartbeat", fmt::format("{}s", *plan_.heartbeat_s));
  if (asked_ == Asked::replay) add("replay", fmt::format("{}", plan_.replay));
  if (asked_ == Asked::earliest) add("last_event_id", "earliest");

  std::string fields = "Host: broker\r\n";
  std::string body;
  if (!presented_.empty()) {
    constexpr std::array<std::string_view, 4> kAliases = {"lastEventId", "lastEventID",
                                                          "last_event_id", "last-event-id"};
    if (plan_.cursor_by == ReaderPlan::Cursor::query && presented_[0] != '\xe4') {
      const bool bare = presented_.find(',') == std::string::npos;
      add(kAliases[random().below(kAliases.size())],
          bare ? presented_ : percent_encoded(presented_, false));
    } else if (plan_.cursor_by == ReaderPlan::Cursor::body && plan_.post) {
      body = fmt::format(",\"last_event_id\":\"{}\"", presented_);
    } else {
      fields += fmt::format("Last-Event-ID: {}\r\n", presented_);
    }
  }
  if (plan_.browser) {
    fields +=
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: text/event-stream\r\n"
        "Cache-Control: no-cache\r\n";
  }
  if (accepts_gzip()) fields += "Accept-Encoding: gzip, br\r\n";
  if (plan_.post) {
    std::string channels;
    for (const std::string& topic : plan_.topics)
      channels += fmt::format("{}\"{}\"", channels.empty() ? "" : ",", topic);
    body = fmt::format("{{\"channels\":[{}]{}}}", channels, body);
    fields += fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n", body.size());
  }
  return fmt::format("{} {}{} HTTP/1.{}\r\n{}\r\n{}", plan_.post ? "POST" : "GET", plan_.path,
                     query, plan_.http10 ? 0 : 1, fields, body);
}

Subscription::Verdict Subscription::take_head(int status, std::string_view content_type,
                                              std::string_view content_coding) {
  if (status == 204) {
    trace("is told that nothing follows");
    note({.kind = Heard::Kind::ended});
    return Verdict::over;
  }
  if (status == 408) {  // it says its request too slowly
    trace("is told that its time is up");
    return Verdict::again;
  }
  if (status == 429 && town_.addressed) {
    trace("is told that it asks too often");
    return Verdict::again;
  }
  if (guest_ && (status == 502 || status == 504)) {
    trace("is told {}", status);
    return Verdict::again;
  }
  if (status != 200) {
    complain(fmt::format("was answered {}", status));
    return Verdict::over;
  }
  const std::string_view due =
      plan_.raw ? "text/plain; charset=utf-8" : "text/event-stream; charset=utf-8";
  if (content_type != due)
    complain(fmt::format("was answered with the content type {}", content_type));
  gunzip_.reset();
  if (content_coding == "gzip") gunzip_ = std::make_unique<gzip_test::Gunzip>();
  if (!content_coding.empty() && (!gunzip_ || !town_.packs))
    complain(fmt::format("was answered with the coding {}", content_coding));
  streaming_ = true;
  Heard opened{.kind = Heard::Kind::opened};
  opened.asked = asked_;
  opened.cursor = cursor_;
  told_end_ = false;
  news_ = town_.kernel.now();
  if (calm_ && !plan_.raw) pulse_.begin(town_.kernel.now(), heartbeat());
  trace("streams from {}", presented_.empty() ? "no id" : presented_);
  note(std::move(opened));
  return Verdict::streams;
}

void Subscription::take_body(std::string_view body) {
  if (!gunzip_) return take_text(body);
  const std::string text = gunzip_->take(body);
  if (gunzip_->broken()) complain("received what is no gzip");
  take_text(text);
}

void Subscription::take_text(std::string_view text) {
  if (plan_.raw) return take_raw(text);
  std::vector<StreamReader::Message> messages;
  const std::uint64_t comments = stream_.comments();
  stream_.feed(text, messages);
  if (!text.empty()) news_ = town_.kernel.now();
  if (!text.empty()) pulse_.told(town_.kernel.now(), stream_.comments() - comments);
  const bool swaps = town_.kernel.faults().bug == PlantedBug::events_swapped;
  if (swaps && messages.size() > 1 && random().chance(0.1)) std::swap(messages[0], messages[1]);
  for (const StreamReader::Message& message : messages) take_message(message);
}

// Payloads lie end to end, each beginning with its number.
void Subscription::take_raw(std::string_view body) {
  raw_ += body;
  for (;;) {
    const std::size_t bar = raw_.find('|');
    if (bar == std::string::npos) return;
    const std::optional<std::uint32_t> number = town_.ledger.number_in(raw_);
    if (!number) {
      complain(fmt::format("received raw bytes that nobody published: {}", excerpt(raw_)));
      leave();
      return;
    }
    const std::string& data = town_.ledger[*number].heard;
    const std::size_t shared = std::min(data.size(), raw_.size());
    if (raw_.compare(0, shared, data, 0, shared) != 0) {
      complain(fmt::format("received publication {} as {}", *number, excerpt(raw_)));
      leave();
      return;
    }
    if (raw_.size() < data.size()) return;
    raw_.erase(0, data.size());
    trace("receives publication {}", *number);
    ++events_;
    Heard heard{.kind = Heard::Kind::event};
    heard.number = *number;
    note(std::move(heard));
  }
}

void Subscription::take_message(const StreamReader::Message& message) {
  const Ledger& ledger = town_.ledger;
  if (told_end_) complain("received more after it was told of the end", "order");
  if (message.type == kEndEvent && message.data.empty()) {
    trace("is told of the end");
    told_end_ = true;
    return;
  }
  const std::optional<Position> place = ledger.place_of(message.id);
  if (!place) {
    complain(fmt::format("received the id {}, which is of no epoch", excerpt(message.id)));
    return;
  }
  if (!message.dispatched) complain("was sent a blank line that dispatches nothing");
  if (message.type == "~position") {
    const auto told = member_of(message.data, "position");
    if (!told || *told != message.id)
      complain(fmt::format("was told its position as {} with the id {}", message.data, message.id));
    trace("stands at {}", message.id);
    Heard position{.kind = Heard::Kind::position};
    position.place = place;
    return note(std::move(position));
  }
  if (message.type == "gap") return take_gap(message);
  if (message.type == kRemovedEvent) return take_removal(message, *place);
  const std::optional<std::uint32_t> number = ledger.number_in(message.data);
  if (!number || ledger[*number].heard != message.data || ledger[*number].type != message.type) {
    complain(fmt::format("received an event that nobody published: {} {}", message.id,
                         excerpt(message.data)));
    return;
  }
  trace("receives publication {} at {}", *number, message.id);
  const std::optional<std::uint32_t> known = town_.ledger.learn(*number, *place);
  if (!known)
    complain(fmt::format("received publication {} at {}, which lies at {}", *number, message.id,
                         ledger[*number].place->text()));
  note_event(known.value_or(*number), *place, message.id);
}

void Subscription::take_removal(const StreamReader::Message& message, Position place) {
  const std::optional<std::string> channel = member_of(message.data, "channel");
  const std::optional<std::string> key = member_of(message.data, "key");
  const auto number = channel ? town_.ledger.learn_removal(*channel, key, place) : std::nullopt;
  if (!number || removal_text(*channel, key) != message.data) {
    complain(fmt::format("was told of a removal that nobody asked for: {} {}", message.id,
                         excerpt(message.data)));
    return;
  }
  trace("is told that publication {} removes {} of {} at {}", *number, key.value_or("all"),
        *channel, message.id);
  note_event(*number, place, message.id);
}

void Subscription::note_event(std::uint32_t number, Position place, std::string_view id) {
  const Publication& publication = town_.ledger[number];
  const std::string suffix = suffix_of(publication);
  if (!id.ends_with(suffix) || id.size() != town_.ledger.id_of(place).size() + suffix.size())
    complain(fmt::format("received publication {} as {}, not with {}", number, id, suffix));
  ++events_;
  town_.kernel.report().observe(place.sequence);
  Heard heard{.kind = Heard::Kind::event};
  heard.place = place;
  heard.number = number;
  note(std::move(heard));
}

// What is to be behind the id of the event.
std::string Subscription::suffix_of(const Publication& publication) const {
  std::string suffix;
  if (plan_.with_channel) suffix += ',' + town_.ledger.channel_of(publication);
  // One that removes all keys is of none, not of the empty one.
  if (!plan_.with_key || publication.clears) return suffix;
  return suffix + ',' + escaped_key(publication.key.value_or(""));
}

void Subscription::take_gap(const StreamReader::Message& message) {
  trace("is told of a gap: {} with the id {}", message.data, message.id);
  const auto after = member_of(message.data, "after");
  const auto resumed = member_of(message.data, "resumed");
  const auto reason = member_of(message.data, "reason");
  const auto place = resumed ? town_.ledger.place_of(*resumed) : std::nullopt;
  if (!after || !reason || !place) {
    complain(fmt::format("was told of a gap as {}", excerpt(message.data)));
    return;
  }
  ++gaps_;
  Heard gap{.kind = Heard::Kind::gap};
  gap.place = town_.ledger.place_of(message.id);
  gap.after = town_.ledger.place_of(*after);
  gap.resumed = *place;
  const bool mistaken = town_.kernel.faults().bug == PlantedBug::gap_called_conflated;
  gap.reason = mistaken ? kConflated : *reason;
  gap.keys_kept = member_of(message.data, "keys") == "kept";
  note(std::move(gap));
}

void Subscription::note(Heard heard) {
  heard.ledger_count = town_.ledger.count();
  if (heard.kind == Heard::Kind::event || heard.kind == Heard::Kind::gap) arrive(heard);
  transcripts_.back().heard.push_back(std::move(heard));
}

// An answer alone, and a place, may be those of overload.
void Subscription::arrive(const Heard& heard) {
  if (guest_)
    guest_->attached(heard.kind == Heard::Kind::event ? std::optional(heard.number) : std::nullopt);
  if (std::exchange(arrived_, true)) return;
  town_.arrivals.push_back({tag(), dialled_});
}

void Subscription::ends(bool complete) {
  streaming_ = false;
  pulse_.end(town_.kernel.now());
  trace("{}", complete ? "has the whole stream" : "is cut off");
  const auto finished = [this](const auto& topic) { return town_.ledger.finish_begun(topic); };
  if (complete && guest_ && !std::ranges::all_of(plan_.topics, finished)) guest_->complete();
  // To the checkers, that is a cut: more will be published.
  if (complete && guest_ && guest_->may_finish()) return note({.kind = Heard::Kind::cut});
  if (complete && gunzip_ && !gunzip_->complete())
    complain("was told that the stream is complete, and not by its coding");
  if (complete && in_event()) complain("was told in mid-event that the stream is complete");
  note({.kind = complete ? Heard::Kind::ended : Heard::Kind::cut});
}

bool Subscription::in_event() const {
  return plan_.raw ? !raw_.empty() : stream_.in_event();
}

std::optional<Duration> Subscription::comes_back() {
  if (gone_) return std::nullopt;
  if (transcripts_.back().ended() && random().chance(0.5)) {
    gone_ = true;
    return std::nullopt;
  }
  const Duration wish = town_.quiet ? Duration(50ms) : plan_.comes_back_after;
  return town_.kernel.somewhen(wish) + 1ms * stream_.retry_ms();
}

}  // namespace fanfare::sim
