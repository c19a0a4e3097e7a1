#include "broker/wire/ingest/ndjson_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "broker/wire/ingest/door.h"
#include "broker/wire/ingest/json_reply.h"

#include "common/check.h"
#include "common/json_text.h"
#include "common/pattern.h"
#include "common/quotable.h"
#include "common/utf8.h"

namespace fanfare::ingest {
namespace {

// JSON writes a byte as six ("\u0001") at worst; the rest of a line is names and channels.
constexpr std::size_t kBytesPerByte = 6;
constexpr std::size_t kLineOverhead = 64U << 10U;
// The capacity kept for the next cut line; anything above it is freed.
constexpr std::size_t kKeptCapacity = 4U << 10U;

bool blank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

Publish event_of(const LineRequest& request, std::string_view channel) {
  return {.channel = channel,
          .type = request.type,
          .data = request.data,
          .retry_ms = request.retry_ms,
          .key = request.key,
          .idempotency_key = request.idempotency_key,
          .wants_receivers = false};
}

void append_refusal(std::string_view sentence, std::uint64_t line, std::string& out) {
  out += R"({"ok":false,"error":)";
  append_json_string(out, sentence);
  out += R"(,"line":)";
  append_json_number(out, line);
}

}  // namespace

NdjsonSession::NdjsonSession(Sink& sink, const SessionOptions& options)
    : sink_(sink),
      door_(options.door),
      event_bytes_(options.event_bytes),
      event_bytes_now_(options.event_bytes_now),
      reply_bytes_(options.reply_bytes),
      watchable_(true) {}

NdjsonSession::NdjsonSession(Sink& sink, const SessionOptions& options,
                             std::string_view default_channel)
    : sink_(sink),
      door_(nullptr),
      line_(default_channel),
      event_bytes_(options.event_bytes),
      event_bytes_now_(options.event_bytes_now),
      reply_bytes_(options.reply_bytes),
      watchable_(false) {}

std::size_t NdjsonSession::line_bytes_max() const {
  const std::size_t bytes = event_bytes_now_ == nullptr ? event_bytes_ : *event_bytes_now_;
  return bytes * kBytesPerByte + kLineOverhead;
}

void NdjsonSession::receive(std::string_view in, std::string& out) {
  if (closed_) return;
  reply_end_ = out.size() + reply_bytes_;
  if (asking_) {
    kept_ += in;
    return;
  }
  if (paused_) {
    paused_ = false;
    kept_ += in;
    const std::string text = std::exchange(kept_, {});
    return serve(text, out);
  }
  complete_kept(in, out);
  serve(in, out);
}

// The line that was cut ends in `in`, or all of `in` belongs to it.
void NdjsonSession::complete_kept(std::string_view& in, std::string& out) {
  if (kept_.empty() && !passing_over_) return;
  const std::size_t line_feed = in.find('\n');
  if (line_feed == std::string_view::npos) {
    keep(in);
    in = {};
    return;
  }
  keep(in.substr(0, line_feed));
  in.remove_prefix(line_feed + 1);
  take_line(kept_, kept_.size(), out);
  kept_.clear();
  if (kept_.capacity() > kKeptCapacity) std::string().swap(kept_);
}

void NdjsonSession::keep(std::string_view part) {
  if (!passing_over_ && kept_.size() + part.size() <= line_bytes_max()) {
    kept_ += part;
    return;
  }
  passing_over_ = true;
  std::string().swap(kept_);
}

void NdjsonSession::serve(std::string_view text, std::string& out) {
  while (!text.empty() && !closed_) {
    if (out.size() >= reply_end_ || asking_) {
      paused_ = true;
      kept_ = text;
      return;
    }
    const std::size_t line_feed = text.find('\n');
    if (line_feed == std::string_view::npos) return keep(text);
    take_line(text.substr(0, line_feed), text.size(), out);
    text.remove_prefix(line_feed + 1);
  }
  if (asking_) paused_ = true;
}

// `printf '{...}' | nc -U ...`: the last line may lack its line feed.
void NdjsonSession::end_of_input(std::string& out) {
  if (!kept_.empty() || passing_over_) receive("\n", out);
}

void NdjsonSession::take_line(std::string_view line, std::size_t readable, std::string& out) {
  ++lines_;
  if (std::exchange(passing_over_, false) || line.size() > line_bytes_max()) {
    line_.forget();
    return refuse(fmt::format("the line is longer than {} bytes, the most that one event of "
                              "[limits] event_bytes can need",
                              line_bytes_max()),
                  out);
  }
  if (lines_ == 1) {
    const std::size_t before = line.size();
    line = without_utf8_mark(line);
    readable -= before - line.size();
    if (has_utf16_mark(line)) {
      line_.forget();
      return refuse("this is UTF-16, as its byte order mark says: send it as UTF-8", out);
    }
  }
  if (blank(line)) return;
  const bool understood = line_.parse(line, readable);
  const LineRequest& request = line_.request();
  const bool auth = understood && request.op == LineRequest::Op::auth;
  if (door_ != nullptr && !auth && !door_->open()) return refuse(door_->refusal().message, out);
  if (!understood) return refuse(line_.problem(), out);
  switch (request.op) {
    case LineRequest::Op::publish:
      return publish(request, out);
    case LineRequest::Op::report:
      return report(request, out);
    case LineRequest::Op::ticket:
      return issue_ticket(request, out);
    case LineRequest::Op::subscribers:
      return ask(request, out);
    case LineRequest::Op::watch:
      if (!watch(request, out)) return;
      break;
    case LineRequest::Op::auth:
      return authenticate(request, out);
    case LineRequest::Op::finish: {
      const auto finished = sink_.finish(request.channels[0]);
      if (!finished) return refuse(finished.error().message, out);
      break;
    }
    case LineRequest::Op::erase: {
      const auto erased = sink_.erase(request.channels[0]);
      if (!erased) return refuse(erased.error().message, out);
      if (!*erased) return refuse("there is no such channel", out);
      break;
    }
  }
  out += R"({"ok":true)";
  close_reply(out);
}

void NdjsonSession::authenticate(const LineRequest& request, std::string& out) {
  if (door_ == nullptr) {
    return refuse(watchable_
                      ? "no token is looked at on the ingest socket: whoever may open it may "
                        "publish"
                      : "an HTTP request brings its token in the field Authorization: "
                        "Bearer TOKEN",
                  out);
  }
  if (const auto refused = door_->present(request.token)) {
    closed_ = door_->tried_enough();
    return refuse(refused->message, out);
  }
  out += R"({"ok":true)";
  close_reply(out);
}

void NdjsonSession::publish(const LineRequest& request, std::string& out) {
  if (request.channels.size() > 1) return publish_to_several(request, out);
  const auto published = sink_.publish(event_of(request, request.channels[0]));
  if (!published) return refuse(published.error().message, out);
  out += R"({"ok":true,"id":")";
  out += published->id;
  out += '"';
  append_repeat_members(out, published->duplicate, published->evicted);
  close_reply(out);
}

// For each name in the list, the first one that is equal, under which it is published. (A line may
// list very many; comparing each with each would delay every client.)
void NdjsonSession::find_first_names(const std::vector<std::string_view>& channels) {
  by_name_.resize(channels.size());
  first_.resize(channels.size());
  std::iota(by_name_.begin(), by_name_.end(), 0U);
  std::ranges::sort(by_name_, {}, [&](std::uint32_t i) { return std::pair(channels[i], i); });
  for (std::size_t i = 0; i < by_name_.size(); ++i) {
    const std::uint32_t place = by_name_[i];
    const bool same = i > 0 && channels[by_name_[i - 1]] == channels[place];
    first_[place] = same ? first_[by_name_[i - 1]] : place;
  }
}

// One event for each channel, in the order written, or none at all. A channel that is named twice
// gets it once, and its id appears twice. Repeats are answered before the key of a new event can
// push theirs out; otherwise an event that was tried as a repeat would be published, or refused.
void NdjsonSession::publish_to_several(const LineRequest& request, std::string& out) {
  find_first_names(request.channels);
  const auto rehearsal = sink_.rehearse();
  for (std::uint32_t i = 0; i < first_.size(); ++i) {
    if (first_[i] != i) continue;
    const auto refused =
        rehearsal->add({Change::Kind::publish, event_of(request, request.channels[i])});
    if (!refused) continue;
    return refuse(fmt::format("channel \"{}\": {}; nothing was published to the others either",
                              quotable(request.channels[i]), refused->message),
                  out);
  }
  events_.clear();
  several_.clear();
  event_at_.resize(first_.size());
  const auto collect = [&](bool repeats) {
    for (std::uint32_t i = 0; i < first_.size(); ++i) {
      const Publish event = event_of(request, request.channels[i]);
      const bool repeated =
          !request.idempotency_key.empty() && first_[i] == i && rehearsal->repeats(event);
      if (first_[i] != i || repeated != repeats) continue;
      event_at_[i] = static_cast<std::uint32_t>(events_.size());
      events_.push_back(event);
    }
  };
  if (!request.idempotency_key.empty()) collect(true);
  collect(false);
  sink_.publish_all(events_, [this](const auto& published) {
    CHECK(published, "the rehearsal took it");
    several_.push_back({.channel = events_[several_.size()].channel,
                        .id = std::string(published->id),
                        .duplicate = published->duplicate,
                        .evicted = published->evicted});
  });
  out += R"({"ok":true,"ids":[)";
  for (const std::uint32_t first : first_) {
    out += out.ends_with('[') ? "\"" : ",\"";
    out += several_[event_at_[first]].id;
    out += '"';
  }
  out += ']';
  append_repeats(out);
  close_reply(out);
}

// `duplicate` alone means that all of them are; otherwise `duplicates` names those that are.
void NdjsonSession::append_repeats(std::string& out) const {
  const bool some = std::ranges::any_of(several_, &Acknowledged::duplicate);
  append_repeat_members(out, some, std::ranges::any_of(several_, &Acknowledged::evicted));
  if (!some || std::ranges::all_of(several_, &Acknowledged::duplicate)) return;
  out += R"(,"duplicates":[)";
  for (const Acknowledged& one : several_) {
    if (!one.duplicate) continue;
    if (!out.ends_with('[')) out += ',';
    append_json_string(out, one.channel);
  }
  out += ']';
}

// False: it was refused.
bool NdjsonSession::watch(const LineRequest& request, std::string& out) {
  if (!watchable_) {
    refuse("an HTTP request cannot watch: open an NDJSON connection", out);
    return false;
  }
  if (const auto refused = sink_.watch_problem()) {
    refuse(refused->message, out);
    return false;
  }
  for (const std::string_view channel : request.channels) {
    if (const std::string problem = channel_pattern_problem(channel); !problem.empty()) {
      refuse(fmt::format("channel \"{}\": {}", quotable(channel), problem), out);
      return false;
    }
  }
  ++watches_;
  watched_.assign(request.channels.begin(), request.channels.end());
  return true;
}

void NdjsonSession::ask(const LineRequest& request, std::string& out) {
  if (!watchable_) {
    return refuse(
        "this takes a request of its own: GET /channels/CHANNEL/subscribers, or an NDJSON "
        "connection",
        out);
  }
  if (const auto refused = sink_.watch_problem()) return refuse(refused->message, out);
  if (const auto refused = sink_.name_problem(request.channels[0])) {
    return refuse(refused->message, out);
  }
  asking_ = RollRequest{
      .channel = std::string(request.channels[0]), .limit = request.limit, .after = request.after};
  asking_reference_ = request.reference;
}

void NdjsonSession::answer(const std::expected<Roll, std::string_view>& roll, std::string& out) {
  if (roll) {
    out += R"({"ok":true,)";
    append_roll_members(out, *roll);
  } else {
    append_refusal(roll.error(), lines_, out);
  }
  close_reply(asking_reference_, out);
  asking_.reset();
}

void NdjsonSession::report(const LineRequest& request, std::string& out) {
  if (request.channels.empty()) {
    out += R"({"ok":true,)";
    append_fact_members(out, sink_);
    return close_reply(out);
  }
  if (const auto refused = sink_.name_problem(request.channels[0])) {
    return refuse(refused->message, out);
  }
  const auto state = sink_.find(request.channels[0]);
  if (!state) return refuse("there is no such channel", out);
  out += R"({"ok":true,)";
  append_channel_members(out, request.channels[0], *state);
  close_reply(out);
}

void NdjsonSession::issue_ticket(const LineRequest& request, std::string& out) {
  const auto ticket = sink_.issue_ticket({.channels = request.channels,
                                          .subject = request.subject,
                                          .expires = request.expires,
                                          .life = request.life});
  if (!ticket) return refuse(ticket.error().message, out);
  out += R"({"ok":true,)";
  append_ticket_members(out, *ticket);
  close_reply(out);
}

void NdjsonSession::refuse(std::string_view sentence, std::string& out) {
  append_refusal(sentence, lines_, out);
  close_reply(out);
}

// Every reply ends with the request's own "ref".
void NdjsonSession::close_reply(std::string& out) {
  close_reply(line_.request().reference, out);
}

void NdjsonSession::close_reply(std::string_view reference, std::string& out) {
  if (!reference.empty()) {
    out += R"(,"ref":)";
    out += reference;
  }
  out += "}\n";
}

}  // namespace fanfare::ingest
