// Reading PEM: certificates and keys, with what is wrong in words.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "broker/wire/tls/identity.h"
#include "broker/wire/tls/owned.h"

namespace fanfare::tls {

// All certificates of a file, in its order; at least one.
std::expected<std::vector<OwnedCertificate>, std::string> read_certificates(const PemFile& file);
std::expected<OwnedKey, std::string> read_private_key(const PemFile& file);

// "CN = example.org", "O = …, CN = …"; never empty.
std::string subject_of(const X509* certificate);
// OpenSSL's own words for what went wrong last; clears them.
std::string last_error();

}  // namespace fanfare::tls
