// How items begin: with what they are.
#pragma once

#include <cstdint>

#include "broker/fanout/batch.h"
#include "broker/fanout/event_id.h"

namespace fanfare::journal {

enum class ItemKind : std::uint8_t {
  name = 1,  // the channel has this name, and was there before the segment began
  appear,
  append,
  evict,
  finish,
  erase,
  forget,
  open_segment,
  close_segment,
  add_receipt,
  drop_receipts,
  pass,  // the log has come to this number
};

#pragma pack(push, 1)
// An event: its type, its data and its key follow.
struct AppendItem {
  ItemKind kind = ItemKind::append;
  fanout::ChannelId channel;
  fanout::Sequence sequence;
  std::int64_t time;
  std::uint32_t retry_ms;
  std::uint32_t data_size;
  std::uint16_t type_size;
  std::uint16_t key_size;
  bool has_retry;
  bool removes;
};
#pragma pack(pop)

}  // namespace fanfare::journal
