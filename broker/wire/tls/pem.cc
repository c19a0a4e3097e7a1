#include "broker/wire/tls/pem.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <memory>

namespace fanfare::tls {
namespace {

constexpr std::string_view kCertificateLine = "-----BEGIN CERTIFICATE-----";

OwnedBio reader_of(const std::string& text) {
  return OwnedBio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// A passphrase is asked for: noted, and refused.
int note_encrypted(char* buffer, int size, int writing, void* asked) {
  (void)buffer;
  (void)size;
  (void)writing;
  *static_cast<bool*>(asked) = true;
  return -1;
}

// What a file is that has no PEM of the kind that was looked for.
std::string what_else(const PemFile& file) {
  if (file.text.empty()) return "the file is empty";
  if (file.text.starts_with('\x30')) {
    return "the file seems to be DER; `openssl x509 -inform der` or `openssl pkey -inform der` "
           "makes PEM of it";
  }
  if (file.text.find("PRIVATE KEY-----") != std::string::npos) {
    return "the file holds a private key; the two files may be exchanged";
  }
  if (file.text.find(kCertificateLine) != std::string::npos) {
    return "the file holds a certificate; the two files may be exchanged";
  }
  return "the file is no PEM";
}

}  // namespace

std::string last_error() {
  const unsigned long code = ERR_peek_last_error();
  const char* const reason = ERR_reason_error_string(code);
  std::string text = reason == nullptr ? "no reason is known" : reason;
  ERR_clear_error();
  return text;
}

std::string subject_of(const X509* certificate) {
  return name_text(X509_get_subject_name(certificate));
}

std::string_view text_of(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

std::vector<AlternativeName> alternative_names(const X509* certificate) {
  const std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  const int count = names == nullptr ? 0 : sk_GENERAL_NAME_num(names.get());
  std::vector<AlternativeName> found;
  found.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    const GENERAL_NAME& name = *sk_GENERAL_NAME_value(names.get(), i);
    const bool text = name.type == GEN_DNS || name.type == GEN_URI || name.type == GEN_EMAIL;
    if (!text && name.type != GEN_IPADD) continue;
    const std::string_view bytes = text_of(text ? name.d.ia5 : name.d.iPAddress);
    found.push_back({.kind = name.type, .bytes = std::string(bytes)});
  }
  return found;
}

std::chrono::sys_seconds time_of(const ASN1_TIME* time) {
  std::tm calendar{};
  if (ASN1_TIME_to_tm(time, &calendar) != 1) return {};
  return std::chrono::sys_seconds(std::chrono::seconds(timegm(&calendar)));
}

std::string name_text(const X509_NAME* name) {
  const OwnedBio out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : "(no subject)";
}

std::expected<std::vector<OwnedCertificate>, std::string> read_certificates(const PemFile& file) {
  if (file.text.find(kCertificateLine) == std::string::npos &&
      file.text.find("-----BEGIN TRUSTED CERTIFICATE-----") == std::string::npos) {
    return std::unexpected(
        fmt::format("{}: there is no certificate in it: {}; it has to begin with \"{}\"", file.name,
                    what_else(file), kCertificateLine));
  }
  std::vector<OwnedCertificate> certificates;
  const OwnedBio in = reader_of(file.text);
  ERR_clear_error();
  while (true) {
    OwnedCertificate next(PEM_read_bio_X509_AUX(in.get(), nullptr, nullptr, nullptr));
    if (next == nullptr) break;
    certificates.push_back(std::move(next));
  }
  const bool end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (!end || certificates.empty()) {
    return std::unexpected(fmt::format(
        "{}: certificate {} of the file is damaged ({}); copy it anew from where it was issued",
        file.name, certificates.size() + 1, last_error()));
  }
  ERR_clear_error();
  return certificates;
}

std::expected<std::vector<OwnedRevocations>, std::string> read_revocations(const PemFile& file) {
  std::vector<OwnedRevocations> lists;
  const OwnedBio in = reader_of(file.text);
  ERR_clear_error();
  while (true) {
    OwnedRevocations next(PEM_read_bio_X509_CRL(in.get(), nullptr, nullptr, nullptr));
    if (next == nullptr) break;
    lists.push_back(std::move(next));
  }
  const bool end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (end && lists.empty()) {
    ERR_clear_error();
    return std::unexpected(
        fmt::format("{}: there is no list of revoked certificates in it; it has to begin with "
                    "\"-----BEGIN X509 CRL-----\"",
                    file.name));
  }
  if (!end) {
    return std::unexpected(fmt::format("{}: list {} of the file is damaged ({})", file.name,
                                       lists.size() + 1, last_error()));
  }
  ERR_clear_error();
  return lists;
}

std::expected<OwnedKey, std::string> read_private_key(const PemFile& file) {
  if (file.text.find("PRIVATE KEY-----") == std::string::npos) {
    return std::unexpected(
        fmt::format("{}: there is no private key in it: {}; it has to have a line like "
                    "\"-----BEGIN PRIVATE KEY-----\"",
                    file.name, what_else(file)));
  }
  const OwnedBio in = reader_of(file.text);
  bool encrypted = false;
  ERR_clear_error();
  OwnedKey key(PEM_read_bio_PrivateKey(in.get(), nullptr, note_encrypted, &encrypted));
  if (encrypted) {
    ERR_clear_error();
    return std::unexpected(
        fmt::format("{}: the key is encrypted, and there is nobody to ask for its passphrase; "
                    "`openssl pkey -in {} -out plain.pem` writes it in clear",
                    file.name, file.name));
  }
  if (key == nullptr) {
    return std::unexpected(
        fmt::format("{}: the private key is damaged ({})", file.name, last_error()));
  }
  return key;
}

}  // namespace fanfare::tls
