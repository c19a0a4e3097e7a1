// H2Port: HTTP/2 on the subscriber listeners (RFC 9113 §3.3), where a client negotiated it over
// TLS, and beside HTTP/1.1 in clear. A connection that begins with the preface becomes an
// H2Connection, any other goes to the HttpPort as if there were no H2Port.
//
// Thread: the shard's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/server/streams/h2_connection.h"
#include "broker/server/streams/shared_port.h"

namespace fanfare::server {

class H2Port final : public SharedPort {
 public:
  explicit H2Port(const Parts& parts) : room_(parts) {}

  void begin(io::Slot slot, Tick tick, std::string_view first) override;
  void received(io::Slot slot, std::string_view bytes, Tick tick) override;
  void overdue(io::Slot slot, Tick tick) override;
  void writable(io::Slot slot) override;
  void answer(ExchangeId exchange, Tick tick, const HttpPort::Answerer& make) override;
  void leave(io::Slot slot) override;
  void opened(io::Slot slot, std::uint32_t stream, fanout::Member subscriber) override;
  std::optional<SharedOrder> next() override;
  std::vector<fanout::Member> subscribers(io::Slot slot) const override;
  bool quiet(io::Slot slot) const override;
  bool waiting() const override { return !marked_.empty(); }
  void release(io::Slot slot) override;

  std::optional<std::size_t> take(io::Slot slot, fanout::Member subscriber,
                                  std::string_view bytes) override;
  void end(io::Slot slot, fanout::Member subscriber, Ending ending) override;
  void flush() override;
  void flushed(std::span<const io::Completion> cuts) override;

 private:
  struct Sent {
    io::Slot slot = 0;
    std::size_t size = 0;
  };

  void recognise(io::Slot slot, std::string_view bytes, Tick tick);
  H2Connection& connection(io::Slot slot) { return *connections_.at(slot); }
  void mark(io::Slot slot, H2Connection& connection);

  H2Room room_;
  std::unordered_map<io::Slot, std::string> greeted_;  // the preface's first bytes, and no more yet
  std::unordered_map<io::Slot, std::unique_ptr<H2Connection>> connections_;
  std::vector<io::Slot> marked_;  // may have something to send
  std::vector<Sent> in_flight_;   // between flush() and flushed()
};

}  // namespace fanfare::server
