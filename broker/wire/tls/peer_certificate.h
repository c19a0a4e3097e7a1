// PeerCertificate: what a client's certificate says of the client. Whether it is to be believed is
// up to the handshake (ClientTrust).
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "broker/wire/tls/owned.h"

namespace fanfare::tls {

struct PeerCertificate {
  std::string subject;  // "CN = orders, O = …", for people; never empty
  // What the client may be called by: its alternative names (hosts in lower case, URIs, e-mail
  // addresses); if it has none of those, its common names.
  std::vector<std::string> names;
  std::chrono::sys_seconds expires{};  // from then on it counts no more

  // "*" is the name of every client.
  bool is_called(std::string_view name) const;
};

PeerCertificate read_peer_certificate(const X509* certificate);

}  // namespace fanfare::tls
