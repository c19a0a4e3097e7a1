#include "broker/wire/tls/identity.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "broker/wire/tls/pem.h"

#include "common/ip_address.h"
#include "common/letters.h"

namespace fanfare::tls {
namespace {

using std::chrono::sys_seconds;

constexpr auto kSoon = std::chrono::days(14);
// Below these no client of today accepts a key, nor does OpenSSL.
constexpr int kRsaBitsMin = 2048;
constexpr int kOtherBitsMin = 224;

std::string address_text(std::string_view bytes) {
  std::array<std::uint8_t, 16> all{};
  if (bytes.size() != 4 && bytes.size() != 16) return {};
  std::ranges::copy(bytes, all.begin());
  return bytes.size() == 4 ? IpAddress::v4(std::span(all).first<4>()).text()
                           : IpAddress::v6(all).text();
}

// Its subject alternative names. Browsers look at nothing else.
std::vector<std::string> names_of(const X509* certificate) {
  std::vector<std::string> texts;
  for (const AlternativeName& name : alternative_names(certificate)) {
    if (name.kind == GEN_DNS) texts.push_back(host_key(name.bytes));
    if (name.kind != GEN_IPADD) continue;
    std::string text = address_text(name.bytes);
    if (!text.empty()) texts.push_back(std::move(text));
  }
  return texts;
}

std::string day(sys_seconds time) {
  return fmt::format("{:%Y-%m-%d}", time);
}

void warn_of_dates(Identity& identity, const std::string& file, sys_seconds now) {
  if (identity.ends <= now) {
    identity.warnings.push_back(
        fmt::format("{}: the certificate expired on {}; clients refuse it until it is renewed",
                    file, day(identity.ends)));
  } else if (now < identity.begins) {
    identity.warnings.push_back(
        fmt::format("{}: the certificate is not valid before {}; clients refuse it until then, or "
                    "this machine's clock is wrong",
                    file, day(identity.begins)));
  } else if (identity.ends < now + kSoon) {
    identity.warnings.push_back(
        fmt::format("{}: the certificate expires on {}", file, day(identity.ends)));
  }
}

void warn_of_chain(Identity& identity, const std::string& file) {
  const X509* below = identity.certificate.get();
  for (std::size_t i = 0; i < identity.chain.size(); ++i) {
    X509* const above = identity.chain[i].get();
    if (X509_check_issued(above, const_cast<X509*>(below)) != X509_V_OK) {
      identity.warnings.push_back(fmt::format(
          "{}: certificate {} ({}) did not issue certificate {} ({}); each is to be followed by "
          "the one that issued it, or some clients find no way to a root that they trust",
          file, i + 2, subject_of(above), i + 1, subject_of(below)));
      break;
    }
    below = above;
  }
  ERR_clear_error();
}

// A key that belongs to another certificate than the first.
std::string misfit(const PemFile& certificate, const PemFile& key,
                   const std::vector<OwnedCertificate>& certificates, const EVP_PKEY* private_key) {
  for (std::size_t i = 1; i < certificates.size(); ++i) {
    if (X509_check_private_key(certificates[i].get(), private_key) != 1) continue;
    return fmt::format(
        "{}: the certificates are in the wrong order: the key in {} is that of certificate {} "
        "({}), which has to be the first, before those that issued it",
        certificate.name, key.name, i + 1, subject_of(certificates[i].get()));
  }
  return fmt::format(
      "{}: the key does not belong to the certificate in {} ({}); name the key that the "
      "certificate was requested with",
      key.name, certificate.name, subject_of(certificates.front().get()));
}

bool matches(std::string_view pattern, std::string_view host) {
  if (pattern == host) return true;
  if (!pattern.starts_with("*.")) return false;
  const std::size_t dot = host.find('.');
  return dot != std::string_view::npos && dot > 0 && host.substr(dot) == pattern.substr(1);
}

bool is_host(std::string_view name) {
  constexpr std::size_t kNameMax = 253;
  constexpr std::size_t kLabelMax = 63;
  if (name.starts_with("*.")) name.remove_prefix(2);
  if (name.empty() || name.size() > kNameMax) return false;
  std::size_t label = 0;
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (c == '.' ? label == 0 : !letter) return false;
    label = c == '.' ? 0 : label + 1;
    if (label > kLabelMax) return false;
  }
  return label > 0;
}

}  // namespace

std::string host_name_problem(std::string_view name) {
  if (is_host(name)) return {};
  return fmt::format("\"{}\" is no host name like \"events.example.org\" or \"*.example.org\"",
                     name);
}

std::string host_key(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  return lower(host);
}

bool Identity::covers(std::string_view host) const {
  const std::string wanted = host_key(host);
  return std::ranges::any_of(names, [&](const std::string& name) { return matches(name, wanted); });
}

std::expected<Identity, std::string> read_identity(const PemFile& certificate, const PemFile& key,
                                                   sys_seconds now) {
  auto certificates = read_certificates(certificate);
  if (!certificates) return std::unexpected(certificates.error());
  auto private_key = read_private_key(key);
  if (!private_key) return std::unexpected(private_key.error());
  if (X509_check_private_key(certificates->front().get(), private_key->get()) != 1) {
    ERR_clear_error();
    return std::unexpected(misfit(certificate, key, *certificates, private_key->get()));
  }
  const bool rsa = EVP_PKEY_get_base_id(private_key->get()) == EVP_PKEY_RSA;
  const int bits = EVP_PKEY_get_bits(private_key->get());
  if (bits < (rsa ? kRsaBitsMin : kOtherBitsMin)) {
    return std::unexpected(fmt::format(
        "{}: the key has {} bits, which no client accepts any more; make one with `openssl genpkey "
        "-algorithm EC -pkeyopt ec_paramgen_curve:P-256`, and a certificate for it",
        key.name, bits));
  }
  Identity identity;
  identity.certificate = std::move(certificates->front());
  identity.key = std::move(*private_key);
  identity.chain.reserve(certificates->size() - 1);
  for (std::size_t i = 1; i < certificates->size(); ++i) {
    identity.chain.push_back(std::move((*certificates)[i]));
  }
  identity.names = names_of(identity.certificate.get());
  identity.begins = time_of(X509_get0_notBefore(identity.certificate.get()));
  identity.ends = time_of(X509_get0_notAfter(identity.certificate.get()));
  warn_of_dates(identity, certificate.name, now);
  warn_of_chain(identity, certificate.name);
  if (identity.names.empty()) {
    identity.warnings.push_back(
        fmt::format("{}: the certificate names no host (subjectAltName), and browsers accept it "
                    "for none",
                    certificate.name));
  }
  return identity;
}

}  // namespace fanfare::tls
