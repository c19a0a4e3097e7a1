// Authority: issues certificates of every kind, also of those that are not good.
#pragma once

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "broker/wire/tls/identity.h"
#include "broker/wire/tls/owned.h"

namespace fanfare::tls {

inline std::string pem_of(X509* certificate) {
  const OwnedBio out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(out.get(), certificate);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

inline std::string pem_of(EVP_PKEY* key, const char* passphrase = nullptr) {
  const OwnedBio out(BIO_new(BIO_s_mem()));
  std::string secret(passphrase == nullptr ? "" : passphrase);
  PEM_write_bio_PKCS8PrivateKey(out.get(), key, passphrase == nullptr ? nullptr : EVP_aes_256_cbc(),
                                passphrase == nullptr ? nullptr : secret.data(),
                                static_cast<int>(secret.size()), nullptr, nullptr);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

struct Request {
  std::string subject = "example.test";
  std::string names = {};  // as OpenSSL writes them: "DNS:a,IP:192.0.2.1"
  int begins_in_days = -1;
  int ends_in_days = 90;
  bool authority = false;
  int rsa_bits = 0;        // 0: P-256
  std::string usage = {};  // "clientAuth"; empty: any
};

struct Issued {
  OwnedCertificate certificate;
  OwnedKey key;
};

class Authority {
 public:
  explicit Authority(const std::string& name) : own_(make({.subject = name, .authority = true})) {}
  Authority(const Authority& above, const std::string& name)
      : own_(above.issue({.subject = name, .authority = true})) {}

  std::string certificate() const { return pem_of(own_.certificate.get()); }
  Issued issue(const Request& request) const { return make(request, &own_); }
  Identity identity(const Request& request) const { return identity_of(issue(request)); }
  // A list of revoked certificates, in PEM.
  std::string revocations(const std::vector<const Issued*>& revoked, int next_in_days = 30) const {
    const OwnedRevocations list(X509_CRL_new());
    X509_CRL_set_version(list.get(), X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(own_.certificate.get()));
    constexpr long kDay = 86'400;
    const std::unique_ptr<ASN1_TIME, Freed<ASN1_TIME_free>> time(ASN1_TIME_new());
    X509_gmtime_adj(time.get(), -9 * kDay);
    X509_CRL_set1_lastUpdate(list.get(), time.get());
    for (const Issued* const one : revoked) {
      X509_REVOKED* const entry = X509_REVOKED_new();
      X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(one->certificate.get()));
      X509_REVOKED_set_revocationDate(entry, time.get());
      X509_CRL_add0_revoked(list.get(), entry);
    }
    X509_gmtime_adj(time.get(), next_in_days * kDay);
    X509_CRL_set1_nextUpdate(list.get(), time.get());
    X509_CRL_sign(list.get(), own_.key.get(), EVP_sha256());
    const OwnedBio out(BIO_new(BIO_s_mem()));
    PEM_write_bio_X509_CRL(out.get(), list.get());
    char* data = nullptr;
    const long size = BIO_get_mem_data(out.get(), &data);
    return {data, static_cast<std::size_t>(size)};
  }
  static Identity identity_of(const Issued& issued) {
    auto identity = read_identity(
        {"cert.pem", pem_of(issued.certificate.get())}, {"key.pem", pem_of(issued.key.get())},
        std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
    return std::move(*identity);
  }

 private:
  static Issued make(const Request& request, const Issued* issuer = nullptr) {
    Issued made{
        OwnedCertificate(X509_new()),
        OwnedKey(request.rsa_bits > 0 ? EVP_RSA_gen(static_cast<unsigned>(request.rsa_bits))
                                      : EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"))};
    X509* const certificate = made.certificate.get();
    X509* const above = issuer == nullptr ? certificate : issuer->certificate.get();
    constexpr long kDay = 86'400;
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial_);
    X509_gmtime_adj(X509_getm_notBefore(certificate), request.begins_in_days * kDay);
    X509_gmtime_adj(X509_getm_notAfter(certificate), request.ends_in_days * kDay);
    X509_set_pubkey(certificate, made.key.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(request.subject.data()),
                               static_cast<int>(request.subject.size()), -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(above));
    extend(certificate, above, NID_basic_constraints,
           request.authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (!request.usage.empty()) extend(certificate, above, NID_ext_key_usage, request.usage);
    if (!request.names.empty()) extend(certificate, above, NID_subject_alt_name, request.names);
    X509_sign(certificate, issuer == nullptr ? made.key.get() : issuer->key.get(), EVP_sha256());
    return made;
  }
  static void extend(X509* certificate, X509* above, int kind, const std::string& value) {
    X509V3_CTX about{};
    X509V3_set_ctx(&about, above, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &about, kind, value.c_str());
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }

  static inline long serial_ = 0;
  Issued own_;
};

}  // namespace fanfare::tls
