// Gate: what stands between "appended" and "durable". The lead hands it every batch that it seals;
// acks wait, and subscribers see nothing of the batch, until the gate says that it is durable. It
// may be late, by seconds; it never changes the order.
//
// The lead never waits for a gate. A gate that writes does so on a thread of its own, and wakes
// the lead.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "broker/fanout/batch.h"
#include "broker/journal/figures.h"

namespace fanfare::server {

class Gate {
 public:
  virtual ~Gate() = default;

  // The next batch of the log: each comes once, in order. A gate that needs it for longer keeps a
  // reference. Thread: the lead's.
  virtual void take(const fanout::BatchPtr& batch) = 0;
  // How many of the batches are durable: all of them up to that one. Never falls, and never
  // exceeds the number of batches it was given. Asked in every turn of the lead, once what it
  // published is sealed; a gate whose answer grows between two turns calls Switchboard::wake_lead.
  virtual std::uint64_t durable() const = 0;
  // Why no further batch will ever be durable, as half a sentence; empty: it will. Once it says so
  // it stays so.
  virtual std::string_view failure() const { return {}; }
  // What its journal does; nothing: it has none.
  virtual std::optional<journal::Figures> journal() const { return std::nullopt; }
};

// History in memory only: what is sealed is as durable as it will ever be.
class OpenGate final : public Gate {
 public:
  void take(const fanout::BatchPtr& /*batch*/) override { ++taken_; }
  std::uint64_t durable() const override { return taken_; }

 private:
  std::uint64_t taken_ = 0;
};

}  // namespace fanfare::server
