#include "broker/server/requests/authenticator.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "broker/policy/jwt.h"
#include "broker/server/requests/bearer.h"
#include "broker/wire/http/query.h"

namespace fanfare::server {
namespace {

constexpr std::string_view kBlanks = " \t";

std::unexpected<TokenRefusal> refused(int status, std::string sentence, bool presented = true) {
  return std::unexpected(TokenRefusal{status, std::move(sentence), presented});
}

// The tokens of one request: the first, and whether another one differs from it.
class Found {
 public:
  void add(std::string_view token) {
    if (!token_) {
      token_ = token;
    } else if (*token_ != token) {
      differ_ = true;
    }
  }
  const std::optional<std::string_view>& token() const { return token_; }
  bool differ() const { return differ_; }

 private:
  std::optional<std::string_view> token_;
  bool differ_ = false;
};

// RFC 6265 §4.2.1; a value may stand in quotes. A cookie that was deleted may still be sent, empty.
void find_in_cookies(const http::RequestHead& head, std::string_view name, Found& found) {
  if (name.empty()) return;
  for (const http::Field* f = head.find("cookie"); f != nullptr; f = head.find("cookie", f)) {
    for (std::string_view rest = f->value; !rest.empty();) {
      std::string_view pair = rest.substr(0, rest.find(';'));
      rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
      pair.remove_prefix(std::min(pair.size(), pair.find_first_not_of(kBlanks)));
      if (!pair.starts_with(name) || !pair.substr(name.size()).starts_with('=')) continue;
      std::string_view value = pair.substr(name.size() + 1);
      if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
        value = value.substr(1, value.size() - 2);
      }
      if (!value.empty()) found.add(value);
    }
  }
}

void find_in_query(const http::Query& query, std::string_view name, Found& found) {
  if (name.empty()) return;
  for (const auto& [key, value] : query) {
    if (key == name && !value.empty()) found.add(value);
  }
}

std::string where_a_token_may_stand(const TokenOptions& token) {
  std::string text = "in the field Authorization: Bearer TOKEN";
  if (!token.cookie.empty()) text += fmt::format(", in the cookie {}", token.cookie);
  if (!token.query.empty()) text += fmt::format(", or as ?{}=TOKEN", token.query);
  return text;
}

}  // namespace

std::expected<const policy::Grants*, TokenRefusal> Authenticator::ask(const http::RequestHead& head,
                                                                      TokenNeed need) {
  if (need == TokenNeed::none) return nullptr;
  const TokenOptions& options = settings_->token;
  Found found;
  for (const http::Field* f = head.find("authorization"); f != nullptr;
       f = head.find("authorization", f)) {
    if (const auto token = bearer_of(f->value)) found.add(*token);
  }
  find_in_cookies(head, options.cookie, found);
  const http::Query query(head.query);
  find_in_query(query, options.query, found);
  if (found.differ()) {
    ++counters_.tokens_refused_total;
    return refused(400, "two different tokens are presented; send one");
  }
  if (found.token()) return verify(*found.token());
  if (need == TokenNeed::optional) return nullptr;
  ++counters_.tokens_missing_total;
  return refused(
      401, fmt::format("a token is needed here; send it {}", where_a_token_may_stand(options)),
      false);
}

std::expected<const policy::Grants*, TokenRefusal> Authenticator::ask_or_use_ticket(
    const http::RequestHead& head, TokenNeed need) {
  if (need != TokenNeed::none) {
    const http::Query query(head.query);
    if (const auto ticket = query.last_of({kTicketParameter})) return use(*ticket);
  }
  return ask(head, need);
}

std::expected<const policy::Grants*, TokenRefusal> Authenticator::verify(std::string_view token) {
  const auto good = verifier_.verify(token, date_);
  if (!good) {
    ++counters_.tokens_refused_total;
    log_refusal(good.error().reason);
    return refused(401, std::string(policy::sentence_of(good.error().fault)));
  }
  ++(good->known ? counters_.tokens_known_total : counters_.tokens_verified_total);
  return good->grants;
}

std::expected<const policy::Grants*, TokenRefusal> Authenticator::use(std::string_view ticket) {
  auto grants = tickets_.take(ticket, now_);
  if (!grants) {
    ++counters_.tickets_refused_total;
    return refused(401,
                   "the ticket is not good: it opens one stream, once, and soon; ask for another");
  }
  ++counters_.tickets_used_total;
  of_ticket_ = *std::move(grants);
  of_ticket_.bearer = policy::bearer_of({}, of_ticket_.subject, {});
  return &of_ticket_;
}

void Authenticator::log_refusal(std::string_view reason) {
  if (const auto left_out = log_.admit(now_); left_out >= 0) {
    log::warn("a subscriber was refused: {}{}", reason, log::left_out_note(left_out));
  }
}

}  // namespace fanfare::server
