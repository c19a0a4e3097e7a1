#include "broker/io/uring_probe.h"

#include <fmt/format.h>
#include <liburing.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include "broker/io/uring_buffers.h"
#include "broker/io/uring_setup.h"

namespace fanfare::io {
namespace {

struct Named {
  unsigned value;
  const char* name;
};

constexpr Named kFeatures[] = {
    {IORING_FEAT_NODROP, "NODROP"},       {IORING_FEAT_SUBMIT_STABLE, "SUBMIT_STABLE"},
    {IORING_FEAT_FAST_POLL, "FAST_POLL"}, {IORING_FEAT_EXT_ARG, "EXT_ARG"},
    {IORING_FEAT_CQE_SKIP, "CQE_SKIP"},
};

constexpr Named kOperations[] = {
    {IORING_OP_ACCEPT, "ACCEPT"},
    {IORING_OP_RECV, "RECV"},
    {IORING_OP_SEND, "SEND"},
    {IORING_OP_POLL_ADD, "POLL_ADD"},
    {IORING_OP_READ, "READ"},
    {IORING_OP_CONNECT, "CONNECT"},
    {IORING_OP_SHUTDOWN, "SHUTDOWN"},
    {IORING_OP_CLOSE, "CLOSE"},
    {IORING_OP_ASYNC_CANCEL, "ASYNC_CANCEL"},
};

void name_missing(std::string& list, const char* name) {
  list += list.empty() ? "" : ", ";
  list += name;
}

// Two connected stream sockets, the first of which is put into place 0 of the table.
class SocketPair {
 public:
  SocketPair() {
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_.data()) != 0) ends_ = {-1, -1};
  }
  ~SocketPair() {
    for (const int end : ends_) {
      if (end >= 0) ::close(end);
    }
  }
  SocketPair(const SocketPair&) = delete;
  SocketPair& operator=(const SocketPair&) = delete;
  int ours() const { return ends_[0]; }
  int peer() const { return ends_[1]; }

 private:
  std::array<int, 2> ends_{};
};

class UringUnderProbe final : public UnderProbe {
 public:
  ~UringUnderProbe() override {
    if (open_) io_uring_queue_exit(&ring_);
  }

  int set_up() override {
    const int error = set_up_uring(ring_, 8, 16);
    open_ = error == 0;
    return error;
  }

  std::string missing_features() override {
    std::string missing;
    for (const Named& feature : kFeatures) {
      if ((ring_.features & feature.value) == 0) name_missing(missing, feature.name);
    }
    return missing;
  }

  std::string missing_operations() override {
    const std::unique_ptr<io_uring_probe, decltype(&io_uring_free_probe)> answer(
        io_uring_get_probe_ring(&ring_), io_uring_free_probe);
    if (!answer) return "the list of operations itself";
    std::string missing;
    for (const Named& operation : kOperations) {
      if (io_uring_opcode_supported(answer.get(), static_cast<int>(operation.value)) == 0) {
        name_missing(missing, operation.name);
      }
    }
    return missing;
  }

  int register_table(std::uint32_t slots) override { return io::register_table(ring_, slots); }

  int register_buffers() override {
    return buffers_.emplace(BufferPoolOptions{.size = 64, .count = 8}, kGroup).register_with(ring_);
  }

  // Flags of requests cannot be asked for, only tried: a receive into a provided buffer, a silent
  // complete send, and a send into a full socket that must not be silent.
  std::string self_test() override {
    const SocketPair pair;
    const int ours = pair.ours();
    if (ours < 0) return fmt::format("no socket pair: {}", std::strerror(errno));
    if (io_uring_register_files_update(&ring_, 0, &ours, 1) != 1) {
      return "the table refuses a descriptor";
    }
    if (::send(pair.peer(), "fanfare", 7, MSG_NOSIGNAL) != 7) return "the socket pair is broken";
    io_uring_sqe* request = io_uring_get_sqe(&ring_);
    io_uring_prep_recv(request, 0, nullptr, 0, 0);
    request->flags |= IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT;
    request->buf_group = kGroup;
    const std::optional<Answer> received = first_completion();
    if (!received || received->result != 7 || (received->flags & IORING_CQE_F_BUFFER) == 0) {
      return "a receive into a provided buffer failed";
    }
    quiet_send("ok");
    if (first_completion()) return "a complete send was not silent";
    const std::string flood(std::size_t{4} << 20U, 'f');
    quiet_send(flood);
    const std::optional<Answer> cut = first_completion();
    if (!cut || cut->result <= 0 || static_cast<std::size_t>(cut->result) >= flood.size()) {
      return "a short send was not reported";
    }
    return {};
  }

 private:
  static constexpr std::uint16_t kGroup = 0;

  void quiet_send(std::string_view bytes) {
    io_uring_sqe* const request = io_uring_get_sqe(&ring_);
    io_uring_prep_send(request, 0, bytes.data(), bytes.size(),
                       MSG_NOSIGNAL | MSG_DONTWAIT | MSG_WAITALL);
    request->flags |= IOSQE_FIXED_FILE | IOSQE_CQE_SKIP_SUCCESS;
  }

  struct Answer {
    int result;
    unsigned flags;
  };

  // Submits; what has completed by then.
  std::optional<Answer> first_completion() {
    if (io_uring_submit_and_get_events(&ring_) < 0) return std::nullopt;
    io_uring_cqe* completion = nullptr;
    if (io_uring_peek_cqe(&ring_, &completion) != 0) return std::nullopt;
    const Answer answer{.result = completion->res, .flags = completion->flags};
    io_uring_cqe_seen(&ring_, completion);
    return answer;
  }

  std::optional<UringBuffers> buffers_;  // outlives the ring
  io_uring ring_{};
  bool open_ = false;
};

}  // namespace

std::unique_ptr<UnderProbe> uring_under_probe() {
  return std::make_unique<UringUnderProbe>();
}

}  // namespace fanfare::io
