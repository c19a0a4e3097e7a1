#include "broker/server/streams/outlets.h"

#include <algorithm>
#include <cerrno>

#include "common/check.h"

namespace fanfare::server {
namespace {

bool is_full(std::int32_t result) {
  return result >= 0 || result == -EAGAIN || result == -ENOBUFS || result == -ENOMEM;
}

}  // namespace

TimePoint Outlets::flush(std::vector<io::Completion>& completions, std::vector<Cut>& cuts) {
  if (boxes_ != nullptr) boxes_->flush();
  const std::size_t before = completions.size();
  loop_.submit_begins();
  ring_.submit(completions);
  loop_.submit_ends();
  std::size_t kept = before;
  for (std::size_t i = before; i < completions.size(); ++i) {
    const auto& [token, result, more, data, buffer] = completions[i];
    if (token.kind != static_cast<std::uint8_t>(Op::send)) {
      completions[kept++] = completions[i];
      continue;
    }
    if (token.generation != 0) {
      sends_of_boxes_.push_back(completions[i]);
      continue;
    }
    cuts.push_back({.subscriber = token.index,
                    .taken = static_cast<std::size_t>(std::max(result, 0)),
                    .broken = !is_full(result)});
  }
  completions.resize(kept);
  if (boxes_ != nullptr) boxes_->flushed(sends_of_boxes_);
  sends_of_boxes_.clear();
  cuts.insert(cuts.end(), box_cuts_.begin(), box_cuts_.end());
  box_cuts_.clear();
  return ring_.now();
}

void Outlets::flush_boxes(std::vector<io::Completion>& completions) {
  std::vector<Cut> cuts;
  flush(completions, cuts);
  CHECK(cuts.empty(), "only what was offered is cut");
}

void Outlets::await_room(Member subscriber) {
  const Outlet outlet = subscribers_[subscriber].outlet;
  if (outlet.is_box()) return;  // it has owed that since it took less than all
  const io::Slot slot = outlet.slot();
  Connection& connection = connections_[slot];
  if (connection.writable_armed) return;
  connection.writable_armed = true;
  ring_.poll(slot, io::Interest::writable, connections_.token(Op::poll_writable, slot));
}

void Outlets::end(Member subscriber, Ending ending) {
  const Outlet outlet = subscribers_[subscriber].outlet;
  if (outlet.is_box()) boxes_->end(outlet.slot(), subscriber, ending);
}

void Outlets::put(Outlet outlet, Member subscriber, std::string_view bytes) {
  const std::optional<std::size_t> taken = boxes_->take(outlet.slot(), subscriber, bytes);
  if (taken == bytes.size()) return;
  box_cuts_.push_back(
      {.subscriber = subscriber, .taken = taken.value_or(0), .broken = !taken.has_value()});
}

}  // namespace fanfare::server
