#include "tests/sim/guest_checkers.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "tests/sim/text.h"

namespace fanfare::sim {
namespace {

constexpr auto kLetsIn = Saying::Kind::lets_in;
constexpr std::size_t kGetAskedMax = 2;

std::string text_of(const Visit& visit) {
  return fmt::format("visit {} of client {}", visit.number, visit.client);
}

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

using Sayings = std::vector<const Saying*>;

// All that applications said before `moment` to let the visit in. (They may be asked twice.)
Sayings let_in(const Guestbook& book, const Visit& visit, TimePoint moment) {
  Sayings found;
  for (const std::uint32_t number : visit.sayings) {
    const Saying& saying = book.sayings[number];
    if (saying.kind == kLetsIn && saying.said <= moment) found.push_back(&saying);
  }
  return found;
}

// Both are visits of one client to one broker.
bool comes_before(const Visit& before, const Visit& visit) {
  return before.number < visit.number && before.client == visit.client && before.life == visit.life;
}

// The answers on which a client that presents an id may have been let in once more.
Sayings remembered(const Guestbook& book, const Visit& visit, const GuestRules& rules) {
  Sayings found;
  if (!visit.newcomers_only || !visit.resumes) return found;
  for (const Visit& before : book.visits) {
    if (!comes_before(before, visit)) continue;
    for (const Saying* const saying : let_in(book, before, *visit.attached)) {
      // The broker has heard of it later than it was said, but while it still waited, and before
      // its client did.
      TimePoint heard = saying->said + rules.upstream_time + kLateTurn;
      if (before.attached) heard = std::min(heard, *before.attached);
      const Duration age = visit.dialled - heard;
      if (age <= rules.approval_age && (!saying->ends || age <= *saying->ends))
        found.push_back(saying);
    }
  }
  return found;
}

// What the stream of a visit stands on; none: nobody has let it in.
Sayings grounds_of(const Guestbook& book, const Visit& visit, const GuestRules& rules) {
  Sayings own = let_in(book, visit, *visit.attached);
  return own.empty() ? remembered(book, visit, rules) : own;
}

// The longest of them is over, and something came after that.
bool outlived(const Visit& visit, const Sayings& grounds) {
  return std::ranges::all_of(grounds, [&](const Saying* saying) {
    return saying->over_at_count && visit.newest >= saying->over_at_count;
  });
}

// The shortest of them was not over, and the stream was complete.
bool ended_early(const Visit& visit, const Sayings& grounds) {
  return visit.complete && std::ranges::none_of(grounds, [&](const Saying* saying) {
           return saying->finishes && saying->said + *saying->ends <= *visit.complete;
         });
}

// The broker still knows, at that moment, that an application has let the client in: the last that
// was said of it holds.
bool known_before(const Guestbook& book, const Visit& visit, TimePoint asked,
                  const GuestRules& rules) {
  bool known = false;
  for (const Visit& before : book.visits) {
    if (!comes_before(before, visit)) continue;
    const Sayings sayings = let_in(book, before, asked);
    const bool hold = std::ranges::all_of(sayings, [&](const Saying* saying) {
      const Duration age = asked - saying->said;
      return age < rules.approval_age && (!saying->ends || age < *saying->ends);
    });
    known = hold && (known || (before.attached && !sayings.empty()));
  }
  return known;
}

}  // namespace

Problems check_waits(const Guestbook& book, const GuestRules& rules, TimePoint now) {
  Problems problems;
  for (const Visit& visit : book.visits) {
    if (!visit.said || visit.over) continue;
    const Duration waited = visit.answered.value_or(now) - *visit.said;
    if (waited > rules.upstream_time + kGuestSlack)
      problems.push_back(
          fmt::format("waits: {} has waited for {:.1f} s where upstream_time is {:.1f} s",
                      text_of(visit), seconds(waited), seconds(rules.upstream_time)));
  }
  return problems;
}

Problems check_admissions(const Guestbook& book, const GuestRules& rules) {
  Problems problems;
  for (const Visit& visit : book.visits) {
    if (!visit.attached) continue;
    const Sayings grounds = grounds_of(book, visit, rules);
    const auto complain = [&](std::string_view what) {
      problems.push_back(fmt::format("admission: {} {}", text_of(visit), what));
    };
    if (grounds.empty()) {
      complain("has a stream, but no application let it in");
    } else if (outlived(visit, grounds)) {
      const Saying& last = *grounds.back();
      complain(
          fmt::format("received publication {}, but its stream was to end after {:.1f} s, "
                      "before publication {}",
                      *visit.newest, seconds(*last.ends), *last.over_at_count));
    } else if (ended_early(visit, grounds)) {
      complain("has a complete stream, and was to have more of it");
    }
  }
  return problems;
}

Problems check_askings(const Guestbook& book, const GuestRules& rules) {
  Problems problems;
  for (const Visit& visit : book.visits) {
    if (visit.askings.size() > (visit.post ? 1 : kGetAskedMax))
      problems.push_back(fmt::format("asked: an application was asked {} times about {}{}",
                                     visit.askings.size(), text_of(visit),
                                     visit.post ? ", which is a POST" : ""));
    if (visit.askings.empty() || !visit.newcomers_only || !visit.resumes || !rules.approvals_fit)
      continue;
    if (known_before(book, visit, visit.askings.front(), rules))
      problems.push_back(fmt::format(
          "asked: an application was asked about {}, which it had let in before", text_of(visit)));
  }
  return problems;
}

Problems check_passed(const Guestbook& book) {
  Problems problems;
  for (const Visit& visit : book.visits) {
    if (!visit.passed) continue;
    const Visit::Passed& passed = *visit.passed;
    const auto complain = [&](std::string_view what) {
      problems.push_back(fmt::format("passed: {} was answered with {}", text_of(visit), what));
    };
    if (passed.saying >= book.sayings.size()) {
      complain("what no application has said");
      continue;
    }
    const Saying& said = book.sayings[passed.saying];
    if (said.kind != Saying::Kind::answers) complain("an answer that is none");
    if (said.visit && *said.visit != visit.number)
      complain(fmt::format("the answer about {}", text_of(book.visits[*said.visit])));
    if (passed.status != said.status)
      complain(fmt::format("{}, and the application said {}", passed.status, said.status));
    for (const auto& field : said.fields) {
      if (std::ranges::find(passed.fields, field) == passed.fields.end())
        complain(fmt::format("no \"{}: {}\"", field.first, field.second));
    }
    const bool same = passed.whole ? passed.body == said.body : said.body.starts_with(passed.body);
    if (!same) complain(fmt::format("another body: {}", excerpt(passed.body)));
  }
  return problems;
}

Problems check_guests(const Guestbook& book, const GuestRules& rules, TimePoint now) {
  Problems problems = check_waits(book, rules, now);
  for (const auto& more :
       {check_admissions(book, rules), check_askings(book, rules), check_passed(book)})
    problems.insert(problems.end(), more.begin(), more.end());
  return problems;
}

}  // namespace fanfare::sim
