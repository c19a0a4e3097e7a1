#include "tests/sim/guest.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace fanfare::sim {
namespace {

// "7", or "7s1" of the second stream of a page: different numbers for different clients.
std::uint32_t number_of(std::string_view tag) {
  constexpr std::uint32_t kStreamsMax = 100;
  std::uint32_t client = 0;
  const char* const end = tag.data() + tag.size();
  const char* const rest = std::from_chars(tag.data(), end, client).ptr;
  if (rest == end) return client;
  std::uint32_t stream = 0;
  std::from_chars(rest + 1, end, stream);
  return (1U << 20U) + client * kStreamsMax + stream;
}

}  // namespace

Guest::Guest(Town& town, std::string_view name, const ReaderPlan& plan)
    : town_(town), plan_(plan), tag_(name.substr(name.rfind(' ') + 1)) {}

void Guest::begin(std::string_view presented) {
  Visit visit;
  visit.client = number_of(tag_);
  visit.life = town_.ledger.life();
  visit.newcomers_only = plan_.asks == ReaderPlan::Asks::when_new;
  visit.post = plan_.post;
  visit.resumes = !presented.empty();
  visit.topics = plan_.topics;
  visit.body = body();
  if (plan_.application_says) {
    if (plan_.first == Asked::replay)
      visit.terms += fmt::format("Fanfare-Replay: {}\r\n", plan_.replay);
    if (plan_.heartbeat_s)
      visit.terms += fmt::format("Fanfare-Heartbeat: {}s\r\n", *plan_.heartbeat_s);
  }
  visit.dialled = town_.kernel.now();
  visit_ = town_.guestbook.begin(std::move(visit)).number;
}

std::string Guest::url(std::string_view presented) const {
  std::string url = fmt::format("{}?u={}", plan_.path, tag_);
  if (plan_.raw) url += "&format=raw";
  if (!plan_.application_says) {
    if (plan_.heartbeat_s) url += fmt::format("&heartbeat={}s", *plan_.heartbeat_s);
    if (plan_.first == Asked::replay) url += fmt::format("&replay={}", plan_.replay);
  }
  const bool in_query = plan_.cursor_by == ReaderPlan::Cursor::query;
  if (in_query && !presented.empty() && presented[0] != '\xe4') {
    url += fmt::format("&lastEventId={}", presented);
  } else if (plan_.first == Asked::earliest) {
    url += "&last_event_id=earliest";
  }
  return url;
}

std::string Guest::body() const {
  if (!plan_.post) return {};
  return fmt::format(R"({{"prompt":"{}"}})", std::string(plan_.body_bytes, tag_[0]));
}

std::string Guest::request(std::string_view presented) {
  std::string fields = fmt::format("Host: broker\r\nCookie: session={}\r\n", tag_);
  if (plan_.browser)
    fields += "Accept: text/event-stream\r\nCache-Control: no-cache\r\nAccept-Encoding: gzip\r\n";
  const std::string target = url(presented);
  if (!presented.empty() && target.find("lastEventId") == std::string::npos)
    fields += fmt::format("Last-Event-ID: {}\r\n", presented);
  // It is no part of what makes two requests the same.
  fields += fmt::format("Traceparent: {}\r\n", *visit_);
  if (plan_.post)
    fields += fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n",
                          visit().body.size());
  return fmt::format("{} {} HTTP/1.{}\r\n{}\r\n{}", plan_.post ? "POST" : "GET", target,
                     plan_.http10 ? 0 : 1, fields, visit().body);
}

void Guest::said() {
  visit().said = town_.kernel.now();
}

void Guest::answered() {
  if (!visit().answered) visit().answered = town_.kernel.now();
}

void Guest::attached(std::optional<std::uint32_t> publication) {
  if (!visit().attached) visit().attached = town_.kernel.now();
  if (publication) visit().newest = std::max(visit().newest.value_or(0), *publication);
}

void Guest::passed(int status, Fields fields, std::string body, bool whole) {
  Visit::Passed passed{.saying = ~std::uint32_t{0}};
  const auto number = std::ranges::find(fields, "x-answer", &Fields::value_type::first);
  if (number != fields.end()) {
    const std::string& text = number->second;
    std::from_chars(text.data(), text.data() + text.size(), passed.saying);
  }
  passed.status = status;
  passed.fields = std::move(fields);
  passed.body = std::move(body);
  passed.whole = whole;
  visit().passed = std::move(passed);
}

void Guest::over() {
  if (visit_ && !visit().answered) visit().over = true;
}

void Guest::complete() {
  visit().complete = town_.kernel.now();
}

// About this client, on any of its visits.
template <class Function>
bool Guest::any_saying(const Function& holds) const {
  const Guestbook& book = town_.guestbook;
  return std::ranges::any_of(book.sayings, [&](const Saying& saying) {
    return saying.visit && book.visits[*saying.visit].client == book.visits[*visit_].client &&
           holds(saying);
  });
}

bool Guest::may_finish() const {
  return any_saying([](const Saying& saying) { return saying.finishes; });
}

bool Guest::may_end() const {
  return any_saying([](const Saying& saying) { return saying.ends.has_value(); });
}

}  // namespace fanfare::sim
