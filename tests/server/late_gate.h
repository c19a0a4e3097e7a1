// LateGate: a gate that is late: a batch is durable when the test says so.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "broker/server/base/gate.h"

namespace fanfare::server::testing {

class LateGate final : public Gate {
 public:
  void take(const fanout::BatchPtr& batch) override { heads_.push_back(batch->head); }
  std::uint64_t durable() const override { return durable_; }
  std::string_view failure() const override { return failure_; }

  // So many batches are durable.
  void write(std::uint64_t batches) { durable_ = batches; }
  // And no further one ever will be.
  void fail(std::string_view why) { failure_ = why; }
  void write_all() { durable_ = heads_.size(); }
  // The newest event in each batch that it was given.
  const std::vector<fanout::Sequence>& heads() const { return heads_; }

 private:
  std::vector<fanout::Sequence> heads_;
  std::uint64_t durable_ = 0;
  std::string_view failure_;
};

}  // namespace fanfare::server::testing
