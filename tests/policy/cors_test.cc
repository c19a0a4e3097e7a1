// CORS: the exact response fields for every combination of what is configured and what is asked.
#include "broker/policy/cors.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
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

TEST(Cors, SendsVaryEvenWithoutAnOrigin) {
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

constexpr std::string_view kVaries =
    "Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers, "
    "Access-Control-Request-Private-Network |";

TEST(Cors, AnswersAPreflight) {
  EXPECT_EQ(shown(cors_preflight(kTwoWithCredentials, "https://a.example")),
            fmt::format("allowed: {} Access-Control-Allow-Origin: https://a.example | "
                        "Access-Control-Allow-Credentials: true | "
                        "Access-Control-Allow-Methods: GET, POST, HEAD, OPTIONS | "
                        "Access-Control-Allow-Headers: authorization, cache-control, content-type, "
                        "last-event-id, accept | Access-Control-Max-Age: 86400 |",
                        kVaries));
  EXPECT_EQ(shown(cors_preflight(kTwo, "https://evil")), fmt::format("refused: {}", kVaries));
  EXPECT_EQ(shown(cors_preflight(kTwo, "")), fmt::format("not asked: {}", kVaries));
}

std::string field_of(const CorsAnswer& answer, std::string_view name) {
  for (const auto& field : answer.fields.all()) {
    if (field.name == name) return std::string(field.value);
  }
  return "none";
}

// Sentry and OpenTelemetry add fields to every fetch; five were allowed, whatever was asked.
TEST(Cors, GrantsAnAllowedOriginWhatItAsksFor) {
  const std::string granted =
      granted_headers("traceparent,x-requested-with, Content-Type, sentry-trace");
  EXPECT_EQ(granted,
            "authorization, cache-control, content-type, last-event-id, accept, traceparent, "
            "x-requested-with, sentry-trace");
  for (const CorsRules& rules : {kTwo, kTwoWithCredentials, kAll}) {
    const CorsAnswer answer =
        cors_preflight(rules, "https://a.example", {.method = "POST", .headers = granted});
    EXPECT_EQ(field_of(answer, "Access-Control-Allow-Headers"), granted);
    EXPECT_EQ(field_of(answer, "Access-Control-Allow-Methods"), "GET, POST, HEAD, OPTIONS");
  }
  EXPECT_EQ(field_of(cors_preflight(kTwo, "https://evil", {.method = "POST", .headers = granted}),
                     "Access-Control-Allow-Headers"),
            "none");
  EXPECT_EQ(field_of(cors_preflight(kTwo, "https://a.example", {.method = "QUERY", .headers = {}}),
                     "Access-Control-Allow-Methods"),
            "QUERY")
      << "and is told in words that it is not served";
}

TEST(Cors, IgnoresEmptyMembersOfAList) {
  for (const char* asked : {"a,,b", ",a,b", "a, b,", " , a,\t,b , "}) {
    EXPECT_EQ(granted_headers(asked),
              "authorization, cache-control, content-type, last-event-id, accept, a, b")
        << asked;
  }
}

TEST(Cors, EchoesOnlyListsOfTokens) {
  for (const char* asked : {"", "a b", "a:b", "x\xe9", "a, b;c", "\"a\"", ","}) {
    EXPECT_EQ(granted_headers(asked),
              "authorization, cache-control, content-type, last-event-id, accept")
        << asked;
  }
  EXPECT_EQ(field_of(cors_preflight(kTwo, "https://a.example", {.method = "A B", .headers = {}}),
                     "Access-Control-Allow-Methods"),
            "GET, POST, HEAD, OPTIONS");
}

TEST(Cors, LetsAListedOriginIntoAPrivateNetwork) {
  const Preflight asked{.method = "GET", .headers = {}, .private_network = true};
  const auto granted = [&](const CorsRules& rules, std::string_view origin) {
    return field_of(cors_preflight(rules, origin, asked), "Access-Control-Allow-Private-Network");
  };
  EXPECT_EQ(granted(kTwo, "https://a.example"), "true");
  EXPECT_EQ(granted(kTwo, "https://evil"), "none");
  EXPECT_EQ(granted(kAll, "https://a.example"), "none");
  EXPECT_EQ(
      field_of(cors_preflight(kTwo, "https://a.example"), "Access-Control-Allow-Private-Network"),
      "none");
}

// Any site can make a frame of origin "null": with cookies it would be every site.
TEST(Cors, NeverLetsNullBringCredentials) {
  const CorsRules rules{.origins = {"null", "https://a.example"}, .credentials = true};
  EXPECT_EQ(field_of(cors_answer(rules, "null"), "Access-Control-Allow-Origin"), "null");
  EXPECT_EQ(field_of(cors_answer(rules, "null"), "Access-Control-Allow-Credentials"), "none");
  EXPECT_EQ(field_of(cors_preflight(rules, "null"), "Access-Control-Allow-Credentials"), "none");
  EXPECT_EQ(
      cors_warning(rules),
      "[cors] origins lists \"null\", which is the origin of every sandboxed frame, data: URL "
      "and page opened as a file, which any site can make: it is as open as \"*\"");
  EXPECT_EQ(cors_warning(kTwo), "");
}

TEST(Cors, AnswersAWildcardWithTheOriginItself) {
  const CorsRules rules{.origins = {"https://*.example.com"}, .credentials = true};
  EXPECT_EQ(shown(cors_answer(rules, "https://a.b.example.com")),
            "allowed: Vary: Origin | Access-Control-Allow-Origin: https://a.b.example.com | "
            "Access-Control-Allow-Credentials: true | "
            "Access-Control-Expose-Headers: Last-Event-ID |");
  EXPECT_EQ(shown(cors_answer(rules, "https://example.com")), "refused: Vary: Origin |");
  EXPECT_EQ(shown(cors_answer(rules, "")), "not asked: Vary: Origin |");
  const Preflight asked{.method = "GET", .headers = {}, .private_network = true};
  const CorsAnswer preflight = cors_preflight(rules, "https://a.example.com", asked);
  EXPECT_EQ(field_of(preflight, "Access-Control-Allow-Origin"), "https://a.example.com");
  EXPECT_EQ(field_of(preflight, "Access-Control-Allow-Credentials"), "true");
  EXPECT_EQ(field_of(preflight, "Access-Control-Allow-Private-Network"), "true");
  EXPECT_EQ(shown(cors_preflight(rules, "https://evil.example")),
            fmt::format("refused: {}", kVaries));
}

TEST(Cors, NamesTheLineThatWouldAllowAnOrigin) {
  EXPECT_EQ(
      refused_origin_sentence(kTwo, "https://b.example"),
      "a page of origin \"https://b.example\" was refused: its browser closes the EventSource "
      "for good; to allow it, write  origins = [\"https://a.example\", "
      "\"http://localhost:3000\", \"https://b.example\"]  under [cors] in broker.toml");
  for (const char* origin : {"a\"]\nx", "https://A.example", "https://a.example/", "file://"}) {
    const std::string said = refused_origin_sentence(kNone, origin);
    EXPECT_EQ(said.find('\n'), std::string::npos);
    EXPECT_NE(said.find("no browser sends that"), std::string::npos) << "the line would be refused";
  }
  EXPECT_NE(refused_origin_sentence(kTwo, "null").find("every sandboxed frame"), std::string::npos);
  EXPECT_EQ(refused_origin_sentence(kTwo, "null").find("origins = ["), std::string::npos);
  EXPECT_LT(refused_origin_sentence(kNone, std::string(10'000, 'x')).size(), 700U);
}

}  // namespace
}  // namespace fanfare::policy
