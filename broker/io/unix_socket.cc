// listen_unix: taking a path without stealing it from another program.
#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "broker/io/socket.h"

namespace fanfare::io {
namespace {

std::unexpected<Problem> refused(const std::string& path, std::string_view why, int error) {
  return std::unexpected(Problem{.message = fmt::format("{}: {}", path, why), .error = error});
}

const sockaddr* generic(const sockaddr_un& address) {
  // NOLINTNEXTLINE(bugprone-casting-through-void)
  return static_cast<const sockaddr*>(static_cast<const void*>(&address));
}

// Nothing if the path is free, or was only a socket file that nobody listens on any more.
std::optional<Problem> make_way(const std::string& path, const sockaddr_un& address) {
  struct stat there{};
  if (::lstat(path.c_str(), &there) != 0) return std::nullopt;  // bind() will say if it matters
  if (!S_ISSOCK(there.st_mode)) {
    return refused(path, "there is a file that is not a socket; remove it or choose another path",
                   EEXIST)
        .error();
  }
  const Descriptor caller(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!caller) return refused(path, std::strerror(errno), errno).error();
  if (::connect(caller.number(), generic(address), sizeof address) == 0 || errno == EAGAIN) {
    return refused(path,
                   "address already in use: another broker listens there; stop it or choose "
                   "another path",
                   EADDRINUSE)
        .error();
  }
  if (errno != ECONNREFUSED) {
    return refused(path, fmt::format("cannot tell who owns the socket there: {}", strerror(errno)),
                   errno)
        .error();
  }
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return refused(path, fmt::format("cannot remove the stale socket there: {}", strerror(errno)),
                   errno)
        .error();
  }
  return std::nullopt;
}

std::expected<gid_t, Problem> group_id(const std::string& name) {
  std::vector<char> buffer(16384);
  group entry{};
  group* found = nullptr;
  if (::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 ||
      found == nullptr) {
    return std::unexpected(
        Problem{.message = fmt::format("there is no group \"{}\"", name), .error = EINVAL});
  }
  return found->gr_gid;
}

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string bind_advice(const std::string& path, int error) {
  const std::string folder = folder_of(path);
  switch (error) {
    case ENOENT:
      return fmt::format("the directory {} does not exist: create it", folder);
    case EACCES:
    case EPERM:
      return fmt::format("user {} may not create files in {}", ::geteuid(), folder);
    default:
      return std::strerror(error);
  }
}

}  // namespace

// A socket file is born with the mode of the process's mask. Here it is born for its owner alone
// (fchmod before bind sets what bind uses), gets its group, and only then its mode; nobody can
// connect before listen() anyway.
std::expected<Descriptor, Problem> listen_unix(const std::string& path,
                                               const UnixOptions& options) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return refused(path.empty() ? "the socket's path" : path,
                   fmt::format("a socket's path must have 1 to {} bytes; this one has {}",
                               sizeof address.sun_path - 1, path.size()),
                   ENAMETOOLONG);
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  std::optional<gid_t> group;
  if (!options.group.empty()) {
    const auto id = group_id(options.group);
    if (!id) return refused(path, id.error().message, id.error().error);
    group = *id;
  }
  // Two brokers that start at once take turns, so that neither finds the other between bind() and
  // listen() and takes it for dead. Without permission to read the folder this is skipped.
  const std::string folder = folder_of(path);
  const Descriptor turn(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (turn) static_cast<void>(::flock(turn.number(), LOCK_EX));
  if (auto problem = make_way(path, address)) return std::unexpected(*std::move(problem));
  Descriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!listener) return refused(path, std::strerror(errno), errno);
  if (::fchmod(listener.number(), 0600) != 0) return refused(path, std::strerror(errno), errno);
  if (::bind(listener.number(), generic(address), sizeof address) != 0) {
    const int error = errno;
    return refused(path, bind_advice(path, error), error);
  }
  const auto give_up = [&path](std::string_view why, int error) {
    ::unlink(path.c_str());
    return refused(path, why, error);
  };
  if (group && ::chown(path.c_str(), static_cast<uid_t>(-1), *group) != 0) {
    const int error = errno;
    return give_up(
        fmt::format("cannot give it to group \"{}\": {}", options.group, std::strerror(error)),
        error);
  }
  if (::chmod(path.c_str(), options.mode) != 0) return give_up(std::strerror(errno), errno);
  if (::listen(listener.number(), options.backlog) != 0) {
    return give_up(std::strerror(errno), errno);
  }
  return listener;
}

}  // namespace fanfare::io
