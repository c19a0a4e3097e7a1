// Plan: how many shards, and how many connections each, from what the configuration wants and what
// the machine gives. Pure arithmetic, reported to the operator as one sentence at start-up.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "broker/server/base/options.h"

namespace fanfare::server {

struct Machine {
  std::uint32_t cores = 1;
  std::uint32_t slots_max = 0;  // of one ring; of all rings together where slots are shared
  bool slots_shared = false;    // epoll: one table of descriptors for the process
};

struct Plan {
  std::uint32_t shards = 1;
  std::uint32_t slots = 0;            // of each ring
  std::uint32_t subscribers_max = 0;  // of each shard: slots less what is kept in reserve
  std::uint64_t connections_max = 0;  // subscribers of the broker, exactly
  std::uint64_t descriptors = 0;  // at most, where slots are shared; else 0: rings have their own
  std::string sentence;           // "2 shards, up to 39,296 connections: ..."
};

// The error says which key asks for more than the machine has, and what would be right.
std::expected<Plan, std::string> make_plan(const Options& options, const Machine& machine);

}  // namespace fanfare::server
