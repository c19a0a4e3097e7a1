#include "broker/client/publisher.h"

#include <fmt/format.h>

#include <array>
#include <iterator>

#include "broker/client/json.h"

#include "common/check.h"
#include "common/counted.h"

namespace fanfare::client {
namespace {

// One write of this size costs the kernel little more than one of a single line.
constexpr std::size_t kSendBytes = 64U << 10U;

Reply parse_reply(std::string line) {
  Reply reply;
  reply.line = std::move(line);
  auto read = receipt(reply.line);
  if (!read) {
    reply.refusal =
        fmt::format("the broker answered with something other than JSON: {}", reply.line);
    return reply;
  }
  reply.refusal = std::move(read->error);
  if (!reply.refusal.empty()) return reply;
  reply.ids = std::move(read->ids);
  reply.duplicate = read->duplicate;
  return reply;
}

std::unexpected<Error> closed_early(std::size_t unanswered) {
  return std::unexpected(Error{
      Fault::connection, fmt::format("the broker closed the connection before it had answered "
                                     "{}",
                                     counted(unanswered, "line"))});
}

}  // namespace

std::expected<Publisher, Error> Publisher::connect(std::string_view path, TimePoint deadline,
                                                   const Stop* stop) {
  Endpoint endpoint;
  endpoint.unix_path = path;
  endpoint.role = "the ingest socket";
  auto socket = Socket::connect(endpoint, deadline, stop);
  if (!socket) return std::unexpected(socket.error());
  return Publisher(std::move(*socket));
}

std::expected<void, Error> Publisher::publish(const Publication& publication, TimePoint deadline) {
  std::string line = "{\"channel\":";
  append_quoted(line, publication.channel);
  if (!publication.event.empty()) {
    line += ",\"event\":";
    append_quoted(line, publication.event);
  }
  if (publication.retry_ms)
    fmt::format_to(std::back_inserter(line), ",\"retry\":{}", *publication.retry_ms);
  if (!publication.key.empty()) {
    line += ",\"key\":";
    append_quoted(line, publication.key);
  }
  if (!publication.idempotency_key.empty()) {
    line += ",\"id\":";
    append_quoted(line, publication.idempotency_key);
  }
  line += ",\"data\":";
  append_quoted(line, publication.data);
  line += '}';
  return publish_line(line, deadline);
}

std::expected<void, Error> Publisher::finish(std::string_view channel, TimePoint deadline) {
  std::string line = "{\"op\":\"finish\",\"channel\":";
  append_quoted(line, channel);
  line += '}';
  return publish_line(line, deadline);
}

std::expected<void, Error> Publisher::publish_line(std::string_view line, TimePoint deadline) {
  CHECK(line.find('\n') == line.npos, "a line feed would make two lines of one");
  out_ += line;
  out_ += '\n';
  ++outstanding_;
  while (out_.size() - out_sent_ >= kSendBytes) {
    if (ended_) return closed_early(outstanding_);
    if (auto advanced = advance(deadline); !advanced) return advanced;
  }
  return {};
}

std::expected<Reply, Error> Publisher::next_reply(TimePoint deadline) {
  CHECK(outstanding_ > 0, "a reply can only follow a line");
  while (replies_.empty()) {
    if (ended_) return closed_early(outstanding_);
    if (auto advanced = advance(deadline); !advanced) return std::unexpected(advanced.error());
  }
  Reply reply = std::move(replies_.front());
  replies_.pop_front();
  --outstanding_;
  return reply;
}

// One step of sending, of receiving, or of both.
std::expected<void, Error> Publisher::advance(TimePoint deadline) {
  std::array<char, 16U << 10U> received;
  const auto progress =
      socket_.exchange(std::string_view(out_).substr(out_sent_), received, deadline);
  if (!progress) return std::unexpected(progress.error());
  out_sent_ += progress->sent;
  if (out_sent_ == out_.size()) {
    out_.clear();
    out_sent_ = 0;
  }
  take_in({received.data(), progress->received});
  ended_ = progress->received_end;
  return {};
}

void Publisher::take_in(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    partial_ += bytes.substr(0, end);
    if (end == bytes.npos) return;
    replies_.push_back(parse_reply(std::exchange(partial_, {})));
    bytes.remove_prefix(end + 1);
  }
}

}  // namespace fanfare::client
