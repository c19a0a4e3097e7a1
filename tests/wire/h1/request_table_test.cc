// Our parser against the table of request_cases.h, each case on every split: the same verdict, the
// same words of refusal at the same byte, the same bodies.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>

#include "broker/wire/h1/request_parser.h"
#include "tests/wire/h1/request_cases.h"
#include "tests/wire/split.h"

namespace fanfare::h1 {
namespace {

struct Judgement {
  std::string verdict;
  std::string details;  // everything else that must not depend on the split
  friend bool operator==(const Judgement&, const Judgement&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Judgement& judgement) {
    return out << judgement.verdict << "\n" << judgement.details;
  }
};

std::string describe(const http::RequestHead& head) {
  std::string text(head.method_text);
  text.append(" ").append(head.target).append(" path=").append(head.path);
  text.append(" query=").append(head.query).append(" authority=").append(head.authority);
  text.append(" 1.").append(std::to_string(head.minor_version));
  for (const http::Field& field : head.fields) {
    text.append(" [").append(field.name).append("=").append(field.value).append("]");
  }
  return text + "\n";
}

class Judge {
 public:
  void take(std::string_view input) {
    for (bool more = false; !more && !refused_;) {
      const Step step = parser_.step(input);
      input.remove_prefix(step.consumed);
      consumed_ += step.consumed;
      switch (step.kind) {
        case Step::Kind::more:
          more = true;
          break;
        case Step::Kind::head:
          judgement_.details += describe(parser_.head());
          break;
        case Step::Kind::body:
          body_ += step.body;
          break;
        case Step::Kind::end:
          add(body_.empty() ? "ok" : "ok(" + body_ + ")");
          body_.clear();
          parser_.reset();
          break;
        case Step::Kind::refused:
          add(std::to_string(parser_.refusal().status));
          judgement_.details += "at " + std::to_string(consumed_) + ": ";
          judgement_.details += parser_.refusal().reason;
          EXPECT_TRUE(parser_.refusal().close);
          EXPECT_EQ(parser_.persistence(), Persistence::close);
          EXPECT_EQ(parser_.step(input).kind, Step::Kind::refused);
          refused_ = true;
          break;
      }
    }
    EXPECT_TRUE(refused_ || input.empty());
  }

  Judgement judgement() {
    if (!refused_ && parser_.begun()) add("more");
    return judgement_;
  }

 private:
  void add(std::string_view word) {
    if (!judgement_.verdict.empty()) judgement_.verdict += " ";
    judgement_.verdict += word;
  }

  RequestParser parser_{kTableLimits};
  std::size_t consumed_ = 0;
  bool refused_ = false;
  std::string body_;
  Judgement judgement_;
};

void hold_to(const std::vector<Case>& cases) {
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    const Judgement judgement =
        wire_test::expect_same_for_every_split(one.input, [&one](const wire_test::Cuts& cuts) {
          Judge judge;
          wire_test::feed_in_pieces(one.input, cuts,
                                    [&judge](std::string_view piece) { judge.take(piece); });
          return judge.judgement();
        });
    EXPECT_EQ(judgement.verdict, one.verdict) << judgement.details;
  }
}

TEST(RequestTable, RequestLines) {
  hold_to(request_line_cases());
}
TEST(RequestTable, Targets) {
  hold_to(target_cases());
}
TEST(RequestTable, R2Fields) {
  hold_to(field_cases());
}
TEST(RequestTable, Hosts) {
  hold_to(host_cases());
}
TEST(RequestTable, Framing) {
  hold_to(framing_cases());
}
TEST(RequestTable, Chunks) {
  hold_to(chunk_cases());
}
TEST(RequestTable, Pipelining) {
  hold_to(pipeline_cases());
}

// What `parser` has read of a head that it refuses, given in these pieces; empty if it refuses
// none.
std::string origin_of_refused_head(std::string_view input, const wire_test::Cuts& cuts) {
  RequestParser parser(kTableLimits);
  std::string origin;
  bool over = false;
  wire_test::feed_in_pieces(input, cuts, [&](std::string_view piece) {
    while (!over) {
      const Step step = parser.step(piece);
      piece.remove_prefix(step.consumed);
      over = step.kind == Step::Kind::refused || step.kind == Step::Kind::head;
      if (step.kind == Step::Kind::refused) origin = parser.head().value("origin");
      if (step.kind == Step::Kind::more) return;
    }
  });
  return origin;
}

// A browser shows its page the reason only if the answer names the page's origin.
TEST(RequestTable, ARefusedHeadShowsTheOriginThatWasReadBefore) {
  constexpr std::string_view kOrigin = "Origin: https://a.example\r\n";
  std::size_t refused = 0;
  for (const auto& cases : {field_cases(), host_cases(), framing_cases()}) {
    for (const Case& one : cases) {
      if (!one.verdict.starts_with('4') && !one.verdict.starts_with('5')) continue;
      const std::size_t line = one.input.find("\r\n");
      if (line == std::string::npos) continue;
      SCOPED_TRACE(one.name);
      std::string input = one.input;
      input.insert(line + 2, kOrigin);
      const std::string origin = wire_test::expect_same_for_every_split(
          input,
          [&input](const wire_test::Cuts& cuts) { return origin_of_refused_head(input, cuts); });
      EXPECT_EQ(origin, "https://a.example");
      ++refused;
    }
  }
  EXPECT_GT(refused, 50U);
}

TEST(RequestTable, AMethodThatIsTooLongIsRefusedBehindTheOrigin) {
  const std::string input = run_of(17, 'M') + " / HTTP/1.1\r\nHost: a\r\nOrigin: o\r\n\r\n";
  EXPECT_EQ(wire_test::expect_same_for_every_split(input,
                                                   [&input](const wire_test::Cuts& cuts) {
                                                     return origin_of_refused_head(input, cuts);
                                                   }),
            "o");
}

TEST(RequestTable, HasNoTwoCasesOfOneName) {
  std::set<std::string> names;
  for (const Case& one : all_cases()) EXPECT_TRUE(names.insert(one.name).second) << one.name;
  EXPECT_GE(names.size(), 250U);
}

}  // namespace
}  // namespace fanfare::h1
