// Random tables of routes, random requests, and a model that knows nothing of how the table is
// built: it tries every template against every path, one character at a time. What the routes
// answer is compared with it, and when all have left, nothing may be left behind.
//
// 20,000 requests with the other tests; as many as are wanted by
//   FANFARE_ROUTE_REQUESTS=1000000 build/dev/tests/server/test_server --gtest_filter='RouteFuzz.*'
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/server/base/path_template.h"
#include "broker/server/requests/subscriber_routes.h"
#include "broker/wire/http/target.h"

#include "common/pattern.h"
#include "common/random.h"

namespace fanfare::server {
namespace {

using Strings = std::vector<std::string>;
using Values = std::vector<std::pair<std::string, std::string>>;  // by name, as sent

std::uint64_t requests_wanted() {
  const char* const wanted = std::getenv("FANFARE_ROUTE_REQUESTS");
  return wanted == nullptr ? 20'000 : std::strtoull(wanted, nullptr, 10);
}

// ---- The model.

Strings split(std::string_view path) {
  Strings segments(1);
  for (const char c : path.substr(1)) {
    if (c == '/') {
      segments.emplace_back();
    } else {
      segments.back() += c;
    }
  }
  return segments;
}

// Tries everything; the first way found is the one in which the earlier variables are shortest.
bool fits(std::string_view pattern, std::string_view text, Values& values) {
  if (pattern.empty()) return text.empty();
  if (pattern.front() != '{') {
    return !text.empty() && text.front() == pattern.front() &&
           fits(pattern.substr(1), text.substr(1), values);
  }
  const std::size_t end = pattern.find('}');
  for (std::size_t size = 1; size <= text.size() && text[size - 1] != '/'; ++size) {
    values.emplace_back(pattern.substr(1, end - 1), text.substr(0, size));
    if (fits(pattern.substr(end + 1), text.substr(size), values)) return true;
    values.pop_back();
  }
  return false;
}

// How much one segment says.
int says(const std::string& segment) {
  if (segment.find('{') == std::string::npos) return 1000;
  int said = 0;
  bool inside = false;
  for (const char c : segment) {
    inside |= c == '{';
    said += inside ? 0 : 1;
    inside &= c != '}';
  }
  return said;
}

std::string shape(std::string_view segment) {
  std::string text;
  for (bool inside = false; const char c : segment) {
    if (!inside) text += c;
    inside = c == '{' || (inside && c != '}');
  }
  return text;
}

// Both match the same path. 1: `a` goes first; -1: `b` does; 0: they are the same path.
int goes_first(std::string_view a, std::string_view b) {
  const Strings one = split(a);
  const Strings other = split(b);
  for (std::size_t i = 0; i < one.size(); ++i) {
    if (shape(one[i]) == shape(other[i])) continue;
    EXPECT_NE(says(one[i]), says(other[i])) << a << " " << b << ": neither goes first";
    return says(one[i]) > says(other[i]) ? 1 : -1;
  }
  return 0;
}

struct Expected {
  int status = 404;
  const RouteRule* rule = nullptr;
  Strings topics;  // sorted; of a stream
};

constexpr std::string_view kOfNames =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._~:@-";

bool fit_for_a_name(std::string_view value) {
  return !value.empty() && value != "." && value != ".." &&
         value.find_first_not_of(kOfNames) == std::string_view::npos;
}

struct Asked {
  std::string method, path, query;
  Values parameters;  // of the query, decoded
};

std::optional<Strings> topics_of(const RouteRule& rule, const Values& path, const Asked& asked) {
  Strings topics;
  for (const std::string& channel : rule.channels) {
    std::string topic;
    std::string_view rest = channel;
    while (!rest.empty()) {
      if (rest.front() != '{') {
        topic += rest.front();
        rest.remove_prefix(1);
        continue;
      }
      const std::string name(rest.substr(1, rest.find('}') - 1));
      rest.remove_prefix(name.size() + 2);
      const bool query = name.starts_with("query.");
      std::optional<std::string> value;
      int found = 0;
      for (const auto& [key, text] : query ? asked.parameters : path) {
        if (key != (query ? name.substr(6) : name)) continue;
        ++found;
        value = query ? text : http::percent_decoded(text);
      }
      if (found != 1 || !value || !fit_for_a_name(*value)) return std::nullopt;
      topic += *value;
    }
    if (topic.starts_with('~') || topic.size() > 255) return std::nullopt;
    topics.push_back(topic);
  }
  std::ranges::sort(topics);
  topics.erase(std::unique(topics.begin(), topics.end()), topics.end());
  return topics;
}

Expected expected(const std::vector<RouteRule>& rules, const Asked& asked) {
  Expected result;
  if (asked.method == "OPTIONS") return {.status = 204, .rule = nullptr, .topics = {}};
  std::vector<std::pair<const RouteRule*, Values>> best;
  for (const RouteRule& rule : rules) {
    Values values;
    if (!fits(rule.path, asked.path, values)) continue;
    const int order = best.empty() ? 1 : goes_first(rule.path, best.front().first->path);
    if (order < 0) continue;
    if (order > 0) best.clear();
    best.emplace_back(&rule, values);
  }
  if (best.empty()) return result;
  result.status = 405;
  const std::string_view method = asked.method == "HEAD" ? "GET" : std::string_view(asked.method);
  for (const auto& [rule, values] : best) {
    if (std::ranges::find(rule->methods, method) == rule->methods.end()) continue;
    result.rule = rule;
    if (!rule->upstream.empty()) return result;
    auto topics = topics_of(*rule, values, asked);
    result.status = topics ? 200 : 400;
    if (topics) result.topics = *std::move(topics);
    return result;
  }
  return result;
}

// ---- What is random.

const std::string& any(Random& random, const Strings& of) {
  return of[random.below(of.size())];
}

const Strings kTexts = {"a", "b", "ab", "chat", "x.json", "A", "~", "-"};

std::string any_path(Random& random, int& variables) {
  std::string path;
  const std::uint64_t depth = 1 + random.below(4);
  for (std::uint64_t i = 0; i < depth; ++i) {
    path += '/';
    const auto variable = [&] { return fmt::format("{{v{}}}", variables++); };
    switch (random.below(5)) {
      case 0:
        path += variable();
        break;
      case 1:
        path += any(random, kTexts) + variable();
        break;
      case 2:
        path += variable() + "-" + (random.chance(0.5) ? variable() : "") + any(random, kTexts);
        break;
      default:
        path += any(random, kTexts);
    }
  }
  if (random.chance(0.1)) path += '/';
  return path;
}

std::string any_channel(Random& random, int variables) {
  static const Strings kBetween = {"/", "-", "/x/", "."};
  std::string channel = random.chance(0.3) ? "" : any(random, {"chat/", "u-", "o/p/"});
  const std::uint64_t parts = 1 + random.below(2);
  for (std::uint64_t i = 0; i < parts; ++i) {
    if (i > 0) channel += any(random, kBetween);
    const bool query = variables == 0 || random.chance(0.2);
    const auto index = random.below(static_cast<std::uint64_t>(std::max(variables, 1)));
    channel += query ? any(random, {"{query.q}", "{query.channel}", "fixed"})
                     : fmt::format("{{v{}}}", index);
  }
  if (random.chance(0.1)) channel += "/**";
  return channel;
}

bool clash(const RouteRule& a, const RouteRule& b) {
  const Relation between =
      relation(parse_path_template(a.path).value(), parse_path_template(b.path).value());
  const bool shared = std::ranges::any_of(a.methods, [&b](const std::string& method) {
    return std::ranges::find(b.methods, method) != b.methods.end();
  });
  return between == Relation::unclear || (between == Relation::same && shared);
}

// As a configuration that has been checked may have them.
std::vector<RouteRule> any_rules(Random& random) {
  std::vector<RouteRule> rules;
  const std::uint64_t count = 1 + random.below(12);
  while (rules.size() < count) {
    int variables = 0;
    RouteRule rule;
    rule.path = any_path(random, variables);
    if (random.chance(0.4)) rule.methods = {random.chance(0.5) ? "GET" : "POST"};
    rule.parameters = Strings{};
    if (random.chance(0.15)) {
      rule.upstream = "unix:/app.sock";
    } else {
      const std::uint64_t channels = 1 + random.below(3);
      for (std::uint64_t i = 0; i < channels; ++i) {
        rule.channels.push_back(any_channel(random, variables));
      }
    }
    const bool clashes =
        std::ranges::any_of(rules, [&rule](const RouteRule& other) { return clash(rule, other); });
    if (clashes && random.chance(0.9)) continue;
    if (clashes) break;
    rules.push_back(std::move(rule));
  }
  return rules;
}

std::string any_value(Random& random) {
  static const Strings kValues = {"7",  "ann", "a-b", "%61",  "%2F",       "%2f.",    "*",
                                  "**", "%2A", "~x",  "%7Ex", ".",         "..",      "%2e",
                                  "%",  "%4",  "%00", "%25",  "%E4%BD%A0", "a@b.c:d", "-",
                                  "+",  "a;b", "(x)", "$",    "a%2a"};
  if (random.chance(0.02)) return std::string(random.below(300), 'y');
  return random.chance(0.4) ? any(random, kTexts) : any(random, kValues);
}

std::string any_asked_path(Random& random, const std::vector<RouteRule>& rules) {
  if (random.chance(0.02)) return any(random, {"/events", "/position", "/fanfare.js", "/", "//"});
  std::string path;
  for (std::string_view rest = rules[random.below(rules.size())].path; !rest.empty();) {
    const bool variable = rest.front() == '{';
    path += variable ? any_value(random) : std::string(1, rest.front());
    rest.remove_prefix(variable ? rest.find('}') + 1 : 1);
  }
  if (random.chance(0.15)) path.insert(random.below(path.size()) + 1, any_value(random));
  if (random.chance(0.05)) path.insert(random.below(path.size()) + 1, "/");
  if (random.chance(0.05)) path.pop_back();
  return path.empty() ? "/" : path;
}

Asked any_request(Random& random, const std::vector<RouteRule>& rules) {
  static const Strings kMethods = {"GET", "GET", "GET", "POST", "POST", "HEAD", "PUT", "OPTIONS"};
  Asked asked{.method = any(random, kMethods),
              .path = any_asked_path(random, rules),
              .query = {},
              .parameters = {}};
  const std::uint64_t count = random.below(4);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::string name = any(random, {"q", "channel", "Channel", "format", "Q", "replay"});
    const std::string value = any(random, {"7", "a/b", "*", "~x", "", "ann", "pdf", ".."});
    asked.query += fmt::format("{}{}={}", asked.query.empty() ? "" : "&", name, value);
    asked.parameters.emplace_back(name, value);
  }
  return asked;
}

UpstreamAnswer any_answer(Random& random) {
  UpstreamAnswer answer;
  if (random.chance(0.2)) {
    answer.failure = static_cast<UpstreamFailure>(1 + random.below(4));
    answer.why = "does not answer";
    return answer;
  }
  answer.status = static_cast<int>(200 + random.below(400));
  if (random.chance(0.7)) answer.status = 200;
  if (random.chance(0.7)) {
    answer.fields.add("Fanfare-Channels",
                      any(random, {"a", "a, b/*", "", "~x", "a b", "**", "a,,b", ",", "{v0}"}));
  }
  if (random.chance(0.2)) answer.fields.add("Fanfare-Replay", any(random, {"1", "x", "-1", ""}));
  if (random.chance(0.2)) answer.fields.add("Fanfare-Expires", any(random, {"1s", "0s", "x"}));
  if (random.chance(0.2)) answer.fields.add("Set-Cookie", "a=b");
  answer.body = "body";
  return answer;
}

// ---- All of a broker that lies behind its transports.

class Applications final : public Asker {
 public:
  void ask(std::string_view, Question question) override { asked.push_back(question.exchange); }
  void forget(ExchangeId) override { asked.clear(); }
  std::vector<ExchangeId> asked;
};

class RouteFuzz : public ::testing::Test {
 protected:
  void take_over(const std::vector<RouteRule>& rules) {
    Options options;
    options.routes = rules;
    settings_.replace(std::make_shared<const Options>(options));
  }
  // The status; a stream's topics. Its client leaves again.
  std::pair<int, Strings> ask(Random& random, const Asked& asked) {
    http::RequestHead head;
    const std::string target = asked.path + (asked.query.empty() ? "" : "?" + asked.query);
    head.method = http::method_of(asked.method);
    head.method_text = asked.method;
    head.target = target;
    head.path = asked.path;
    head.query = asked.query;
    head.authority = "localhost";
    if (random.chance(0.3)) head.fields.push_back({"Accept", "text/event-stream"});
    const Request request{.head = head, .body = {}, .body_end = BodyEnd::end_of_stream};
    response_.clear();
    routes_.answer(request, response_);
    if (response_.kind == Response::Kind::later) {
      EXPECT_EQ(applications_.asked.size(), 1U);
      const bool leaves = random.chance(0.2);
      response_.clear();
      if (leaves) {
        routes_.given_up({});
      } else {
        applications_.asked.clear();
        UpstreamAnswer answer = any_answer(random);
        routes_.answered(request, answer, response_);
      }
      EXPECT_NE(response_.kind, Response::Kind::later);
      leave(head.method);
      return {0, {}};
    }
    const int status = response_.status;
    return {status, leave(head.method)};
  }
  Strings leave(http::Method method) {
    if (response_.kind != Response::Kind::stream || method == http::Method::head) return {};
    fanout::Feed* const feed = replica_.feed(response_.stream.feed);
    Strings topics = replica_.topics(feed);
    replica_.release(feed);
    seats_.give_back();
    return topics;
  }

  const fanout::Epoch epoch_ = *fanout::Epoch::parse("ep0ch00");
  Settings settings_{std::make_shared<const Options>()};
  Counters counters_;
  Switchboard switchboard_{1};
  Random jitter_{1};
  fanout::Replica replica_{{.epoch = epoch_, .members_max = 16}};
  Heartbeats heartbeats_;
  GzipFeeds gzip_{counters_};
  Streams streams_{{replica_, counters_, switchboard_, jitter_, heartbeats_, gzip_}};
  Seats seats_{switchboard_.streams, 1, 1};
  Applications applications_;
  Polls polls_{{settings_, replica_, streams_, seats_, counters_, jitter_}};
  ClientLimits limits_{{settings_, counters_, switchboard_.addresses, switchboard_.bearers}};
  SubscriberRoutes routes_{{settings_, streams_, polls_, seats_, limits_, counters_, applications_,
                            switchboard_.approvals, switchboard_.tickets}};
  Response response_;
};

TEST_F(RouteFuzz, EveryRequestIsAnsweredAsANaiveModelSaysAndNothingIsLeftBehind) {
  Random random(15);
  const std::uint64_t wanted = requests_wanted();
  std::array<std::uint64_t, 600> answers{};
  std::vector<RouteRule> rules;
  for (std::uint64_t i = 0; i < wanted; ++i) {
    if (i % 50 == 0) {
      rules = any_rules(random);
      take_over(rules);
    }
    const Asked asked = any_request(random, rules);
    const Expected right = expected(rules, asked);
    const auto [status, topics] = ask(random, asked);
    ASSERT_EQ(seats_.taken(), 0U) << asked.path;
    if (right.rule != nullptr && !right.rule->upstream.empty()) continue;
    const bool own = std::ranges::find(kOwnPaths, asked.path) != kOwnPaths.end();
    if (own) continue;
    ASSERT_EQ(status, right.status)
        << asked.method << " " << asked.path << "?" << asked.query << " "
        << (right.rule == nullptr ? "" : right.rule->path) << " " << response_.body;
    if (asked.method != "HEAD") {
      ASSERT_EQ(topics, right.topics) << asked.path;
    }
    ++answers[static_cast<std::size_t>(status)];
  }
  streams_.count_patterns();
  EXPECT_EQ(replica_.feed_count(), 0U);
  EXPECT_EQ(counters_.patterns, 0U);
  EXPECT_EQ(switchboard_.streams.load(), 0U);
  EXPECT_TRUE(applications_.asked.empty());
  for (const std::size_t status : {200U, 204U, 400U, 404U, 405U}) {
    EXPECT_GT(answers[status], wanted / 100) << status << ": the requests are too much alike";
  }
}

}  // namespace
}  // namespace fanfare::server
