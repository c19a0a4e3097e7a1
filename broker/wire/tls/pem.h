// Reading PEM: certificates and keys, with what is wrong in words.
#pragma once

#include <chrono>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "broker/wire/tls/identity.h"
#include "broker/wire/tls/owned.h"

namespace fanfare::tls {

// All certificates of a file, in its order; at least one.
std::expected<std::vector<OwnedCertificate>, std::string> read_certificates(const PemFile& file);
std::expected<OwnedKey, std::string> read_private_key(const PemFile& file);
// All lists of revoked certificates; at least one.
std::expected<std::vector<OwnedRevocations>, std::string> read_revocations(const PemFile& file);

// "CN = example.org", "O = …, CN = …"; never empty.
std::string subject_of(const X509* certificate);
std::string name_text(const X509_NAME* name);
std::string_view text_of(const ASN1_STRING* text);
// Its subject alternative names that are a host, an address, a URI or a mailbox.
struct AlternativeName {
  int kind = 0;  // GEN_DNS, GEN_IPADD (4 or 16 bytes, if it is well-formed), GEN_URI, GEN_EMAIL
  std::string bytes;
};
std::vector<AlternativeName> alternative_names(const X509* certificate);
// 1970 if it is malformed.
std::chrono::sys_seconds time_of(const ASN1_TIME* time);
// OpenSSL's own words for what went wrong last; clears them.
std::string last_error();

}  // namespace fanfare::tls
