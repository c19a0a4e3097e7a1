// Failure: why a connection over TLS came to nothing, as a value to count and a sentence to log.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fanfare::tls {

enum class Failure : std::uint8_t {
  none,
  plain_http,           // a request in clear
  not_tls,              // anything else that is no TLS
  version,              // only versions below 1.2
  cipher,               // no cipher, group or signature in common
  protocol,             // no application protocol in common (ALPN)
  refused_by_peer,      // the peer said so in an alert, mostly about the certificate
  no_certificate,       // the peer showed none, and has to
  certificate_refused,  // the peer's is not of the client CA, or not for this use
  certificate_expired,  // or not valid yet
  certificate_revoked,
  revocation_unknown,  // there is no list of its issuer, or none of these days
  malformed,           // a message or a record that breaks the rules
  bad_record,          // a record whose seal is broken
  too_large,           // a record or a handshake above its bound
};
inline constexpr std::size_t kFailureCount = 15;

// For want of a good certificate of the peer's.
inline constexpr std::array kCertificateFailures{
    Failure::no_certificate,      Failure::certificate_refused, Failure::certificate_expired,
    Failure::certificate_revoked, Failure::revocation_unknown,
};

// Without a full stop.
std::string_view sentence_of(Failure failure);

// What a request in clear is answered, in clear: the whole response.
std::string_view answer_to_plain_http();

}  // namespace fanfare::tls
