#include "broker/wire/tls/client_trust.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <utility>

#include "broker/wire/tls/pem.h"

namespace fanfare::tls {
namespace {

using std::chrono::sys_seconds;

void look_at_authorities(ClientTrust& trust, const std::string& file, sys_seconds now) {
  for (const OwnedCertificate& authority : trust.authorities) {
    const sys_seconds ends = time_of(X509_get0_notAfter(authority.get()));
    trust.authorities_end.push_back({subject_of(authority.get()), ends});
    if (ends > now) continue;
    trust.warnings.push_back(
        fmt::format("{}: {} expired on {:%Y-%m-%d}; clients whose certificates it issued are "
                    "refused",
                    file, subject_of(authority.get()), ends));
  }
}

// Without an up-to-date list nobody can say that a certificate was not revoked.
void look_at_revocations(ClientTrust& trust, const std::string& file, sys_seconds now) {
  for (const OwnedRevocations& list : trust.revocations) {
    const ASN1_TIME* const next = X509_CRL_get0_nextUpdate(list.get());
    if (next == nullptr) continue;
    const std::string issuer = name_text(X509_CRL_get_issuer(list.get()));
    trust.revocations_end.push_back({issuer, time_of(next)});
    if (time_of(next) > now) continue;
    trust.warnings.push_back(
        fmt::format("{}: the list of {} was to be renewed by {:%Y-%m-%d}; until it is, clients "
                    "whose certificates it issued are refused",
                    file, issuer, time_of(next)));
  }
  for (const OwnedCertificate& authority : trust.authorities) {
    const X509_NAME* const name = X509_get_subject_name(authority.get());
    const auto listed = [name](const OwnedRevocations& list) {
      return X509_NAME_cmp(X509_CRL_get_issuer(list.get()), name) == 0;
    };
    if (std::ranges::any_of(trust.revocations, listed)) continue;
    trust.warnings.push_back(
        fmt::format("{}: there is no list of {} in it; clients whose certificates it issued are "
                    "refused",
                    file, subject_of(authority.get())));
  }
}

}  // namespace

std::expected<ClientTrust, std::string> read_client_trust(const PemFile& authorities,
                                                          const PemFile& revocations,
                                                          sys_seconds now) {
  ClientTrust trust;
  auto certificates = read_certificates(authorities);
  if (!certificates) return std::unexpected(certificates.error());
  trust.authorities = std::move(*certificates);
  look_at_authorities(trust, authorities.name, now);
  if (revocations.text.empty()) return trust;
  auto lists = read_revocations(revocations);
  if (!lists) return std::unexpected(lists.error());
  trust.revocations = std::move(*lists);
  look_at_revocations(trust, revocations.name, now);
  return trust;
}

}  // namespace fanfare::tls
