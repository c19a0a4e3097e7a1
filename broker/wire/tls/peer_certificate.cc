#include "broker/wire/tls/peer_certificate.h"

#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>

#include "broker/wire/tls/identity.h"
#include "broker/wire/tls/pem.h"

namespace fanfare::tls {
namespace {

using Names = std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>>;

std::vector<std::string> alternative_names(const X509* certificate) {
  const Names names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::vector<std::string> texts;
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) texts.push_back(host_key(text_of(name->d.dNSName)));
    if (name->type == GEN_URI) texts.emplace_back(text_of(name->d.uniformResourceIdentifier));
    if (name->type == GEN_EMAIL) texts.emplace_back(text_of(name->d.rfc822Name));
  }
  return texts;
}

std::vector<std::string> common_names(const X509* certificate) {
  const X509_NAME* const subject = X509_get_subject_name(certificate);
  std::vector<std::string> texts;
  for (int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1); at >= 0;
       at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) {
    texts.emplace_back(text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))));
  }
  return texts;
}

}  // namespace

bool PeerCertificate::is_called(std::string_view name) const {
  return name == "*" || std::ranges::find(names, name) != names.end();
}

PeerCertificate read_peer_certificate(const X509* certificate) {
  PeerCertificate peer{.subject = subject_of(certificate),
                       .names = alternative_names(certificate),
                       .expires = time_of(X509_get0_notAfter(certificate))};
  if (peer.names.empty()) peer.names = common_names(certificate);
  return peer;
}

}  // namespace fanfare::tls
