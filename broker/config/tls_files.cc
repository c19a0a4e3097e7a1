#include "broker/config/tls_files.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "broker/config/file.h"
#include "broker/wire/tls/client_trust.h"
#include "broker/wire/tls/identity.h"
#include "broker/wire/tls/pem.h"

namespace fanfare::config {
namespace {

constexpr std::uint64_t kFileBytesMax = 1U << 20U;

class Reading {
 public:
  explicit Reading(std::chrono::sys_seconds now) : now_(now) {}

  // Nothing: what is wrong is among the problems.
  std::optional<tls::Identity> read(const std::string& section, const std::string& certificate,
                                    const std::string& key) {
    const auto certificate_file = file(section + " certificate", certificate);
    const auto key_file = file(section + " key", key);
    if (!certificate_file || !key_file) return std::nullopt;
    auto identity = tls::read_identity(*certificate_file, *key_file, now_);
    if (!identity) {
      problems.push_back(fmt::format("{} {}", section, identity.error()));
      return std::nullopt;
    }
    for (const std::string& warning : identity->warnings) {
      files.warnings.push_back(fmt::format("{} {}", section, warning));
    }
    const std::string names = identity->names.empty()
                                  ? std::string("no host")
                                  : fmt::format("{}", fmt::join(identity->names, ", "));
    if (!files.text.empty()) files.text += "; ";
    files.text += fmt::format("{} until {:%Y-%m-%d}", names, identity->ends);
    expires("certificate", certificate, names, identity->ends);
    return std::move(*identity);
  }

  // Nothing, with a problem; or without one, if clients are asked for no certificate.
  tls::ClientTrust read_clients(const server::PublishOptions& publish) {
    if (publish.client_ca.empty()) return {};
    const auto authorities = file("[publish] client_ca", publish.client_ca);
    const auto revocations = publish.client_crl.empty()
                                 ? std::optional<tls::PemFile>(tls::PemFile{})
                                 : file("[publish] client_crl", publish.client_crl);
    if (!authorities || !revocations) return {};
    auto trust = tls::read_client_trust(*authorities, *revocations, now_);
    if (!trust) {
      problems.push_back(fmt::format("[publish] {}", trust.error()));
      return {};
    }
    for (const std::string& warning : trust->warnings) {
      files.warnings.push_back(fmt::format("[publish] {}", warning));
    }
    files.text += "; publishers' of ";
    for (std::size_t i = 0; i < trust->authorities.size(); ++i) {
      files.text += (i > 0 ? ", " : "") + tls::subject_of(trust->authorities[i].get());
    }
    for (const tls::Expiry& authority : trust->authorities_end) {
      expires("authority", publish.client_ca, authority.name, authority.ends);
    }
    for (const tls::Expiry& list : trust->revocations_end) {
      expires("revocations", publish.client_crl, list.name, list.ends);
    }
    return std::move(*trust);
  }

  TlsFiles files;
  std::vector<std::string> problems;

 private:
  // A file may be named twice.
  void expires(std::string_view kind, const std::string& path, const std::string& name,
               std::chrono::sys_seconds end) {
    const server::TlsExpiry one{kind, path, name, end.time_since_epoch().count()};
    const auto same = [&one](const server::TlsExpiry& other) {
      return other.kind == one.kind && other.file == one.file && other.name == one.name;
    };
    if (std::ranges::none_of(files.expiries, same)) files.expiries.push_back(one);
  }

  std::optional<tls::PemFile> file(const std::string& name, const std::string& path) {
    auto text = read_file(path, kFileBytesMax, "it is larger than 1 MiB, too large for that");
    if (text) return tls::PemFile{path, std::move(*text)};
    problems.push_back(fmt::format("{}: {}: {}", name, path, text.error()));
    return std::nullopt;
  }

  std::chrono::sys_seconds now_;
};

}  // namespace

std::expected<TlsFiles, std::vector<std::string>> read_tls_files(
    const server::Options& options, std::shared_ptr<tls::TicketKeys> tickets,
    std::chrono::sys_seconds now) {
  const bool https = !options.listen.https.empty();
  const bool publishers = !options.publish.listen_tls.empty();
  if (!https && !publishers) return TlsFiles{};
  Reading reading(now);
  auto fallback = reading.read("[tls]", options.tls.certificate, options.tls.key);
  std::vector<tls::Named> named;
  for (const server::SniRule& rule : options.tls.sni) {
    auto identity = reading.read("[[tls.sni]]", rule.certificate, rule.key);
    if (!identity) continue;
    for (const std::string& name : rule.names) {
      if (identity->covers(name)) continue;
      reading.files.warnings.push_back(
          fmt::format("[[tls.sni]] {}: the certificate is not for \"{}\", and clients that ask for "
                      "it refuse it",
                      rule.certificate, name));
    }
    named.push_back({rule.names, std::move(*identity)});
  }
  tls::ClientTrust clients =
      publishers ? reading.read_clients(options.publish) : tls::ClientTrust{};
  if (!reading.problems.empty()) return std::unexpected(std::move(reading.problems));
  tls::ServerOptions made{.fallback = std::move(*fallback), .named = std::move(named)};
  if (https) {
    made.protocols = {"h2", "http/1.1"};
    auto server = tls::Server::make(made, tickets);
    if (!server) return std::unexpected(std::vector{fmt::format("[tls] {}", server.error())});
    reading.files.server = std::move(*server);
  }
  if (publishers) {
    made.protocols = {"http/1.1"};
    made.clients = std::move(clients);
    auto server = tls::Server::make(made, tickets);
    if (!server) return std::unexpected(std::vector{fmt::format("[tls] {}", server.error())});
    reading.files.publish_server = std::move(*server);
  }
  return std::move(reading.files);
}

std::vector<std::string> tls_file_paths(const server::Options& options) {
  const bool publishers = !options.publish.listen_tls.empty();
  if (options.listen.https.empty() && !publishers) return {};
  std::vector<std::string> paths{options.tls.certificate, options.tls.key};
  for (const server::SniRule& rule : options.tls.sni) {
    paths.insert(paths.end(), {rule.certificate, rule.key});
  }
  if (publishers) {
    for (const std::string* path : {&options.publish.client_ca, &options.publish.client_crl}) {
      if (!path->empty()) paths.push_back(*path);
    }
  }
  return paths;
}

}  // namespace fanfare::config
