#include "broker/server/base/ingest_path.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace fanfare::server {
namespace {

constexpr const char* kServiceFolder = "/run/fanfare";

bool is_socket(const std::string& path) {
  struct stat found{};
  return stat(path.c_str(), &found) == 0 && S_ISSOCK(found.st_mode);
}

std::string default_folder() {
  const uid_t user = geteuid();
  if (user == 0) return kServiceFolder;
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  if (runtime != nullptr && runtime[0] == '/') return fmt::format("{}/fanfare", runtime);
  return fmt::format("/tmp/fanfare-{}", user);
}

}  // namespace

std::string default_ingest_path() {
  return default_folder() + "/ingest.sock";
}

std::string reachable_ingest_path() {
  std::string own = default_ingest_path();
  const std::string service = std::string(kServiceFolder) + "/ingest.sock";
  return !is_socket(own) && is_socket(service) ? service : own;
}

std::string ingest_path(std::string_view configured) {
  return configured.empty() ? default_ingest_path() : std::string(configured);
}

std::expected<void, std::string> prepare_default_ingest_folder() {
  const std::string folder = default_folder();
  const mode_t mode = geteuid() == 0 ? 0755 : 0700;
  if (mkdir(folder.c_str(), mode) != 0 && errno != EEXIST) {
    return std::unexpected(
        fmt::format("cannot create the directory {} for the ingest socket: {}; create it, or set "
                    "listen.ingest to a path this user may write to",
                    folder, std::strerror(errno)));
  }
  struct stat found{};
  if (lstat(folder.c_str(), &found) != 0 || !S_ISDIR(found.st_mode) || found.st_uid != geteuid() ||
      (found.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return std::unexpected(
        fmt::format("{} is not a directory that only this user may write to, so the ingest socket "
                    "is not safe there; remove it, or set listen.ingest to another path",
                    folder));
  }
  return {};
}

}  // namespace fanfare::server
