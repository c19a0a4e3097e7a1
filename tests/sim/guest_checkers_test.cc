// Each checker of routes that ask applications, on guestbooks written by hand: one that is right,
// and one for every way to be wrong.
#include "tests/sim/guest_checkers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

namespace fanfare::sim {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class GuestCheckers : public testing::Test {
 protected:
  static TimePoint at(Duration time) { return TimePoint{} + time; }
  // A client asks; the references live as long as nobody else does.
  Visit& visit(Duration dialled) {
    Visit& visit = book_.begin({});
    visit.newcomers_only = true;
    visit.dialled = at(dialled);
    visit.said = at(dialled);
    return visit;
  }
  Saying& say(Visit& visit, Saying::Kind kind, Duration said) {
    visit.askings.push_back(at(said));
    Saying saying{.kind = kind};
    saying.visit = visit.number;
    saying.said = at(said);
    return book_.say(std::move(saying));
  }
  Saying& let_in(Visit& visit, Duration said) {
    Saying& saying = say(visit, Saying::Kind::lets_in, said);
    visit.answered = visit.attached = at(said + 10ms);
    return saying;
  }
  // Comes back with an id, and something of the stream comes.
  Visit& resume(Duration dialled) {
    Visit& again = visit(dialled);
    again.resumes = true;
    again.answered = again.attached = at(dialled + 10ms);
    return again;
  }
  Problems all() const { return check_guests(book_, rules_, at(1h * 24)); }

  GuestRules rules_{.upstream_time = 2s, .approval_age = 60s};
  Guestbook book_;
};

TEST_F(GuestCheckers, AcceptWhoIsLetInAndResumes) {
  let_in(visit(1s), 2s);
  resume(50s);
  EXPECT_THAT(all(), IsEmpty());
}

// ---- waits

TEST_F(GuestCheckers, SeeWhoWaitsForTooLong) {
  Visit& late = visit(1s);
  late.answered = at(1s + 2s + kGuestSlack);
  EXPECT_THAT(all(), IsEmpty());
  late.answered = at(1s + 2s + kGuestSlack + 1ms);
  EXPECT_THAT(all(), ElementsAre(HasSubstr("waits: visit 0 of client 0 has waited for 17.0 s")));
}

TEST_F(GuestCheckers, SeeWhoIsNeverAnswered) {
  Visit& forgotten = visit(1s);
  EXPECT_THAT(all(), ElementsAre(HasSubstr("waits: ")));
  forgotten.over = true;  // it has left
  EXPECT_THAT(all(), IsEmpty());
}

// ---- admission

TEST_F(GuestCheckers, SeeAStreamThatNobodyAllowed) {
  Visit& refused = visit(1s);
  say(refused, Saying::Kind::answers, 2s);
  refused.answered = at(3s);
  EXPECT_THAT(all(), IsEmpty());
  refused.attached = at(3s);
  EXPECT_THAT(all(), ElementsAre(HasSubstr("admission: visit 0 of client 0 has a stream")));
}

TEST_F(GuestCheckers, SeeAStreamThatBeginsBeforeTheApplicationHasSpoken) {
  Visit& early = visit(1s);
  let_in(early, 2s);
  early.answered = early.attached = at(1900ms);
  EXPECT_THAT(all(), ElementsAre(HasSubstr("admission: ")));
}

TEST_F(GuestCheckers, SeeThatAnothersPermissionIsNone) {
  let_in(visit(1s), 2s);
  resume(50s).client = 1;
  EXPECT_THAT(all(), ElementsAre(HasSubstr("admission: visit 1 of client 1")));
}

TEST_F(GuestCheckers, SeeThatPermissionsDieWithTheirBroker) {
  let_in(visit(1s), 2s);
  resume(50s).life = 1;
  EXPECT_THAT(all(), ElementsAre(HasSubstr("admission: ")));
}

TEST_F(GuestCheckers, SeeThatANewcomerIsNotResumed) {
  let_in(visit(1s), 2s);
  resume(50s).resumes = false;
  EXPECT_THAT(all(), ElementsAre(HasSubstr("admission: ")));
}

TEST_F(GuestCheckers, SeeThatARouteThatAsksAlwaysResumesNobody) {
  let_in(visit(1s), 2s);
  resume(50s).newcomers_only = false;
  EXPECT_THAT(all(), ElementsAre(HasSubstr("admission: ")));
}

TEST_F(GuestCheckers, SeeAPermissionThatIsTooOld) {
  let_in(visit(1s), 2s);
  resume(62010ms);
  EXPECT_THAT(all(), IsEmpty());
  resume(62011ms);
  EXPECT_THAT(all(), ElementsAre(HasSubstr("admission: visit 2 ")));
}

TEST_F(GuestCheckers, AcceptAPermissionThatTheBrokerHeardLate) {
  Visit& left = visit(1s);
  let_in(left, 2s);
  left.attached.reset();
  resume(62s + 2s + kLateTurn);
  EXPECT_THAT(all(), IsEmpty());
  resume(62001ms + 2s + kLateTurn);
  EXPECT_THAT(all(), ElementsAre(HasSubstr("admission: visit 2 ")));
}

TEST_F(GuestCheckers, SeeAPermissionThatHasExpired) {
  let_in(visit(1s), 2s).ends = 5s;
  resume(7010ms);
  EXPECT_THAT(all(), IsEmpty());
  resume(7011ms);
  EXPECT_THAT(all(), ElementsAre(HasSubstr("admission: visit 2 ")));
}

TEST_F(GuestCheckers, SeeAStreamThatOutlivesItsEnd) {
  Visit& guest = visit(1s);
  Saying& saying = let_in(guest, 2s);
  saying.ends = 5s;
  saying.over_at_count = 100;
  guest.newest = 99;
  EXPECT_THAT(all(), IsEmpty());
  guest.newest = 100;
  EXPECT_THAT(all(), ElementsAre(HasSubstr("admission: visit 0 of client 0 received publication")));
}

TEST_F(GuestCheckers, SeeAStreamThatIsCompleteBeforeItsTime) {
  Visit& guest = visit(1s);
  Saying& saying = let_in(guest, 2s);
  saying.ends = 5s;
  saying.finishes = true;
  guest.complete = at(7s);
  EXPECT_THAT(all(), IsEmpty());
  guest.complete = at(6999ms);
  EXPECT_THAT(all(), ElementsAre(HasSubstr("admission: visit 0 of client 0 has a complete")));
  guest.complete = at(7s);
  saying.finishes = false;
  EXPECT_THAT(all(), ElementsAre(HasSubstr("admission: "))) << "it was to be cut off";
}

TEST_F(GuestCheckers, AcceptEitherOfTwoAnswersAboutOneVisit) {
  Visit& guest = visit(1s);
  let_in(guest, 2s);
  Saying& second = let_in(guest, 3s);
  second.ends = 5s;
  second.finishes = true;
  guest.complete = at(8s);
  resume(20s);  // on the first of them
  let_in(resume(30s), 31s);
  EXPECT_THAT(all(), IsEmpty());
  book_.sayings[1].over_at_count = 100;
  book_.visits[0].newest = 100;
  EXPECT_THAT(all(), IsEmpty());
  book_.sayings[0].over_at_count = 90;
  EXPECT_THAT(all(), ElementsAre(HasSubstr("admission: visit 0 of client 0 received")));
}

// ---- asked

TEST_F(GuestCheckers, SeeAPostThatIsAskedAboutTwice) {
  Visit& post = visit(1s);
  post.post = true;
  let_in(post, 2s);
  EXPECT_THAT(all(), IsEmpty());
  post.askings.push_back(at(3s));
  EXPECT_THAT(all(), ElementsAre(HasSubstr("asked: an application was asked 2 times")));
}

TEST_F(GuestCheckers, AcceptAGetThatIsAskedAboutTwiceAndNotThreeTimes) {
  Visit& get = visit(1s);
  let_in(get, 2s);
  get.askings.push_back(at(3s));
  EXPECT_THAT(all(), IsEmpty());
  get.askings.push_back(at(4s));
  EXPECT_THAT(all(), ElementsAre(HasSubstr("asked: an application was asked 3 times")));
}

TEST_F(GuestCheckers, SeeAQuestionAboutSomebodyWhoWasLetInBefore) {
  let_in(visit(1s), 2s);
  let_in(resume(61s), 61900ms);
  EXPECT_THAT(all(), ElementsAre(HasSubstr("asked: an application was asked about visit 1 ")));
  rules_.approvals_fit = false;  // it may have been forgotten
  EXPECT_THAT(all(), IsEmpty());
}

TEST_F(GuestCheckers, AcceptAQuestionWhereTheLastPermissionIsOver) {
  let_in(visit(1s), 2s).ends = 5s;
  let_in(resume(6900ms), 7s);
  let_in(resume(90s), 91s);
  Visit& in_a_new_life = resume(92s);
  in_a_new_life.life = 1;
  let_in(in_a_new_life, 93s);
  EXPECT_THAT(all(), IsEmpty());
}

// ---- passed

TEST_F(GuestCheckers, SeeEveryWayInWhichAnAnswerIsAnother) {
  Visit& guest = visit(1s);
  Saying& saying = say(guest, Saying::Kind::answers, 2s);
  saying.status = 403;
  saying.fields = {{"x-odd", "a: b"}};
  saying.body = "no entry";
  guest.answered = at(3s);
  const Visit::Passed right{.saying = 0,
                            .status = 403,
                            .fields = {{"date", "today"}, {"x-odd", "a: b"}},
                            .body = "no entry",
                            .whole = true};
  const auto with = [&](auto change) {
    guest.passed = right;
    change(*guest.passed);
    return all();
  };
  using Passed = Visit::Passed;
  EXPECT_THAT(with([](Passed&) {}), IsEmpty());
  EXPECT_THAT(with([](Passed& p) { p.status = 200; }), ElementsAre(HasSubstr("passed: ")));
  EXPECT_THAT(with([](Passed& p) { p.fields[1].second = "a"; }), ElementsAre(HasSubstr("x-odd")));
  EXPECT_THAT(with([](Passed& p) { p.body = "no entrx"; }), ElementsAre(HasSubstr("body")));
  EXPECT_THAT(with([](Passed& p) { p.body = "no"; }), ElementsAre(HasSubstr("body")));
  EXPECT_THAT(with([](Passed& p) { p.saying = 1; }), ElementsAre(HasSubstr("no application")));
  const auto broke_off = [](Passed& p) { p.body = "no", p.whole = false; };
  EXPECT_THAT(with(broke_off), IsEmpty()) << "the client's own connection may break";
  saying.kind = Saying::Kind::nonsense;
  EXPECT_THAT(with([](Passed&) {}), ElementsAre(HasSubstr("an answer that is none")));
}

TEST_F(GuestCheckers, SeeAnAnswerThatIsForAnother) {
  say(visit(1s), Saying::Kind::answers, 2s);
  book_.visits[0].answered = at(2s);
  Visit& other = visit(1s);
  other.answered = at(2s);
  other.passed = Visit::Passed{.saying = 0, .whole = true};
  EXPECT_THAT(all(), ElementsAre(HasSubstr("the answer about visit 0 of client 0")));
  book_.sayings[0].visit.reset();  // nobody had asked: it may answer whatever comes next
  EXPECT_THAT(all(), IsEmpty());
}

}  // namespace
}  // namespace fanfare::sim
