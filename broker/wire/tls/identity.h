// Identity: a server's certificate, with its chain, and its private key, read from PEM. Everything
// that is wrong with them is a sentence that names the file, what is wrong and what would be right.
// Files are read by the caller.
#pragma once

#include <chrono>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "broker/wire/tls/owned.h"

namespace fanfare::tls {

// The names are of files, for sentences.
struct PemFile {
  std::string name;
  std::string text;
};

struct Identity {
  OwnedCertificate certificate;
  std::vector<OwnedCertificate> chain;  // above it, in order; no root is needed
  OwnedKey key;

  std::vector<std::string> names;  // that it is for: hosts, one-label wildcards, addresses
  std::chrono::sys_seconds begins, ends;
  std::vector<std::string> warnings;  // it is of use, but not to everybody or not for long

  // Whether it is for that host.
  bool covers(std::string_view host) const;
};

std::expected<Identity, std::string> read_identity(const PemFile& certificate, const PemFile& key,
                                                   std::chrono::sys_seconds now);

// Empty if it can stand in a certificate as a host's, perhaps with a star for its first label
// (RFC 6125 §6.4.3); else what is wrong.
std::string host_name_problem(std::string_view name);
// Lower case, without a dot at the end: how hosts are compared.
std::string host_key(std::string_view host);

}  // namespace fanfare::tls
