#include "tests/sim/application.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <optional>
#include <span>
#include <utility>

#include "tests/sim/text.h"

namespace fanfare::sim {
namespace {

// Between two pieces of what has no end.
constexpr Duration kPouring = 20ms;

// The value of a field that the broker forwards; empty: there is none.
std::string_view value_of(std::string_view head, std::string_view name) {
  const std::string line = fmt::format("\r\n{}: ", name);
  const auto found = std::ranges::search(head, line, [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? a + 32 : a) == (b >= 'A' && b <= 'Z' ? b + 32 : b);
  });
  if (found.empty()) return {};
  const std::string_view rest =
      head.substr(static_cast<std::size_t>(found.begin() - head.begin()) + line.size());
  return rest.substr(0, rest.find("\r\n"));
}

std::optional<std::size_t> number_of(std::string_view digits) {
  std::size_t number = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, number);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

}  // namespace

Application::Application(Town& town, std::string name, std::string place,
                         const ApplicationPlan& plan, Duration grace)
    : town_(town), name_(std::move(name)), place_(std::move(place)), plan_(plan), grace_(grace) {}

void Application::start() {
  if (listener_ || !plan_.listens) return;
  listener_ = town_.kernel.listen(Door::upstream, place_);
  town_.kernel.watch(*listener_, this);
  if (plan_.restarts_every > Duration(0))
    schedule(town_.kernel.somewhen(plan_.restarts_every), kRestart);
}

void Application::stop() {
  if (!listener_) return;
  town_.kernel.close_listener(*std::exchange(listener_, std::nullopt));
  // Half of an answer that names no length, and then a FIN, would be a whole one.
  for (Line& line : lines_) {
    const bool in_order = line.out.empty() && line.after != Speech::After::hangs;
    close(line, !in_order || random().chance(0.5));
  }
}

void Application::behave() {
  plan_ = ApplicationPlan::good();
  start();
}

void Application::schedule(Duration after, What what, std::size_t index) {
  town_.kernel.schedule(after, *this, what | (std::uint64_t{index} << 8U));
}

void Application::act(std::uint64_t what) {
  const std::size_t index = what >> 8U;
  switch (static_cast<What>(what & 0xffU)) {
    case kAnswer:
      return answer(index);
    case kSayOn:
      lines_[index].says_on = false;
      return say(index);
    case kBlurt:
      return blurt(index);
    case kStart:
      return start();
    case kRestart:
      if (plan_.restarts_every == Duration(0)) return;
      stop();
      return schedule(town_.kernel.somewhen(3s), kStart);
    case kOver:
      town_.guestbook.sayings[index].over_at_count = town_.ledger.count();
  }
}

void Application::complain(std::string_view problem) {
  town_.kernel.fail(fmt::format("asked: {} {}", name_, problem));
}

void Application::connection_waiting(int listener) {
  Line& line = lines_.emplace_back(Line{.socket = town_.kernel.claim(town_.kernel.take(listener))});
  line.socket->set_owner(this, static_cast<std::uint32_t>(lines_.size() - 1));
  if (random().chance(plan_.slams)) close(line, random().chance(0.5));
}

void Application::changed(Socket& socket) {
  const std::size_t index = socket.tag();
  while (lines_[index].socket != nullptr) {
    std::array<std::byte, 4096> bytes;
    const int got = socket.receive(bytes);
    if (got == -EAGAIN) break;
    if (got <= 0) return close(lines_[index], false);
    lines_[index].in.append(reinterpret_cast<const char*>(bytes.data()),
                            static_cast<std::size_t>(got));
  }
  take_requests(index);
  if (!lines_[index].says_on) say(index);
}

void Application::take_requests(std::size_t index) {
  Line& line = lines_[index];
  while (line.socket != nullptr) {
    const std::size_t end = line.in.find("\r\n\r\n");
    if (end == std::string::npos) return;
    const std::string head = line.in.substr(0, end + 4);
    const std::string_view length = value_of(head, "Content-Length");
    const std::size_t size = length.empty() ? 0 : number_of(length).value_or(0);
    if (line.in.size() < head.size() + size) return;
    const std::string body = line.in.substr(head.size(), size);
    line.in.erase(0, head.size() + size);
    take_request(index, head, body);
  }
}

void Application::take_request(std::size_t index, std::string_view head, std::string_view body) {
  Guestbook& book = town_.guestbook;
  const auto number = number_of(value_of(head, "Traceparent"));
  if (!number || *number >= book.visits.size()) return complain("was asked " + excerpt(head));
  Visit& visit = book.visits[*number];
  if (visit.body != body) complain(fmt::format("was asked with the body {}", excerpt(body)));
  visit.askings.push_back(town_.kernel.now());
  if (town_.kernel.faults().bug == PlantedBug::question_repeated && random().chance(0.01))
    visit.askings.push_back(town_.kernel.now());
  ++questions_;
  town_.kernel.report().trace(town_.kernel.now(), "{}: is asked about visit {}", name_, *number);
  Line& line = lines_[index];
  if (line.deaf || random().chance(plan_.silent)) return;
  if (line.visit) return complain("was asked before it had answered");
  line.visit = visit.number;
  schedule(town_.kernel.somewhen(plan_.delay_max), kAnswer, index);
}

void Application::answer(std::size_t index) {
  Line& line = lines_[index];
  if (line.socket == nullptr || line.deaf || !line.visit) return;
  Guestbook& book = town_.guestbook;
  const auto number = static_cast<std::uint32_t>(book.sayings.size());
  Visit& visit = book.visits[*std::exchange(line.visit, std::nullopt)];
  const bool mixed = town_.kernel.faults().bug == PlantedBug::guests_mixed;
  const Visit& meant = mixed ? book.visits[random().below(book.visits.size())] : visit;
  Speech speech = Speech::drawn(plan_, meant, number, random());
  speech.saying.visit = visit.number;
  speech.saying.said = town_.kernel.now();
  mistake(speech);
  const Saying& saying = book.say(std::move(speech.saying));
  const Duration behind = saying.finishes ? town_.stall_max : Duration(0);
  if (saying.ends) schedule(*saying.ends + grace_ + behind, kOver, number);
  town_.kernel.report().trace(town_.kernel.now(), "{}: says {} ({}) about visit {}", name_, number,
                              saying.kind == Saying::Kind::lets_in ? "comes in"
                              : saying.kind == Saying::Kind::answers
                                  ? fmt::format("{}", saying.status)
                                  : excerpt(speech.text),
                              visit.number);
  line.out += speech.text;
  line.more = speech.more;
  line.after = speech.after;
  line.deaf = speech.after != Speech::After::goes_on;
  say(index);
  if (random().chance(plan_.blurts)) schedule(town_.kernel.somewhen(1s), kBlurt, index);
}

void Application::mistake(Speech& speech) {
  Saying& saying = speech.saying;
  const bool lets_in = saying.kind == Saying::Kind::lets_in;
  switch (town_.kernel.faults().bug) {
    case PlantedBug::end_booked_early:
      if (lets_in) saying.ends = 1ms;
      break;
    case PlantedBug::finish_booked_late:
      if (saying.finishes) *saying.ends *= 10;
      break;
    case PlantedBug::refusal_booked:
      if (lets_in && random().chance(0.1)) saying.kind = Saying::Kind::nonsense;
      break;
    case PlantedBug::answer_mangled:
      if (!saying.body.empty()) saying.body.back() ^= 1;
      break;
    default:
      break;
  }
}

// Behind an answer, on its heels or when the connection is idle. What follows on such a connection
// may answer anything: it says nothing more.
void Application::blurt(std::size_t index) {
  Line& line = lines_[index];
  if (line.socket == nullptr || line.deaf || line.visit) return;
  Guestbook& book = town_.guestbook;
  Speech speech = Speech::unasked(static_cast<std::uint32_t>(book.sayings.size()), random());
  speech.saying.said = town_.kernel.now();
  book.say(std::move(speech.saying));
  line.out += speech.text;
  line.after = speech.after;
  line.deaf = true;
  say(index);
}

void Application::say(std::size_t index) {
  Line& line = lines_[index];
  if (line.socket == nullptr) return;
  if (!line.out.empty()) {
    const bool whole = plan_.pause_max == Duration(0) || random().chance(0.5);
    const std::size_t most = whole ? line.out.size() : 1 + random().below(line.out.size());
    const int sent = line.socket->send(std::as_bytes(std::span(line.out).first(most)));
    if (sent > 0) line.out.erase(0, static_cast<std::size_t>(sent));
    if (sent > 0 && !line.out.empty()) {
      line.says_on = true;
      return schedule(town_.kernel.somewhen(plan_.pause_max), kSayOn, index);
    }
    if (!line.out.empty()) return;  // when there is room
  }
  if (line.after == Speech::After::pours) {
    line.out = line.more;
    line.says_on = true;
    return schedule(town_.kernel.somewhen(kPouring), kSayOn, index);
  }
  if (line.after == Speech::After::closes) close(line, false);
  if (line.after == Speech::After::resets) close(line, true);
}

void Application::close(Line& line, bool reset) {
  if (line.socket != nullptr) std::exchange(line.socket, nullptr)->close(reset);
}

}  // namespace fanfare::sim
