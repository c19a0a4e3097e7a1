#include "broker/wire/tls/peer_certificate.h"

#include <openssl/x509v3.h>

#include <algorithm>
#include <utility>

#include "broker/wire/tls/identity.h"
#include "broker/wire/tls/pem.h"

namespace fanfare::tls {
namespace {

std::vector<std::string> alternative_texts(const X509* certificate) {
  std::vector<std::string> texts;
  for (AlternativeName& name : alternative_names(certificate)) {
    if (name.kind == GEN_DNS) texts.push_back(host_key(name.bytes));
    if (name.kind == GEN_URI || name.kind == GEN_EMAIL) texts.push_back(std::move(name.bytes));
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
                       .names = alternative_texts(certificate),
                       .expires = time_of(X509_get0_notAfter(certificate))};
  if (peer.names.empty()) peer.names = common_names(certificate);
  return peer;
}

}  // namespace fanfare::tls
