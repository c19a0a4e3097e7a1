// CORS: the exact response fields for every combination of what is configured and what is asked.
#include "broker/policy/cors.h"

#include <gtest/gtest.h>

#include <string>

namespace fanfare::policy {
namespace {

// "refused: Vary: Origin | ..."
std::string shown(const CorsAnswer& answer) {
  std::string text = answer.verdict == CorsVerdict::allowed   ? "allowed:"
                     : answer.verdict == CorsVerdict::refused ? "refused:"
                                                              : "not asked:";
  for (const auto& [name, value] : answer.fields.all()) {
    text += " " + std::string(name) + ": " + std::string(value) + " |";
  }
  return text;
}

const CorsRules kNone;
const CorsRules kAll{.origins = {"*"}};
const CorsRules kTwo{.origins = {"https://a.example", "http://localhost:3000"}};
const CorsRules kTwoWithCredentials{.origins = kTwo.origins, .credentials = true};
const CorsRules kMixed{.origins = {"*", "https://a.example"}, .credentials = true};

TEST(Cors, ReflectsOnlyListedOrigins) {
  EXPECT_EQ(shown(cors_answer(kTwo, "https://a.example")),
            "allowed: Vary: Origin | Access-Control-Allow-Origin: https://a.example | "
            "Access-Control-Expose-Headers: Last-Event-ID |");
  EXPECT_EQ(shown(cors_answer(kTwo, "http://localhost:3000")),
            "allowed: Vary: Origin | Access-Control-Allow-Origin: http://localhost:3000 | "
            "Access-Control-Expose-Headers: Last-Event-ID |");
  for (const char* origin : {"http://a.example", "https://a.example:8443", "https://a.example.evil",
                             "https://evil", "null", "*", "https://A.example"}) {
    EXPECT_EQ(shown(cors_answer(kTwo, origin)), "refused: Vary: Origin |") << origin;
  }
}

TEST(Cors, TellsCachesThatTheAnswerVariesEvenWhenNobodyAsked) {
  EXPECT_EQ(shown(cors_answer(kTwo, "")), "not asked: Vary: Origin |");
  EXPECT_EQ(shown(cors_answer(kAll, "")), "not asked:");
  EXPECT_EQ(shown(cors_answer(kNone, "")), "not asked:");
}

TEST(Cors, AllowsCredentialsOnlyToAnExactOrigin) {
  EXPECT_EQ(
      shown(cors_answer(kTwoWithCredentials, "https://a.example")),
      "allowed: Vary: Origin | Access-Control-Allow-Origin: https://a.example | "
      "Access-Control-Allow-Credentials: true | Access-Control-Expose-Headers: Last-Event-ID |");
  EXPECT_EQ(
      shown(cors_answer(kMixed, "https://a.example")),
      "allowed: Vary: Origin | Access-Control-Allow-Origin: https://a.example | "
      "Access-Control-Allow-Credentials: true | Access-Control-Expose-Headers: Last-Event-ID |");
  EXPECT_EQ(shown(cors_answer(kMixed, "https://b.example")),
            "allowed: Vary: Origin | Access-Control-Allow-Origin: * | "
            "Access-Control-Expose-Headers: Last-Event-ID |");
  const CorsRules all_with_credentials{.origins = {"*"}, .credentials = true};
  EXPECT_EQ(shown(cors_answer(all_with_credentials, "https://a.example")),
            "allowed: Access-Control-Allow-Origin: * | "
            "Access-Control-Expose-Headers: Last-Event-ID |");
}

TEST(Cors, AllowsEveryoneWithAStar) {
  for (const char* origin : {"https://a.example", "null"}) {
    EXPECT_EQ(shown(cors_answer(kAll, origin)),
              "allowed: Access-Control-Allow-Origin: * | "
              "Access-Control-Expose-Headers: Last-Event-ID |");
  }
}

TEST(Cors, AllowsNobodyWithoutConfiguration) {
  EXPECT_EQ(shown(cors_answer(kNone, "https://a.example")), "refused:");
  EXPECT_EQ(shown(cors_preflight(kNone, "https://a.example")), "refused:");
}

TEST(Cors, AnswersAPreflight) {
  EXPECT_EQ(shown(cors_preflight(kTwoWithCredentials, "https://a.example")),
            "allowed: Vary: Origin | Access-Control-Allow-Origin: https://a.example | "
            "Access-Control-Allow-Credentials: true | "
            "Access-Control-Allow-Methods: GET, POST, HEAD, OPTIONS | "
            "Access-Control-Allow-Headers: authorization, cache-control, content-type, "
            "last-event-id, accept | Access-Control-Max-Age: 86400 |");
  EXPECT_EQ(shown(cors_preflight(kTwo, "https://evil")), "refused: Vary: Origin |");
  EXPECT_EQ(shown(cors_preflight(kTwo, "")), "not asked: Vary: Origin |");
}

TEST(Cors, FindsOriginsThatNoBrowserWouldSend) {
  for (const char* origin :
       {"*", "null", "https://a.example", "http://localhost:3000", "http://[::1]:8080",
        "chrome-extension://abc", "http://a.example:443"}) {
    EXPECT_EQ(origin_problem(origin), "") << origin;
  }
  EXPECT_EQ(
      origin_problem("a.example"),
      R"("a.example" is not an origin: write the scheme too, as in "https://app.example.com")");
  EXPECT_EQ(origin_problem("https://a.example/"),
            R"("https://a.example/" is more than an origin: browsers send no path, write )"
            R"("https://a.example")");
  EXPECT_EQ(origin_problem("https://A.example"),
            R"("https://A.example": browsers send origins in lower case, write )"
            R"("https://a.example")");
  EXPECT_EQ(origin_problem("https://a.example:443"),
            R"("https://a.example:443": browsers leave out the default port, write )"
            R"("https://a.example")");
  EXPECT_EQ(origin_problem("http://a:80"),
            R"("http://a:80": browsers leave out the default port, write "http://a")");
  EXPECT_EQ(
      origin_problem("https://*.example"),
      R"("https://*.example": origins have no wildcards; list each one, or "*" alone for all)");
  for (const char* origin : {"", "https://", "://a", "https://a b", "https://u@a", "https://é"}) {
    EXPECT_NE(origin_problem(origin), "") << origin;
  }
}

TEST(Cors, TellsTheOperatorWhichLineWouldAllowAnOrigin) {
  EXPECT_EQ(
      refused_origin_sentence(kTwo, "https://b.example"),
      "a page of origin \"https://b.example\" was refused: its browser closes the EventSource "
      "for good; to allow it, write  origins = [\"https://a.example\", "
      "\"http://localhost:3000\", \"https://b.example\"]  under [cors] in broker.toml");
  EXPECT_NE(refused_origin_sentence(kNone, "a\"]\nx").find("origins = [\"a?]?x\"]"),
            std::string::npos);
  EXPECT_LT(refused_origin_sentence(kNone, std::string(10'000, 'x')).size(), 700U);
}

}  // namespace
}  // namespace fanfare::policy
