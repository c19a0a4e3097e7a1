#include "tests/sim/application_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>
#include <utility>

namespace fanfare::sim {
namespace {

using After = Speech::After;
using Kind = Saying::Kind;

double rate(Random& random, double off, double max) {
  return random.chance(off) ? 0 : max * static_cast<double>(1 + random.below(100)) / 100;
}

Duration time_up_to(Random& random, Duration max) {
  return Duration(static_cast<std::int64_t>(
      random.below(static_cast<std::uint64_t>(std::max(max, Duration(0)).count()) + 1)));
}

std::string made_up(Random& random, std::size_t size) {
  std::string text;
  while (text.size() < size)
    text += random.chance(0.1) ? "\r\n0\r\n\r\n" : std::string(1 + random.below(20), 'p');
  text.resize(size);
  return text;
}

// The body in one of the ways in which HTTP/1.1 delimits one.
void append_body(Speech& speech, std::string_view body, Random& random) {
  const std::uint64_t form = random.below(5);
  if (form == 0) {
    speech.text += fmt::format("\r\n{}", body);
    speech.after = After::closes;
    return;
  }
  if (form > 2) {
    speech.text += fmt::format("Content-Length: {}\r\n\r\n{}", body.size(), body);
    return;
  }
  speech.text += "Transfer-Encoding: chunked\r\n\r\n";
  while (!body.empty()) {
    const std::string_view chunk = body.substr(0, 1 + random.below(body.size()));
    body.remove_prefix(chunk.size());
    speech.text += fmt::format("{:x}\r\n{}\r\n", chunk.size(), chunk);
  }
  speech.text += "0\r\n\r\n";
}

Speech lets_in(const ApplicationPlan& plan, const Visit& visit, Random& random) {
  Speech speech;
  speech.saying.kind = Kind::lets_in;
  speech.text = random.chance(0.1) ? "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" : "";
  speech.text += fmt::format("HTTP/1.1 {}\r\n", random.chance(0.2) ? "201 Created" : "200 OK");
  std::string list;
  for (const std::string& topic : visit.topics)
    list += fmt::format("{}{}", list.empty() ? "" : ", ", topic);
  speech.text += fmt::format("Fanfare-Channels: {}\r\n{}", list, visit.terms);
  if (random.chance(plan.limits)) {
    const auto milliseconds = 200 + random.below(6'000);
    speech.saying.ends = 1ms * milliseconds;
    speech.saying.finishes = random.chance(0.5);
    speech.text += fmt::format("Fanfare-{}: {}ms\r\n",
                               speech.saying.finishes ? "Finish-After" : "Expires", milliseconds);
  }
  append_body(speech, random.chance(0.5) ? "" : made_up(random, random.below(400)), random);
  return speech;
}

// Any answer that has no channels.
Speech answers(std::uint32_t number, Random& random) {
  constexpr std::pair<int, std::string_view> kStatuses[] = {
      {200, "OK"},        {204, "No Content"}, {302, "Found"}, {401, "Unauthorized"},
      {403, "Forbidden"}, {404, "Not Found"},  {500, "Oops"}};
  const auto [status, reason] = kStatuses[random.below(std::size(kStatuses))];
  Speech speech;
  Saying& saying = speech.saying;
  saying.kind = Kind::answers;
  saying.status = status;
  if (status != 204) saying.body = made_up(random, random.below(random.chance(0.2) ? 6'000 : 300));
  saying.fields = {{"x-answer", fmt::format("{}", number)},
                   {"content-type", "text/plain; charset=utf-8"},
                   {"x-odd", fmt::format("a: b, \"c\" {};", std::string(random.below(200), ' '))}};
  if (status == 302) saying.fields.emplace_back("location", "/login?next=%2Fask");
  if (random.chance(0.3)) {
    saying.fields.emplace_back("set-cookie", "a=b; Path=/");
    saying.fields.emplace_back("set-cookie", "c=d");
  }
  speech.text = fmt::format("HTTP/1.1 {} {}\r\n", status, reason);
  for (const auto& [name, value] : saying.fields)
    speech.text += fmt::format("{}: {}\r\n", name, value);
  if (status == 204) {
    speech.text += "\r\n";
  } else {
    append_body(speech, saying.body, random);
  }
  return speech;
}

std::string many_fields() {
  std::string text = "HTTP/1.1 200 OK\r\nFanfare-Channels: news\r\n";
  for (int i = 0; i < 300; ++i) text += fmt::format("X-Field-{}: {}\r\n", i, i);
  return text + "Content-Length: 0\r\n\r\n";
}

std::string many_channels() {
  std::string text = "HTTP/1.1 200 OK\r\nFanfare-Channels: c0";
  for (int i = 1; i < 200; ++i) text += fmt::format(", c{}", i);
  return text + "\r\nContent-Length: 0\r\n\r\n";
}

std::string nonsense_text(Random& random) {
  constexpr std::string_view kNonsense[] = {
      "SSH-2.0-OpenSSH\r\n",
      "HTTP/1.1 200",
      "HTTP/2 200\r\n\r\n",
      "HTTP/1.1 999 What\r\n\r\n",
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\nnot a gigabyte",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\nFanfare-Channels: news\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
      "HTTP/1.1 200 OK\r\nFanfare-Channels: news\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nx",
      "HTTP/1.1 200 OK\r\nFanfare-Channels: news\r\nContent-Length: 100\r\n\r\nhalf",
      "HTTP/1.1 200 OK\r\nFanfare-Channels: \r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nFanfare-Channels: not a name\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nFanfare-Channels: news, ~own\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nFanfare-Channels: news\r\nFanfare-Expires: -5s\r\nContent-Length: "
      "0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nFanfare-Channels: news\r\nFanfare-Expires: 0s\r\nContent-Length: "
      "0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nFanfare-Channels: news\r\nFanfare-Expires: Thu, 01 Jan 1970 00:00:00 "
      "GMT\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nFanfare-Channels: news\r\nFanfare-Replay: all\r\nContent-Length: "
      "0\r\n\r\n",
  };
  switch (random.below(6)) {
    case 0:
      return many_fields();
    case 1:
      return many_channels();
    case 2:
      return fmt::format("HTTP/1.1 200 OK\r\nX-Long: {}", std::string(40'000, 'x'));
    case 3: {
      std::string bytes;
      for (std::uint64_t i = 1 + random.below(300); i > 0; --i)
        bytes += random.chance(0.1) ? '\n' : static_cast<char>(random.below(256));
      return "!" + bytes;
    }
    default:
      return std::string(kNonsense[random.below(std::size(kNonsense))]);
  }
}

// What never ends: a head, a body in each of its forms, and answers that announce another.
Speech endless(Random& random) {
  static const std::string kMuch(1'000, 'x');
  constexpr std::string_view kChunk = "8\r\nendless \r\n";
  constexpr std::string_view kLetIn = "HTTP/1.1 200 OK\r\nFanfare-Channels: news\r\n";
  Speech speech{.after = After::pours, .saying = {.kind = Kind::nonsense}};
  switch (random.below(5)) {
    case 0:
      speech.text = kLetIn;
      speech.more = "X-More: and more\r\n";
      break;
    case 1:
      speech.text = fmt::format("{}\r\n", kLetIn);
      speech.more = kMuch;
      break;
    case 2:
      speech.text = fmt::format("{}Transfer-Encoding: chunked\r\n\r\n", kLetIn);
      speech.more = kChunk;
      break;
    case 3:
      speech.text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n";
      speech.more = kMuch;
      break;
    default:
      speech.more = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
  }
  return speech;
}

}  // namespace

ApplicationPlan ApplicationPlan::drawn(Random& random, Duration upstream_time) {
  ApplicationPlan plan;
  plan.refuses = rate(random, 0.3, 0.3);
  plan.limits = rate(random, 0.5, 0.5);
  plan.closes = rate(random, 0.5, 0.3);
  plan.pause_max = random.chance(0.5) ? Duration(0) : time_up_to(random, upstream_time / 4);
  plan.delay_max = time_up_to(random, upstream_time / 10);
  switch (random.below(8)) {
    case 0:
      break;
    case 1:  // slow: some answers come too late
      plan.delay_max = time_up_to(random, 2 * upstream_time);
      break;
    case 2:  // dead, and its port with it
      plan.listens = false;
      break;
    case 3:  // dead, and its port is not
      plan.silent = random.chance(0.5) ? 1 : rate(random, 0, 0.9);
      break;
    case 4:
    case 5:
      plan.lies = rate(random, 0, 0.9);
      plan.slams = rate(random, 0.5, 0.3);
      plan.blurts = rate(random, 0.3, 0.3);
      plan.cuts = rate(random, 0.3, 0.3);
      break;
    case 6:
      plan.restarts_every = 500ms + time_up_to(random, 8s);
      plan.cuts = rate(random, 0.3, 0.3);
      break;
    default:  // a little of everything
      plan.silent = plan.lies = plan.cuts = plan.blurts = rate(random, 0, 0.15);
      plan.restarts_every = 2s + time_up_to(random, 20s);
  }
  return plan;
}

Speech Speech::drawn(const ApplicationPlan& plan, const Visit& visit, std::uint32_t number,
                     Random& random) {
  Speech speech;
  if (random.chance(plan.lies)) {
    if (random.chance(0.2)) return endless(random);
    speech.text = nonsense_text(random);
    speech.saying.kind = Kind::nonsense;
    constexpr std::array kAfter = {After::closes, After::resets, After::hangs};
    speech.after = kAfter[random.below(kAfter.size())];
    return speech;
  }
  speech = random.chance(plan.refuses) ? answers(number, random) : lets_in(plan, visit, random);
  if (random.chance(plan.closes)) speech.after = After::closes;
  if (random.chance(plan.cuts)) {
    speech.text.resize(random.below(speech.text.size()));
    speech.saying.kind = Kind::nonsense;
    speech.after = random.chance(0.5) ? After::resets : After::hangs;
  }
  return speech;
}

Speech Speech::unasked(std::uint32_t number, Random& random) {
  Speech speech = answers(number, random);
  speech.after = random.chance(0.5) ? After::closes : After::hangs;
  return speech;
}

}  // namespace fanfare::sim
