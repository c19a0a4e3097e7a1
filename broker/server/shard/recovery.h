// Recovery: where a broker's log comes from when it starts: from its journal, from the broker whose
// place it takes, or from nowhere. And the journal, while the broker runs.
//
// Thread: the one that starts and joins the shards; gate() is the lead's.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "broker/fanout/log_clock.h"
#include "broker/journal/journal.h"
#include "broker/server/base/gate.h"
#include "broker/server/base/options.h"
#include "broker/server/shard/shard.h"
#include "broker/server/shard/take_over.h"

namespace fanfare::server {

class Recovery {
 public:
  // The log of an earlier life, or an empty one that is journaled; null: the log is new. What is
  // read of a journal, and how far that has come, is said on the operator's log. `from`: the broker
  // whose place this one takes; may be null.
  std::expected<std::shared_ptr<RecoveredLog>, journal::Problem> recover(
      const JournalOptions& options, const TakeOver* from);
  // Why another process cannot take over, as a sentence.
  std::optional<std::string> hand_over_problem() const;
  // Null: all that is sealed is durable.
  Gate* gate() { return gate_ ? &*gate_ : nullptr; }
  // From now on it is written; `wake` wakes the lead.
  std::expected<void, journal::Problem> begin(const std::function<void()>& wake);
  // The shards have ended: what is left is written.
  void end();

 private:
  // What was sealed is durable when the journal has it, as its level says.
  class JournalGate final : public Gate {
   public:
    explicit JournalGate(journal::Journal& journal) : journal_(journal) {}

    void take(const fanout::BatchPtr& /*batch*/) override { journal_.commit(); }
    std::uint64_t durable() const override { return journal_.durable(); }
    std::string_view failure() const override { return journal_.failure(); }
    std::optional<journal::Figures> journal() const override { return journal_.figures(); }

   private:
    journal::Journal& journal_;
  };

  std::unique_ptr<journal::Journal> journal_;
  std::optional<JournalGate> gate_;
  fanout::LogClock clock_;  // as the lead's
};

}  // namespace fanfare::server
