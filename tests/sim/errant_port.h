// ErrantPort: the broker's own H2Port, behind one that makes a mistake now and then if it is told
// to: what the port would do if it mixed streams up, forgot one that waits for room, or ended
// another than the one that its client has reset.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "broker/server/streams/h2_port.h"
#include "tests/sim/kernel.h"

namespace fanfare::sim {

class ErrantPort final : public server::SharedPort {
 public:
  ErrantPort(const Parts& parts, Kernel& kernel) : port_(parts), kernel_(kernel) {}

  void begin(io::Slot slot, server::Tick tick, std::string_view first) override {
    port_.begin(slot, tick, first);
  }
  void received(io::Slot slot, std::string_view bytes, server::Tick tick) override {
    port_.received(slot, bytes, tick);
  }
  void overdue(io::Slot slot, server::Tick tick) override { port_.overdue(slot, tick); }
  void writable(io::Slot slot) override { port_.writable(slot); }
  void answer(server::ExchangeId exchange, server::Tick tick,
              const server::HttpPort::Answerer& make) override {
    port_.answer(exchange, tick, make);
  }
  void leave(io::Slot slot) override { port_.leave(slot); }
  void opened(io::Slot slot, std::uint32_t stream, fanout::Member subscriber) override;
  std::optional<server::SharedOrder> next() override;
  std::vector<fanout::Member> subscribers(io::Slot slot) const override {
    return port_.subscribers(slot);
  }
  bool quiet(io::Slot slot) const override { return port_.quiet(slot); }
  bool waiting() const override { return port_.waiting(); }
  void release(io::Slot slot) override { port_.release(slot); }

  std::optional<std::size_t> take(io::Slot slot, fanout::Member subscriber,
                                  std::string_view bytes) override;
  void end(io::Slot slot, fanout::Member subscriber, server::Ending ending) override;
  void flush() override { port_.flush(); }
  void flushed(std::span<const io::Completion> cuts) override { port_.flushed(cuts); }

 private:
  bool errs(PlantedBug bug, double rate);

  server::H2Port port_;
  Kernel& kernel_;
  std::map<fanout::Member, io::Slot> slots_;
};

}  // namespace fanfare::sim
