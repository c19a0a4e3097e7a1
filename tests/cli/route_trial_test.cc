#include "broker/cli/route_trial.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fanfare::cli {
namespace {

using ::testing::HasSubstr;

server::Options options() {
  server::Options options;
  const auto add = [&options](std::string_view path, std::vector<std::string> channels) {
    server::RouteRule& rule = options.routes.emplace_back();
    rule.path = path;
    rule.channels = std::move(channels);
    return &rule;
  };
  add("/ai/chat/{room}", {"chat/{room}", "s/{query.q}"})->methods = {"GET"};
  add("/mine", {"user/{token.sub}/{token.org.id}/{connection}"});
  add("/any", {});
  add("/ask/{id}", {})->upstream = "unix:/run/app.sock";
  return options;
}

TEST(RouteTrial, SaysWhereARequestLeads) {
  const server::Options all = options();
  EXPECT_EQ(route_trial(all, "GET /ai/chat/7?q=x"),
            "GET /ai/chat/7?q=x: [[route]] /ai/chat/{room}: chat/7, s/x\n");
  EXPECT_EQ(route_trial(all, "/ai/chat/7?q=x"),
            "/ai/chat/7?q=x: [[route]] /ai/chat/{room}: chat/7, s/x\n");
  EXPECT_EQ(route_trial(all, "POST /mine"),
            "POST /mine: [[route]] /mine: user/SUB/ORG.ID/CONNECTION\n");
  EXPECT_THAT(route_trial(all, "GET /any"), HasSubstr("those that the client names"));
  EXPECT_THAT(route_trial(all, "GET /ask/7"), HasSubstr("the application at unix:/run/app.sock"));
}

TEST(RouteTrial, SaysWhyARequestWouldBeRefused) {
  const server::Options all = options();
  EXPECT_THAT(route_trial(all, "GET /ai/chat/7"), HasSubstr(": 400, the query has no \"q\""));
  EXPECT_THAT(route_trial(all, "GET /ai/chat/a%2Fb?q=x"), HasSubstr("must not hold a slash"));
  EXPECT_EQ(route_trial(all, "PUT /ai/chat/7"), "PUT /ai/chat/7: 405, it has GET, HEAD, OPTIONS\n");
  EXPECT_EQ(route_trial(all, "GET /ai"), "GET /ai: 404, no [[route]] has this path\n");
  EXPECT_THAT(route_trial(all, "GET /events"), HasSubstr("the broker's own"));
  EXPECT_THAT(route_trial(all, "chat"), HasSubstr("this is no request"));
}

}  // namespace
}  // namespace fanfare::cli
