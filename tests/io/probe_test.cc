#include "broker/io/probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <string>
#include <utility>

#include "broker/io/backend.h"
#include "tests/io/child.h"

namespace fanfare::io {
namespace {

using testing::HasSubstr;

// A kernel that gives the answers it is set to; errors are positive.
struct Told {
  int set_up_error = 0, table_error = 0, buffers_error = 0;
  std::string features = {}, operations = {}, failure = {};
};
class Answers final : public UnderProbe {
 public:
  explicit Answers(Told told = {}) : told_(std::move(told)) {}
  std::uint32_t slots = 0;

  int set_up() override { return -told_.set_up_error; }
  std::string missing_features() override { return told_.features; }
  std::string missing_operations() override { return told_.operations; }
  int register_table(std::uint32_t wanted) override {
    slots = wanted;
    return -told_.table_error;
  }
  int register_buffers() override { return -told_.buffers_error; }
  std::string self_test() override { return told_.failure; }

 private:
  Told told_;
};

Surroundings a_machine() {
  return {.kernel = "6.1.0",
          .io_uring_disabled = 0,
          .descriptors = 20'000,
          .locked_memory = 8U << 20U,
          .seccomp = false};
}

std::string problem_of(const Told& told, const Surroundings& here = a_machine()) {
  Answers answers(told);
  const auto capabilities = probe(answers, here);
  return capabilities ? "none" : capabilities.error().message;
}

TEST(Probe, FindsThisMachineCapable) {
  raise_descriptor_limit();
  const auto capabilities = probe();
  ASSERT_TRUE(capabilities.has_value()) << capabilities.error().message;
  EXPECT_EQ(capabilities->slots_max, Surroundings::read().descriptors);
  EXPECT_FALSE(capabilities->kernel.empty());
}

TEST(Probe, AsksForATableAsLargeAsTheLimitOfDescriptors) {
  Answers answers;
  const auto capabilities = probe(answers, a_machine());
  ASSERT_TRUE(capabilities.has_value());
  EXPECT_EQ(answers.slots, 20'000U);
  EXPECT_EQ(capabilities->slots_max, 20'000U);
  Surroundings here = a_machine();
  here.descriptors = ~std::uint64_t{0};
  EXPECT_EQ(probe(answers, here)->slots_max, 1U << 20U);
}

TEST(Probe, SaysThatTheKernelIsTooOld) {
  Surroundings here = a_machine();
  here.kernel = "5.10.0-21-amd64";
  EXPECT_EQ(problem_of({.set_up_error = EINVAL}, here),
            "io_uring cannot be used: the kernel is 5.10.0-21-amd64, and 6.1 or later is needed: "
            "upgrade it or set [server] backend = \"epoll\"");
  EXPECT_THAT(problem_of({.features = "EXT_ARG, CQE_SKIP"}, here),
              HasSubstr("kernel 5.10.0-21-amd64 lacks the features EXT_ARG, CQE_SKIP"));
  EXPECT_THAT(problem_of({.operations = "SEND"}, here), HasSubstr("lacks the operations SEND"));
  EXPECT_THAT(problem_of({.buffers_error = EINVAL}, here), HasSubstr("rings of provided buffers"));
}

TEST(Probe, DistinguishesTheThreeWaysOfForbidding) {
  Surroundings here = a_machine();
  here.io_uring_disabled = 2;
  EXPECT_THAT(problem_of({.set_up_error = EPERM}, here),
              HasSubstr("sysctl kernel.io_uring_disabled = 2: set it to 0"));
  here.io_uring_disabled = 1;
  EXPECT_THAT(problem_of({.set_up_error = EPERM}, here), HasSubstr("kernel.io_uring_group"));
  here.io_uring_disabled = 0;
  EXPECT_THAT(problem_of({.set_up_error = EPERM}, here), HasSubstr("security module"));
  here.seccomp = true;
  EXPECT_THAT(problem_of({.set_up_error = EPERM}, here), HasSubstr("Docker 25"));
  EXPECT_THAT(problem_of({.set_up_error = ENOSYS}, here), HasSubstr("built without it"));
}

TEST(Probe, NamesTheLimitThatIsTooLow) {
  EXPECT_THAT(problem_of({.set_up_error = ENOMEM}),
              HasSubstr("RLIMIT_MEMLOCK (8192 KiB): raise it (LimitMEMLOCK=infinity"));
  EXPECT_THAT(problem_of({.set_up_error = EMFILE}), HasSubstr("RLIMIT_NOFILE is 20000"));
  EXPECT_THAT(problem_of({.table_error = EMFILE}), HasSubstr("a table of 20000 connections"));
  EXPECT_THAT(problem_of({.table_error = ENOMEM}), HasSubstr("Cannot allocate memory"));
  EXPECT_THAT(problem_of({.buffers_error = ENOMEM}), HasSubstr("receive buffers"));
}

TEST(Probe, SaysWhatTheSelfTestFound) {
  EXPECT_THAT(problem_of({.failure = "a short send was not reported"}),
              HasSubstr("does not work as it should on kernel 6.1.0: a short send was not"));
}

TEST(Probe, PassesOnWhatItDoesNotKnow) {
  EXPECT_THAT(problem_of({.set_up_error = EIO}), HasSubstr("Input/output error"));
}

// Forbids io_uring_setup to this process with `error`, as a container's profile does.
bool forbid_io_uring(std::uint32_t error) {
  std::array<sock_filter, 4> program = {
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{.len = program.size(), .filter = program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

TEST(Backend, UnderAContainersProfileSaysSoAndFallsBack) {
  const auto chosen = [](Backend wanted, std::uint32_t error) {
    return in_child([=]() -> std::string {
      if (!forbid_io_uring(error)) return "no filter";
      const auto choice = choose_backend(wanted);
      if (!choice) return choice.error().message;
      auto ring = make_ring(choice->backend, {});
      return ring ? std::string((*ring)->name()) + ": " + choice->why : ring.error().message;
    });
  };
  EXPECT_THAT(chosen(Backend::io_uring, EPERM),
              testing::StartsWith("io_uring cannot be used: a seccomp filter forbids it, as the "
                                  "default profile of Docker 25"));
  EXPECT_THAT(chosen(Backend::automatic, EPERM),
              testing::StartsWith("epoll: epoll (io_uring cannot be used: a seccomp filter"));
  EXPECT_THAT(chosen(Backend::io_uring, ENOSYS), HasSubstr("a container's profile hides it"));
}

TEST(Backend, NamesTheLimitToRaiseForAUserWithoutLockedMemory) {
  const std::string answer = in_child([]() -> std::string {
    const rlimit little{.rlim_cur = 16 << 10, .rlim_max = 16 << 10};
    if (::setrlimit(RLIMIT_MEMLOCK, &little) != 0) return "no limit";
    constexpr uid_t kNobody = 65534;
    if (::geteuid() == 0 && ::setresuid(kNobody, kNobody, kNobody) != 0) return "cannot be nobody";
    const auto ring = make_ring(Backend::io_uring, {});
    return ring ? "none" : ring.error().message;
  });
  EXPECT_THAT(answer, HasSubstr("its memory exceeds RLIMIT_MEMLOCK (16 KiB): raise it"));
}

TEST(Backend, UsesIoUringIfAllowedAndEpollIfConfigured) {
  const auto best = choose_backend(Backend::automatic);
  ASSERT_TRUE(best.has_value());
  EXPECT_EQ(best->backend, Backend::io_uring);
  EXPECT_EQ(best->slots_max, raise_descriptor_limit());
  EXPECT_THAT(best->why, testing::StartsWith("io_uring (kernel "));
  const auto told = choose_backend(Backend::epoll);
  ASSERT_TRUE(told.has_value());
  EXPECT_EQ(told->backend, Backend::epoll);
  EXPECT_EQ(told->slots_max, raise_descriptor_limit());
  EXPECT_THAT(told->why, testing::StartsWith("epoll (as configured), "));
}

}  // namespace
}  // namespace fanfare::io
