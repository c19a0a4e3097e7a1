#include "broker/config/tls_files.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>
#include <utility>

#include "broker/config/file.h"
#include "broker/wire/tls/identity.h"

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
    if (!files.text.empty()) files.text += "; ";
    files.text +=
        fmt::format("{} until {:%Y-%m-%d}",
                    identity->names.empty() ? std::string("no host")
                                            : fmt::format("{}", fmt::join(identity->names, ", ")),
                    identity->ends);
    return std::move(*identity);
  }

  TlsFiles files;
  std::vector<std::string> problems;

 private:
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
  if (options.listen.https.empty()) return TlsFiles{};
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
  if (!reading.problems.empty()) return std::unexpected(std::move(reading.problems));
  auto server = tls::Server::make({.fallback = std::move(*fallback),
                                   .named = std::move(named),
                                   .protocols = {"h2", "http/1.1"}},
                                  std::move(tickets));
  if (!server) return std::unexpected(std::vector{fmt::format("[tls] {}", server.error())});
  reading.files.server = std::move(*server);
  return std::move(reading.files);
}

}  // namespace fanfare::config
