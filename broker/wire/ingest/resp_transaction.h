// RespTransaction: the commands that wait between MULTI and EXEC, copied because their input is
// gone by then. It does not know what they mean. There is a bound for each and one for those of all
// publishers; dropped commands are given back at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/wire/ingest/resp_commons.h"

namespace fanfare::ingest {

class RespTransaction {
 public:
  using Arguments = std::span<const std::string_view>;
  // What a waiting command costs in addition to its bytes: its offsets, the allocator's overhead,
  // and the work of its turn. 16 MiB hold 100,000 small commands, a tenth of a second of the lead's
  // loop.
  static constexpr std::size_t kCommandBytes = 128;

  // `commons` outlives it.
  explicit RespTransaction(RespCommons& commons) : commons_(commons) {}
  ~RespTransaction() { end(); }
  RespTransaction(const RespTransaction&) = delete;
  RespTransaction& operator=(const RespTransaction&) = delete;

  bool open() const { return open_; }
  // A command was refused: EXEC must refuse the rest.
  bool spoiled() const { return spoiled_; }

  void begin() { open_ = true; }
  void spoil();
  enum class Added : std::uint8_t { added, too_large, no_room };
  Added add(Arguments arguments);
  void end();

  // A waiting command, taken apart again.
  class Commands {
   public:
    std::size_t size() const { return packed_.size(); }
    // Until the next at(); the bytes they view live as long as this.
    Arguments at(std::size_t index);

   private:
    friend class RespTransaction;
    std::vector<std::string> packed_;
    std::vector<std::string_view> arguments_;
  };
  // All of them, in their order; ends the transaction.
  Commands take();

 private:
  RespCommons& commons_;
  std::size_t bytes_ = 0;
  std::vector<std::string> packed_;  // each: sizes of the arguments, then their bytes
  bool open_ = false;
  bool spoiled_ = false;
};

}  // namespace fanfare::ingest
