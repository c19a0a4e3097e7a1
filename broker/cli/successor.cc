#include "broker/cli/successor.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>

#include "broker/io/parcel.h"

extern char** environ;

namespace fanfare::cli {
namespace {

constexpr const char* kVariable = "FANFARE_HAND_OVER";
// What is this process's own: a successor listens on what it is handed, and is watched by its own
// number.
constexpr std::array<std::string_view, 5> kOwn = {kVariable, "LISTEN_PID", "LISTEN_FDS",
                                                  "LISTEN_FDNAMES", "WATCHDOG_PID"};

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> found;
  found.reserve(texts.size() + 1);
  for (std::string& text : texts) found.push_back(text.data());
  found.push_back(nullptr);
  return found;
}

std::vector<std::string> environment(int end) {
  std::vector<std::string> kept;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    const std::string_view name = text.substr(0, text.find('='));
    bool own = false;
    for (const std::string_view one : kOwn) own = own || name == one;
    if (!own) kept.emplace_back(text);
  }
  kept.push_back(fmt::format("{}={}", kVariable, end));
  return kept;
}

}  // namespace

Program::Program() {
  std::error_code error;
  path_ = std::filesystem::read_symlink("/proc/self/exe", error).string();
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::string argument;
  while (std::getline(file, argument, '\0')) arguments_.push_back(argument);
}

std::expected<Successor, std::string> Program::start() const {
  // What is process 1 of a container cannot be replaced: the container ends with it.
  if (::getpid() == 1) return std::unexpected("process 1 cannot hand over: restart the container");
  auto pair = io::parcel_pair();
  if (!pair) return std::unexpected(fmt::format("no socket: {}", std::strerror(errno)));
  auto& [ours, theirs] = *pair;
  // The one descriptor that a successor inherits.
  ::fcntl(theirs.number(), F_SETFD, 0);
  std::vector<std::string> arguments = arguments_;
  std::vector<std::string> variables = environment(theirs.number());
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  sigset_t usual;
  sigemptyset(&usual);
  sigaddset(&usual, SIGPIPE);
  ::posix_spawnattr_setsigdefault(&attributes, &usual);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t process = 0;
  const int error = ::posix_spawn(&process, path_.c_str(), nullptr, &attributes,
                                  pointers(arguments).data(), pointers(variables).data());
  ::posix_spawnattr_destroy(&attributes);
  if (error != 0) {
    return std::unexpected(fmt::format("cannot start {}: {}", path_, std::strerror(error)));
  }
  return Successor(process, std::move(ours));
}

void Successor::give_up() {
  end_ = io::Descriptor();
  ::kill(process_, SIGKILL);
  int status = 0;
  ::waitpid(process_, &status, 0);
}

io::Descriptor predecessor() {
  const char* const text = std::getenv(kVariable);
  if (text == nullptr) return {};
  int number = -1;
  std::from_chars(text, text + std::strlen(text), number);
  ::unsetenv(kVariable);
  if (number < 0 || ::fcntl(number, F_SETFD, FD_CLOEXEC) != 0) return {};
  return io::Descriptor(number);
}

}  // namespace fanfare::cli
