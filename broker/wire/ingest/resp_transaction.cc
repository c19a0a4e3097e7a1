#include "broker/wire/ingest/resp_transaction.h"

#include <cstring>
#include <utility>

namespace fanfare::ingest {
namespace {

using Size = std::uint32_t;  // an argument is at most [limits] event_bytes long

void append_size(std::string& packed, std::size_t size) {
  const auto narrow = static_cast<Size>(size);
  char bytes[sizeof narrow];
  std::memcpy(bytes, &narrow, sizeof narrow);
  packed.append(bytes, sizeof narrow);
}

Size size_at(std::string_view packed, std::size_t index) {
  Size size = 0;
  std::memcpy(&size, packed.data() + index * sizeof size, sizeof size);
  return size;
}

}  // namespace

RespTransaction::Added RespTransaction::add(Arguments arguments) {
  std::size_t size = (arguments.size() + 1) * sizeof(Size);
  for (const std::string_view argument : arguments) size += argument.size();
  const std::size_t cost = size + kCommandBytes;
  if (bytes_ + cost > commons_.transaction_bytes_max) return Added::too_large;
  if (commons_.queued_bytes + cost > commons_.queued_bytes_max) return Added::no_room;
  std::string& packed = packed_.emplace_back();
  packed.reserve(size);
  append_size(packed, arguments.size());
  for (const std::string_view argument : arguments) append_size(packed, argument.size());
  for (const std::string_view argument : arguments) packed += argument;
  bytes_ += cost;
  commons_.queued_bytes += cost;
  return Added::added;
}

void RespTransaction::spoil() {
  end();
  open_ = spoiled_ = true;
}

void RespTransaction::end() {
  commons_.queued_bytes -= std::exchange(bytes_, 0);
  std::vector<std::string>().swap(packed_);
  open_ = spoiled_ = false;
}

RespTransaction::Commands RespTransaction::take() {
  Commands commands;
  commands.packed_ = std::move(packed_);
  end();
  return commands;
}

RespTransaction::Arguments RespTransaction::Commands::at(std::size_t index) {
  const std::string_view packed = packed_[index];
  const std::size_t count = size_at(packed, 0);
  std::size_t offset = (count + 1) * sizeof(Size);
  arguments_.clear();
  for (std::size_t i = 1; i <= count; ++i) {
    arguments_.push_back(packed.substr(offset, size_at(packed, i)));
    offset += arguments_.back().size();
  }
  return arguments_;
}

}  // namespace fanfare::ingest
