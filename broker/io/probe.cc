#include "broker/io/probe.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "broker/io/uring_probe.h"

namespace fanfare::io {
namespace {

// The kernel's limit on the size of a table (IORING_MAX_FIXED_FILES).
constexpr std::uint64_t kTableMax = 1U << 20U;
constexpr const char* kKernelWanted = "6.1";

constexpr std::string_view kUseEpoll = "or set [server] backend = \"epoll\"";

std::uint64_t soft_limit(decltype(RLIMIT_NOFILE) resource) {
  rlimit limit{};
  if (::getrlimit(resource, &limit) != 0) return 0;
  return limit.rlim_cur == RLIM_INFINITY ? ~std::uint64_t{0} : limit.rlim_cur;
}

// Why io_uring_setup answered EPERM, which can have three different causes.
std::string forbidden_by(const Surroundings& here) {
  if (here.io_uring_disabled == 2) {
    return fmt::format(
        "it is switched off by the sysctl kernel.io_uring_disabled = 2: set it to 0 {}", kUseEpoll);
  }
  if (here.io_uring_disabled == 1) {
    return fmt::format(
        "the sysctl kernel.io_uring_disabled = 1 allows it to privileged processes only: set it to "
        "0, or add the broker's group to kernel.io_uring_group, {}",
        kUseEpoll);
  }
  if (here.seccomp) {
    return fmt::format(
        "a seccomp filter forbids it, as the default profile of Docker 25 and later and of "
        "containerd does: run the container with a profile that allows io_uring_setup, "
        "io_uring_enter and io_uring_register (docker run --security-opt "
        "seccomp=deploy/docker/seccomp.json), {}",
        kUseEpoll);
  }
  return fmt::format(
      "a security module of this machine (SELinux, AppArmor) forbids it: allow it {}", kUseEpoll);
}

std::string locked_memory_text(std::uint64_t bytes) {
  return bytes == ~std::uint64_t{0} ? "unlimited" : fmt::format("{} KiB", bytes >> 10U);
}

}  // namespace

Surroundings Surroundings::read() {
  Surroundings here;
  utsname name{};
  if (::uname(&name) == 0) here.kernel = name.release;
  if (std::ifstream sysctl("/proc/sys/kernel/io_uring_disabled"); sysctl) {
    sysctl >> here.io_uring_disabled;
  }
  here.descriptors = soft_limit(RLIMIT_NOFILE);
  here.locked_memory = soft_limit(RLIMIT_MEMLOCK);
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("Seccomp:")) here.seccomp = line.find_first_of("12") != std::string::npos;
  }
  return here;
}

Problem system_problem(std::string_view what, int error) {
  return {.message = fmt::format("{}: {}", what, std::strerror(error)), .error = error};
}

Problem setup_problem(int error, const Surroundings& here) {
  std::string why;
  switch (error) {
    case EINVAL:
      why = fmt::format("the kernel is {}, and {} or later is needed: upgrade it {}", here.kernel,
                        kKernelWanted, kUseEpoll);
      break;
    case EPERM:
    case EACCES:
      why = forbidden_by(here);
      break;
    case ENOSYS:
      why = fmt::format(
          "the kernel ({}) was built without it, or a container's profile hides it: allow "
          "io_uring_setup, io_uring_enter and io_uring_register there (docker run --security-opt "
          "seccomp=deploy/docker/seccomp.json), {}",
          here.kernel, kUseEpoll);
      break;
    case ENOMEM:
      why = fmt::format(
          "its memory exceeds RLIMIT_MEMLOCK ({}): raise it (LimitMEMLOCK=infinity in a systemd "
          "unit, ulimit -l in a shell), run fewer shards, {}",
          locked_memory_text(here.locked_memory), kUseEpoll);
      break;
    case EMFILE:
    case ENFILE:
      why = fmt::format(
          "no descriptor is left (RLIMIT_NOFILE is {}): raise it (LimitNOFILE= in a systemd unit, "
          "ulimit -n in a shell)",
          here.descriptors);
      break;
    default:
      why =
          fmt::format("io_uring_setup says \"{}\" on kernel {}", std::strerror(error), here.kernel);
  }
  return {.message = "io_uring cannot be used: " + why, .error = error};
}

Problem table_problem(int error, std::uint32_t slots, const Surroundings& here) {
  if (error == EMFILE) {
    return {.message = fmt::format(
                "a table of {} connections is more than RLIMIT_NOFILE ({}) allows one ring: raise "
                "it (LimitNOFILE= in a systemd unit, ulimit -n in a shell) or run more shards",
                slots, here.descriptors),
            .error = error};
  }
  return system_problem(fmt::format("io_uring refuses a table of {} connections", slots), error);
}

std::expected<Capabilities, Problem> probe(UnderProbe& kernel, const Surroundings& here) {
  if (const int error = kernel.set_up(); error < 0) {
    return std::unexpected(setup_problem(-error, here));
  }
  const auto lacking = [&here](const std::string& what) {
    return std::unexpected(Problem{
        .message =
            fmt::format("io_uring cannot be used: kernel {} lacks {}; {} or later is needed: "
                        "upgrade it {}",
                        here.kernel, what, kKernelWanted, kUseEpoll),
        .error = ENOSYS});
  };
  if (const std::string missing = kernel.missing_features(); !missing.empty()) {
    return lacking("the features " + missing);
  }
  if (const std::string missing = kernel.missing_operations(); !missing.empty()) {
    return lacking("the operations " + missing);
  }
  const auto slots = static_cast<std::uint32_t>(std::min(here.descriptors, kTableMax));
  if (const int error = kernel.register_table(slots); error < 0) {
    return std::unexpected(table_problem(-error, slots, here));
  }
  if (const int error = kernel.register_buffers(); error < 0) {
    if (error == -EINVAL) return lacking("rings of provided buffers");
    return std::unexpected(system_problem("io_uring refuses receive buffers", -error));
  }
  if (const std::string failure = kernel.self_test(); !failure.empty()) {
    return std::unexpected(
        Problem{.message = fmt::format("io_uring does not work as it should on kernel {}: {}: "
                                       "upgrade the kernel {}",
                                       here.kernel, failure, kUseEpoll),
                .error = EIO});
  }
  return Capabilities{.kernel = here.kernel, .slots_max = slots};
}

std::expected<Capabilities, Problem> probe() {
  const auto kernel = uring_under_probe();
  return probe(*kernel, Surroundings::read());
}

}  // namespace fanfare::io
