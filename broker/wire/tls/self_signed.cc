#include "broker/wire/tls/self_signed.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <cstdint>

#include "broker/wire/tls/identity.h"
#include "broker/wire/tls/owned.h"

#include "common/check.h"
#include "common/ip_address.h"

namespace fanfare::tls {
namespace {

using Extension = std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>>;

void extend(X509* certificate, int kind, const std::string& value) {
  X509V3_CTX about{};
  X509V3_set_ctx(&about, certificate, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &about, kind, value.c_str()));
  CHECK(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1,
        "the extension is well formed");
}

std::string text_of(BIO* out) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(out, &data);
  return std::string(data, static_cast<std::size_t>(size));
}

OwnedCertificate certificate_of(EVP_PKEY* key, const std::string& subject,
                                const std::string& alternatives, std::chrono::sys_seconds now,
                                std::chrono::days life) {
  OwnedCertificate made(X509_new());
  X509* const certificate = made.get();
  std::uint64_t serial = 0;
  CHECK(certificate != nullptr &&
            RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof(serial)) == 1,
        "the machine has memory and random numbers");
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1U);
  ASN1_TIME_set(X509_getm_notBefore(certificate),
                (now - std::chrono::hours(1)).time_since_epoch().count());
  ASN1_TIME_set(X509_getm_notAfter(certificate), (now + life).time_since_epoch().count());
  X509_set_pubkey(certificate, key);
  X509_NAME* const name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(subject.data()),
                             static_cast<int>(subject.size()), -1, 0);
  X509_set_issuer_name(certificate, name);
  extend(certificate, NID_subject_alt_name, alternatives);
  extend(certificate, NID_basic_constraints, "critical,CA:FALSE");
  extend(certificate, NID_key_usage, "critical,digitalSignature");
  extend(certificate, NID_ext_key_usage, "serverAuth");
  extend(certificate, NID_subject_key_identifier, "hash");
  CHECK(X509_sign(certificate, key, EVP_sha256()) > 0, "a P-256 key can sign");
  return made;
}

}  // namespace

std::expected<SelfSigned, std::string> make_self_signed(const std::vector<std::string>& names,
                                                        std::chrono::sys_seconds now,
                                                        std::chrono::days life) {
  CHECK(!names.empty(), "a certificate is for somebody");
  std::string alternatives;
  for (const std::string& name : names) {
    const bool address = IpAddress::parse(name).has_value();
    if (!address && !host_name_problem(name).empty()) {
      return std::unexpected(
          fmt::format("{}, nor an address like \"192.0.2.1\"", host_name_problem(name)));
    }
    if (!alternatives.empty()) alternatives += ',';
    alternatives += (address ? "IP:" : "DNS:") + name;
  }
  const OwnedKey key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  CHECK(key != nullptr, "OpenSSL has P-256");
  // A common name has at most 64 characters (RFC 5280, ub-common-name).
  const OwnedCertificate certificate =
      certificate_of(key.get(), names.front().substr(0, 64), alternatives, now, life);
  const OwnedBio certificate_out(BIO_new(BIO_s_mem()));
  const OwnedBio key_out(BIO_new(BIO_s_mem()));
  CHECK(PEM_write_bio_X509(certificate_out.get(), certificate.get()) == 1 &&
            PEM_write_bio_PKCS8PrivateKey(key_out.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                          nullptr) == 1,
        "memory takes everything");
  return SelfSigned{text_of(certificate_out.get()), text_of(key_out.get())};
}

}  // namespace fanfare::tls
