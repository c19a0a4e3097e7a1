// A subscriber's token, from anyone, and the claims, key files and key sets behind it: the first
// byte says which. No token of a stranger is good; whatever is refused is refused with a sentence.
#include "broker/policy/jwt.h"

#include <array>
#include <chrono>
#include <string>
#include <string_view>

#include "common/check.h"
#include "common/pattern.h"

using namespace fanfare;          // NOLINT(google-build-using-namespace): a program of one function
using namespace fanfare::policy;  // NOLINT(google-build-using-namespace)

namespace {

constexpr std::array kAll = {Algorithm::eddsa, Algorithm::es256, Algorithm::rs256,
                             Algorithm::hs256};

void check_sentence(const std::string& sentence) {
  CHECK(!sentence.empty() && sentence.back() != '.', "a sentence without a full stop");
  for (const char c : sentence) CHECK(c >= 0x20 && c < 0x7f, "harmless in a log");
}

const JwtKeys& our_keys() {
  static const JwtKeys kKeys = [] {
    auto keys = read_jwks(
        R"({"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
        {"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
        {"kty":"oct","kid":"s","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}]})",
        kAll);
    CHECK(keys && keys->keys.size() == 3, "good keys");
    return *std::move(keys);
  }();
  return kKeys;
}

void check_grants(const std::expected<Grants, JwtRefusal>& grants) {
  if (!grants) return check_sentence(grants.error().reason);
  CHECK(grants->channels.size() <= kGrantedChannelsMax, "bounded");
  CHECK(grants->subject.size() <= kSubjectBytesMax, "bounded");
  for (const std::string& channel : grants->channels) {
    CHECK(channel_pattern_problem(channel).empty() && !is_hidden(channel), "a pattern");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::chrono::sys_seconds now{std::chrono::seconds(1'300'000'000)};
  const JwtRules rules{.issuer = {}, .audience = "fanfare", .claim = "a.channels"};
  switch (data[0]) {
    case 't': {
      const auto grants = verify_jwt(text, our_keys(), {}, now);
      CHECK(!grants || text.ends_with("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "only the one of RFC 7515 A.1");
      check_grants(grants);
      break;
    }
    case 'c':
      check_grants(read_claims(text, rules, now));
      break;
    case 'j':
      if (const auto keys = read_jwks(text, kAll); !keys) check_sentence(keys.error());
      break;
    default:
      if (const auto keys = read_key_file(text); !keys) check_sentence(keys.error());
  }
  return 0;
}
