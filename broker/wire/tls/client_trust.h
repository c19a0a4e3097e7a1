// ClientTrust: whose certificates clients have to show: those that one of these authorities issued,
// and that none of these lists revokes. Read from PEM; files are read by the caller.
#pragma once

#include <chrono>
#include <expected>
#include <string>
#include <vector>

#include "broker/wire/tls/identity.h"
#include "broker/wire/tls/owned.h"

namespace fanfare::tls {

// Until when something is good, and whose it is.
struct Expiry {
  std::string name;
  std::chrono::sys_seconds ends;
};

struct ClientTrust {
  std::vector<OwnedCertificate> authorities;  // none: clients are asked for no certificate
  std::vector<OwnedRevocations> revocations;  // none: nobody looks whether one was revoked
  std::vector<Expiry> authorities_end, revocations_end;
  std::vector<std::string> warnings;  // it is of use, but not for everybody or not for long

  bool empty() const { return authorities.empty(); }
};

// `revocations` may be without text. The error is a sentence that names the file.
std::expected<ClientTrust, std::string> read_client_trust(const PemFile& authorities,
                                                          const PemFile& revocations,
                                                          std::chrono::sys_seconds now);

}  // namespace fanfare::tls
