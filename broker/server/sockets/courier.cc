#include "broker/server/sockets/courier.h"

#include <algorithm>
#include <cerrno>
#include <span>
#include <utility>

namespace fanfare::server {

void Courier::queue(io::Slot slot, std::string_view text, After after) {
  queued_.push_back({connections_.token(Op::send, slot), text, after});
}

void Courier::send(io::Token token, std::string_view text, std::vector<Result>& results) {
  const Connection* const connection = connections_.find(token);
  if (connection == nullptr || connection->state == State::closing) return;
  ring_.send(token.index, std::as_bytes(std::span(text.data(), text.size())), token);
  results.push_back({token.index, token.generation, static_cast<std::int32_t>(text.size())});
}

std::vector<io::Token> Courier::drop_held() {
  std::vector<io::Token> dropped;
  for (const Held& held : std::exchange(held_, {})) dropped.push_back(held.token);
  return dropped;
}

void Courier::flush(std::vector<io::Completion>& completions, std::vector<Result>& results) {
  const std::size_t first = results.size();
  const std::uint64_t told = heads_.told.batches;
  for (; !held_.empty() && held_.front().place <= told; held_.pop_front()) {
    send(held_.front().token, held_.front().text, results);
  }
  for (const auto& [token, text, after] : queued_) {
    if (after == After::log && heads_.waits()) {
      held_.push_back({token, text, heads_.appended.batches});
    } else {
      send(token, text, results);
    }
  }
  queued_.clear();
  const std::size_t before = completions.size();
  loop_.submit_begins();
  ring_.submit(completions);
  loop_.submit_ends();
  std::size_t kept = before;
  for (std::size_t i = before; i < completions.size(); ++i) {
    const io::Completion& completion = completions[i];
    if (completion.token.kind != static_cast<std::uint8_t>(Op::send)) {
      completions[kept++] = completion;
      continue;
    }
    const auto of_this =
        std::find_if(results.begin() + static_cast<std::ptrdiff_t>(first), results.end(),
                     [&](const Result& result) { return result.slot == completion.token.index; });
    if (of_this == results.end()) continue;
    const bool full = completion.result == -EAGAIN || completion.result == -ENOBUFS ||
                      completion.result == -ENOMEM;
    of_this->result = full ? 0 : completion.result;
  }
  completions.resize(kept);
}

}  // namespace fanfare::server
