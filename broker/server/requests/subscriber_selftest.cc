// SubscriberRoutes, the part that serves /selftest.
#include "broker/server/requests/selftest.h"
#include "broker/server/requests/subscriber_routes.h"
#include "broker/wire/http/query.h"

namespace fanfare::server {

// Its files are the same for everybody. What tells of this broker, and what holds a place, is for
// those who may subscribe, unless the operator has opened it.
void SubscriberRoutes::selftest(const Request& request, Response& response) {
  const http::RequestHead& head = request.head;
  if (head.method != http::Method::get && head.method != http::Method::head) {
    const http::Field allow{.name = "Allow", .value = "GET, HEAD"};
    return answer_text(405, "the self-test is read with GET\n", {&allow, 1}, response);
  }
  if (answer_selftest_file(head, response)) return;
  if (parts_.settings->subscribe.selftest != Selftest::open) {
    const auto grants = authenticator_.ask(head, need_on(nullptr));
    if (!grants) return refuse_token(grants.error(), {}, response);
    if (!admit_bearer(*grants, request, response)) return;
  }
  if (head.path == kSelftestEchoPath) {
    return answer_selftest_echo(request, parts_.settings.options(), response);
  }
  const bool ends = head.path == kSelftestEndPath;
  if (!ends && head.path != kSelftestStreamPath) {
    return answer_text(404, "the self-test is at /selftest\n", {}, response);
  }
  auto asked = understand(request, nullptr);
  if (!asked) return answer_text(400, asked.error() + '\n', {}, response);
  // Only the heartbeat counts; a stream may be asked for more elsewhere.
  const std::optional<Duration> heartbeat = asked->heartbeat;
  *asked = {};
  asked->topics = {std::string(kSelftestChannel)};
  asked->heartbeat = heartbeat;
  Streams::Terms terms = terms_of(nullptr, *asked, {});
  terms.announce = AnnouncePosition::never;
  if (ends) terms.retry = kSelftestRetry;
  begin(request, *asked, terms, response);
  if (response.kind != Response::Kind::stream) return;
  response.stream.ends = now_ + (ends ? kSelftestEndLife : kSelftestLife);
  if (!ends) return;
  say_selftest_event(request, response.stream.opening);
  response.stream.ends_complete = http::Query(head.query).last_of({"as"}) == "complete";
}

}  // namespace fanfare::server
