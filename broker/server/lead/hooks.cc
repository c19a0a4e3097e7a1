#include "broker/server/lead/hooks.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "broker/policy/digest.h"
#include "broker/server/base/version.h"

#include "common/check.h"
#include "common/pattern.h"
#include "common/units.h"

namespace fanfare::server {

Hooks::Hooks(Parts parts) : parts_(std::move(parts)) {
  read_settings();
}

Hooks::~Hooks() = default;

// Hooks that are as they were keep what they know.
void Hooks::read_settings() {
  if (any_seen_ && seen_ == parts_.settings.revision()) return;
  any_seen_ = true;
  seen_ = parts_.settings.revision();
  std::vector<Named> before = std::exchange(hooks_, {});
  for (const HookRule& rule : parts_.settings->hooks) {
    const auto same = std::ranges::find_if(before, [&rule](const Named& named) {
      return named.hook != nullptr && named.hook->rule() == rule;
    });
    if (same != before.end()) {
      hooks_.push_back(std::move(*same));
      continue;
    }
    auto url = parse_hook_url(rule.url);
    CHECK(url.has_value(), "a configuration has only hooks that it has checked");
    hooks_.push_back({.attempt = {.hook = ++numbered_},
                      .url = *std::move(url),
                      .hook = std::make_unique<Hook>(rule, parts_.counters, parts_.random)});
  }
  for (const Named& named : before) {
    if (named.hook != nullptr && named.hook->posting()) unwanted_.push_back(named.attempt);
  }
  parts_.roster.note_turns(!hooks_.empty() && !stopped_);
}

void Hooks::change(Named& named, std::string_view channel, bool occupied, TimePoint now) {
  const LimitOptions& limits = parts_.settings->limits;
  if (named.hook->changed(channel, occupied, now, limits.hook_channels)) return;
  if (const auto left_out = full_log_.admit(now); left_out >= 0) {
    log::warn(
        "[[hook]] {}: the news of more than {} channels waits ([limits] hook_channels): it begins "
        "anew in a while{}",
        named.hook->rule().url, limits.hook_channels, log::left_out_note(left_out));
  }
}

void Hooks::pass_on(TimePoint now) {
  for (const Roster::Turn& turn : parts_.roster.take_turns()) {
    if (is_hidden(turn.name)) continue;  // the broker's own
    for (Named& named : hooks_) {
      if (named.hook->concerns(turn.name)) change(named, turn.name, turn.occupied, now);
    }
  }
}

void Hooks::begin_anew(Named& named, TimePoint now) {
  named.hook->begin_anew();
  parts_.roster.for_each_name([&](std::string_view name) {
    if (!is_hidden(name) && named.hook->concerns(name)) change(named, name, true, now);
    return !named.hook->out_of_step();
  });
}

std::vector<Hooks::Post> Hooks::take_posts(TimePoint now, std::int64_t unix_ms) {
  std::vector<Post> posts;
  if (stopped_) return posts;
  read_settings();
  pass_on(now);
  for (Named& named : hooks_) {
    if (named.hook->wants_to_begin(now)) begin_anew(named, now);
    const Hook::Post* const post = named.hook->next_post(now, unix_ms);
    if (post == nullptr) continue;
    ++parts_.counters.hook_posts_total;
    named.overdue = now + named.hook->rule().timeout;
    ++named.attempt.number;
    posts.push_back({.attempt = named.attempt,
                     .upstream = named.url.upstream,
                     .request = request_for(named, *post, unix_ms)});
  }
  return posts;
}

std::string Hooks::request_for(const Named& named, const Hook::Post& post,
                               std::int64_t unix_ms) const {
  const HookRule& rule = named.hook->rule();
  const std::string body =
      fmt::format(R"({{"id":"{}-h{}.{}","time_ms":{},"events":[{}]}})", parts_.epoch,
                  named.attempt.hook, post.number, post.first_ms, post.events);
  const std::string time = fmt::format("{}", unix_ms / 1000);
  std::string request = fmt::format(
      "POST {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: fanfare/{}\r\nContent-Type: "
      "application/json\r\nContent-Length: {}\r\nFanfare-Timestamp: {}\r\n",
      named.url.path, named.url.host, kVersion, body.size(), time);
  if (!rule.secret.empty()) {
    const std::string digest =
        policy::hex_of(policy::hmac_sha256(rule.secret, fmt::format("{}.{}", time, body)));
    request += fmt::format("Fanfare-Signature: sha256={}\r\n", digest);
  }
  request += "\r\n";
  return request += body;
}

void Hooks::answered(Attempt attempt, int status, std::string_view why, TimePoint now) {
  const auto found = std::ranges::find_if(hooks_, [attempt](const Named& named) {
    return named.attempt.hook == attempt.hook && named.attempt.number == attempt.number;
  });
  if (found == hooks_.end() || !found->hook->posting()) return;
  const bool taken = status / 100 == 2;
  const std::string& url = found->hook->rule().url;
  const Hook::Then then = found->hook->answered(taken, now);
  if (then == Hook::Then::done) {
    if (std::exchange(found->failing, false)) log::info("[[hook]] {} answers again", url);
    return;
  }
  const bool news = !std::exchange(found->failing, true) || then == Hook::Then::given_up;
  if (!news) return;
  if (const auto left_out = failed_log_.admit(now); left_out >= 0) {
    log::warn(
        "[[hook]] {}: the application {}; {} {}{}", url,
        status == 0 ? std::string(why) : fmt::format("answered {}, and not 2xx", status),
        then == Hook::Then::again ? "the post is repeated in"
                                  : "the post is given up, and all is told anew in",
        format_duration(std::chrono::ceil<std::chrono::milliseconds>(found->hook->until_next(now))),
        log::left_out_note(left_out));
  }
}

std::vector<Hooks::Attempt> Hooks::take_overdue(TimePoint now) {
  std::vector<Attempt> overdue = std::exchange(unwanted_, {});
  for (Named& named : hooks_) {
    if (!named.hook->posting() || (now < named.overdue && !stopped_)) continue;
    overdue.push_back(named.attempt);
    if (stopped_) {
      named.hook->answered(false, now);
      continue;
    }
    answered(named.attempt, 0,
             fmt::format("did not answer within {}", format_duration(named.hook->rule().timeout)),
             now);
  }
  return overdue;
}

void Hooks::stop() {
  stopped_ = true;
  parts_.roster.note_turns(false);
}

}  // namespace fanfare::server
