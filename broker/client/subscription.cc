#include "broker/client/subscription.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>

#include "broker/client/backoff.h"
#include "broker/client/json.h"
#include "broker/client/socket.h"
#include "broker/wire/h1/response_parser.h"
#include "broker/wire/sse/parser.h"

#include "common/letters.h"
#include "common/random.h"
#include "common/units.h"

namespace fanfare::client {
namespace {

constexpr std::size_t kRefusalBytesMax = 4096;  // of the body that explains a status
// The bounds of what a server may ask for: less would be a hot loop, more is a mistake.
constexpr std::uint64_t kRetryMsMin = 10;
constexpr std::uint64_t kRetryMsMax = 3'600'000;

using Step = h1::Step;

// The request target: the address's own path or /events, and the channels.
std::string target_of(const Endpoint& endpoint, const SubscriptionOptions& options) {
  std::string target = endpoint.target.empty() ? "/events" : endpoint.target;
  char separator = target.find('?') == target.npos ? '?' : '&';
  for (const std::string& channel : options.channels) {
    target += separator;
    target += "channel=" + percent_encode(channel);
    separator = '&';
  }
  return target;
}

// Statuses after which trying again may help, as RFC 9110 means them.
bool passing(int status) {
  return status >= 500 || status == 408 || status == 429;
}

}  // namespace

class Subscription::Impl {
 public:
  Impl(SubscriptionOptions options, const Stop* stop)
      : options_(std::move(options)),
        stop_(stop != nullptr ? stop : &never_),
        endpoint_(Endpoint::parse(options_.address)),
        cursor_(options_.last_event_id),
        backoff_(options_.retry, options_.backoff_max, random_seed()),
        response_(http::Limits{}) {}

  std::expected<Item, Error> next(TimePoint deadline) {
    while (items_.empty()) {
      if (!endpoint_) return std::unexpected(endpoint_.error());
      if (refusal_) return std::unexpected(*refusal_);
      if (finished_) return Finished{};
      const auto advanced = socket_.open() ? read(deadline) : connect(deadline);
      if (!advanced) return std::unexpected(advanced.error());
    }
    Item item = std::move(items_.front());
    items_.pop_front();
    return item;
  }

  std::string_view cursor() const { return cursor_; }

  void cut() {
    if (socket_.open()) lose("cut");
  }

 private:
  std::expected<void, Error> connect(TimePoint deadline) {
    if (stop_->wait_until(std::min(deadline, next_attempt_))) {
      return std::unexpected(Error{Fault::stopped, "stopped"});
    }
    if (deadline < next_attempt_) {
      return std::unexpected(Error{Fault::timeout, "it is not yet time for the next attempt"});
    }
    const TimePoint answer_by = monotonic_now() + options_.connect_timeout;
    auto connected = Socket::connect(*endpoint_, answer_by, stop_);
    std::expected<void, Error> sent;
    if (connected) {
      socket_ = std::move(*connected);
      sent = socket_.send(request(), answer_by);
    } else {
      sent = std::unexpected(connected.error());
    }
    if (!sent && (sent.error().fault == Fault::stopped || sent.error().fault == Fault::address)) {
      return sent;
    }
    if (!sent) {
      lose(sent.error().message);
      return {};
    }
    response_.reset();
    events_.restart();
    opened_ = false;
    explanation_.clear();
    silent_at_ = answer_by;
    return {};
  }

  std::string request() const {
    std::string target = target_of(*endpoint_, options_);
    const bool is_id = !cursor_.empty() && cursor_ != "earliest";
    const char separator = target.find('?') == target.npos ? '?' : '&';
    if (!is_id && !cursor_.empty()) target += fmt::format("{}lastEventId={}", separator, cursor_);
    if (cursor_.empty() && options_.replay) {
      target += fmt::format("{}replay={}", separator, *options_.replay);
    }
    std::string text = fmt::format(
        "GET {} HTTP/1.1\r\nHost: {}\r\nAccept: text/event-stream\r\n"
        "Cache-Control: no-cache\r\nUser-Agent: fanfare\r\n",
        target, endpoint_->unix_path.empty() ? endpoint_->name() : "localhost");
    if (is_id) text += fmt::format("Last-Event-ID: {}\r\n", cursor_);
    for (const auto& [name, value] : options_.fields)
      text += fmt::format("{}: {}\r\n", name, value);
    return text += "\r\n";
  }

  std::expected<void, Error> read(TimePoint deadline) {
    std::array<char, 16U << 10U> buffer;
    const auto received = socket_.receive(buffer, std::min(deadline, silent_at_));
    if (!received && received.error().fault == Fault::timeout) {
      if (monotonic_now() < silent_at_) return std::unexpected(received.error());
      lose(opened_
               ? fmt::format("nothing was heard for {}, not even a heartbeat",
                             format_duration(options_.heartbeat_timeout))
               : fmt::format("{} accepted the connection and did not answer", endpoint_->name()));
      return {};
    }
    if (!received && received.error().fault == Fault::stopped) {
      return std::unexpected(received.error());
    }
    if (!received) {
      lose(received.error().message);
    } else if (*received == 0) {
      take_end_of_connection();
    } else {
      take({buffer.data(), *received});
    }
    return {};
  }

  void take(std::string_view bytes) {
    while (socket_.open()) {
      const Step step = response_.step(bytes);
      bytes.remove_prefix(step.consumed);
      switch (step.kind) {
        case Step::Kind::more:
          if (opened_) silent_at_ = monotonic_now() + options_.heartbeat_timeout;
          return;
        case Step::Kind::head:
          take_head();
          break;
        case Step::Kind::body:
          if (opened_) {
            take_stream(step.body);
          } else {
            explanation_.append(step.body.substr(0, kRefusalBytesMax - explanation_.size()));
          }
          break;
        case Step::Kind::end:
          opened_ ? lose("the broker ended the stream") : conclude();
          return;
        case Step::Kind::refused:
          lose(fmt::format("{} did not answer with HTTP: {}", endpoint_->name(),
                           response_.refusal().reason));
          return;
      }
    }
  }

  void take_head() {
    const http::ResponseHead& head = response_.head();
    if (head.status != 200) return;  // conclude() once its body is here
    const std::string_view type = head.value("content-type");
    if (!same_ignoring_case(type.substr(0, type.find(';')), "text/event-stream")) {
      refuse(fmt::format("{} answered with \"{}\", which is not an event stream", endpoint_->name(),
                         type));
      return;
    }
    opened_ = true;
    backoff_.succeeded();
    items_.emplace_back(Opened{cursor_});
    // Where the stream begins: if the connection breaks before the first event, the client resumes
    // from there.
    if (cursor_.empty()) cursor_ = head.value("last-event-id");
  }

  void take_stream(std::string_view bytes) {
    while (const sse::ParsedEvent* event = events_.next(bytes)) {
      if (!options_.gap_event.empty() && event->type == options_.gap_event) {
        items_.emplace_back(gap_of(event->data));
      } else {
        items_.emplace_back(ReceivedEvent{.type = std::string(event->type),
                                          .data = std::string(event->data),
                                          .id = std::string(event->last_event_id)});
      }
    }
    if (!events_.last_event_id().empty()) cursor_ = events_.last_event_id();
    if (const auto retry_ms = events_.retry_ms()) {
      backoff_.ask(1ms *
                   static_cast<std::int64_t>(std::clamp(*retry_ms, kRetryMsMin, kRetryMsMax)));
    }
    if (events_.overflowed()) lose("an event was too long");
  }

  static ReceivedGap gap_of(std::string_view data) {
    ReceivedGap gap{.reason = "unknown", .after = {}, .resumed = {}};
    const auto fields = text_fields(data);
    if (!fields) return gap;
    const auto text = [&](std::string_view name) {
      const auto found = fields->find(name);
      return found == fields->end() ? std::string() : found->second;
    };
    return {.reason = text("reason"), .after = text("after"), .resumed = text("resumed")};
  }

  void take_end_of_connection() {
    if (opened_) {
      lose(response_.ending() == h1::Ending::cut ? "the connection was cut" : "the stream ended");
    } else if (response_.head().status != 0 && response_.ending() != h1::Ending::cut) {
      conclude();
    } else {
      lose(fmt::format("{} closed the connection without an answer", endpoint_->name()));
    }
  }

  // A whole answer that is not a stream.
  void conclude() {
    const int status = response_.head().status;
    while (explanation_.ends_with('\n')) explanation_.pop_back();
    std::string why = fmt::format("{} answered with status {}{}{}", endpoint_->name(), status,
                                  explanation_.empty() ? "" : ": ", explanation_);
    if (status == 204) {
      socket_.close();
      finished_ = true;
    } else if (passing(status)) {
      lose(std::move(why));
    } else {
      refuse(std::move(why));
    }
  }

  void refuse(std::string why) {
    socket_.close();
    refusal_ = Error{Fault::refused, std::move(why)};
  }

  void lose(std::string why) {
    socket_.close();
    const Duration wait = backoff_.next();
    next_attempt_ = monotonic_now() + wait;
    items_.emplace_back(Lost{.why = std::move(why), .retry_in = wait});
  }

  const SubscriptionOptions options_;
  const Stop never_;
  const Stop* stop_;
  const std::expected<Endpoint, Error> endpoint_;
  std::string cursor_;
  Backoff backoff_;
  TimePoint next_attempt_{};
  Socket socket_;
  h1::ResponseParser response_;
  sse::Parser events_;
  bool opened_ = false;      // the answer's head was that of a stream
  bool finished_ = false;    // 204
  std::string explanation_;  // the body of an answer that is not a stream
  std::optional<Error> refusal_;
  TimePoint silent_at_{};  // without a byte until then, the connection is dead
  std::deque<Item> items_;
};

Subscription::Subscription(SubscriptionOptions options, const Stop* stop)
    : impl_(std::make_unique<Impl>(std::move(options), stop)) {}
Subscription::~Subscription() = default;
Subscription::Subscription(Subscription&&) noexcept = default;
Subscription& Subscription::operator=(Subscription&&) noexcept = default;

std::expected<Item, Error> Subscription::next(TimePoint deadline) {
  return impl_->next(deadline);
}

std::string_view Subscription::last_event_id() const {
  return impl_->cursor();
}

void Subscription::cut() {
  impl_->cut();
}

}  // namespace fanfare::client
