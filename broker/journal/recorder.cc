#include <cstring>
#include <utility>
#include <variant>

#include "broker/journal/item.h"
#include "broker/journal/item_kind.h"

#include "common/check.h"
#include "common/packing.h"

namespace fanfare::journal {
namespace {

Packer begin(std::string& items, ItemKind kind) {
  Packer packer(items);
  packer.value(kind);
  return packer;
}

}  // namespace

Recorder::Recorder(fanout::Log& log) : log_(log), written_(log.head()) {
  log.record_to([this](const fanout::Command& command) { record(command); });
}

Recorder::Taken Recorder::take(std::string spare, bool ends_segment) {
  spare.clear();
  if (ends_segment) known_.clear();
  return {.items = std::exchange(items_, std::move(spare)),
          .weight = std::exchange(weight_, false)};
}

void Recorder::record(const fanout::Command& command) {
  std::visit([this](const auto& what) { write(what); }, command);
}

void Recorder::know(fanout::ChannelId channel, Known known) {
  if (channel >= known_.size()) known_.resize(std::size_t{channel} + 1);
  known_[channel] = known;
}

bool Recorder::kept(fanout::ChannelId channel) {
  const fanout::Source& source = *log_.sources().all()[channel];
  const bool kept = source.limits.journal;
  const Known known = kept ? Known::kept : Known::not_kept;
  if (channel < known_.size() && known_[channel] == known) return kept;
  know(channel, known);
  begin(items_, ItemKind::name).value(channel).value(kept).text(source.name);
  weight_ = true;
  return kept;
}

// Numbers were given to events that are not written.
void Recorder::pass() {
  if (log_.head() == written_) return;
  written_ = log_.head();
  begin(items_, ItemKind::pass).value(written_);
}

void Recorder::write(const fanout::Appear& appear) {
  pass();
  know(appear.channel, appear.journal ? Known::kept : Known::not_kept);
  time_ = appear.time;
  weight_ = true;
  begin(items_, ItemKind::appear)
      .value(appear.channel)
      .value(appear.journal)
      .text(appear.name)
      .value(appear.time)
      .value(appear.keeps_latest);
}

// The one that is written for each event: in two pieces, and its texts.
void Recorder::write(const fanout::Append& append) {
  time_ = append.time;
  if (!kept(append.channel)) return;
  weight_ = true;
  written_ = append.sequence;
  const fanout::Event& event = append.event;
  AppendItem item{.channel = append.channel,
                  .sequence = append.sequence,
                  .time = append.time.nanoseconds,
                  .retry_ms = event.retry_ms.value_or(0),
                  .data_size = static_cast<std::uint32_t>(event.data.size()),
                  .type_size = static_cast<std::uint16_t>(event.type.size()),
                  .key_size = static_cast<std::uint16_t>(event.key.size()),
                  .has_retry = event.retry_ms.has_value(),
                  .removes = event.removes};
  char bytes[sizeof item];
  std::memcpy(bytes, &item, sizeof item);
  items_.append(bytes, sizeof bytes);
  items_.append(event.type).append(event.data).append(event.key);
}

void Recorder::write(const fanout::Evict& evict) {
  if (!kept(evict.channel)) return;
  weight_ = true;
  begin(items_, ItemKind::evict).value(evict.channel).value(evict.through);
}

void Recorder::write(const fanout::Finish& finish) {
  kept(finish.channel);
  time_ = finish.time;
  weight_ = true;
  begin(items_, ItemKind::finish).value(finish.channel).value(finish.time);
}

void Recorder::write(const fanout::Erase& erase) {
  kept(erase.channel);
  pass();
  time_ = erase.time;
  weight_ = true;
  begin(items_, ItemKind::erase).value(erase.channel).value(erase.time);
}

void Recorder::write(const fanout::Forget& forget) {
  kept(forget.channel);
  weight_ = true;
  begin(items_, ItemKind::forget).value(forget.channel);
  know(forget.channel, Known::no);
}

void Recorder::write(const fanout::OpenSegment& open) {
  if (!kept(open.channel)) return;
  begin(items_, ItemKind::open_segment).value(open.channel).value(open.footprint);
}

void Recorder::write(const fanout::CloseSegment& close) {
  if (!kept(close.channel)) return;
  begin(items_, ItemKind::close_segment).value(close.channel).value(close.small_next);
}

void Recorder::write(const fanout::AddReceipt& add) {
  if (!kept(add.channel)) return;
  weight_ = true;
  begin(items_, ItemKind::add_receipt)
      .value(add.channel)
      .text(add.key)
      .value(add.sequence)
      .value(add.time);
}

// Without weight: it only makes room.
void Recorder::write(const fanout::DropReceipts& drop) {
  if (drop.count == 0) return;
  begin(items_, ItemKind::drop_receipts).value(log_.receipts().through(drop.count));
}

template <class Other>
void Recorder::write(const Other& /*other*/) {
  CHECK(false, "a log that is recorded is not made again from an image");
}

}  // namespace fanfare::journal
