// A key and a certificate that nobody vouches for: for a first try, for tests, and for networks
// whose clients are told to trust exactly this one.
#pragma once

#include <chrono>
#include <expected>
#include <string>
#include <vector>

namespace fanfare::tls {

struct SelfSigned {
  std::string certificate;  // PEM
  std::string key;          // PEM, in clear
};

// ECDSA with P-256; for the hosts and addresses in `names` (the first is the subject), from an hour
// before `now` for so many days. The error says which name is none.
std::expected<SelfSigned, std::string> make_self_signed(const std::vector<std::string>& names,
                                                        std::chrono::sys_seconds now,
                                                        std::chrono::days life);

}  // namespace fanfare::tls
