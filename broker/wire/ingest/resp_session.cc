#include "broker/wire/ingest/resp_session.h"

#include <utility>

#include "broker/wire/ingest/resp_reply.h"

namespace fanfare::ingest {
namespace {

// In addition to its data a command carries its framing, a channel and a few options; DEL and
// NUMSUB carry many channels.
constexpr std::size_t kCommandOverhead = 64U << 10U;
// The capacity kept for the next cut command; anything above it is freed.
constexpr std::size_t kKeptCapacity = 4U << 10U;
// Room for the replies of commands that wait: if less is left before the next pause, no command
// waits.
constexpr std::size_t kWaitingReplies = 4U << 10U;

}  // namespace

RespSession::RespSession(Sink& sink, const SessionOptions& options)
    : event_bytes_(options.event_bytes),
      reader_(options.event_bytes_now != nullptr ? *options.event_bytes_now : event_bytes_,
              kCommandOverhead),
      commands_(sink, options),
      reply_bytes_(options.reply_bytes) {
  waiting_.reserve(RespCommands::kTogetherMax);
}

void RespSession::receive(std::string_view in, std::string& out) {
  if (closed_) return;
  reply_end_ = out.size() + reply_bytes_;
  if (paused_) {
    paused_ = false;
    kept_ += in;
    const std::string text = std::exchange(kept_, {});
    std::string_view rest = text;
    serve(rest, out);
    return keep(rest);
  }
  complete_kept(in, out);
  if (in.empty()) return;
  serve(in, out);
  keep(in);
}

// Adds to the cut command only the bytes that it lacks, so that what follows it is read in place.
void RespSession::complete_kept(std::string_view& in, std::string& out) {
  while (!kept_.empty() && !in.empty()) {
    const std::size_t missing = reader_.missing(kept_, in);
    kept_ += in.substr(0, missing);
    in.remove_prefix(missing);
    std::string_view rest = kept_;
    act(reader_.read(rest), rest, out);
    kept_.erase(0, kept_.size() - rest.size());
    if (closed_) in = kept_ = {};
  }
}

// PUBLISH commands are read up to RespCommands::kTogetherMax at a time before the first of them is
// run, so that the Sink can look up all their channels at once. All are run, and answered, in their
// order.
void RespSession::serve(std::string_view& text, std::string& out) {
  while (!text.empty()) {
    const bool in_place = text[0] == '*';  // the arguments of an inline command are not in `text`
    const RespReader::Result read = reader_.read(text);
    if (in_place && read.step == RespReader::Step::command &&
        out.size() + kWaitingReplies < reply_end_ &&
        commands_.postpone(reader_.arguments(), waiting_)) {
      text.remove_prefix(read.consumed);
      if (waiting_.size() == RespCommands::kTogetherMax) run_waiting(out);
      continue;
    }
    run_waiting(out);
    if (!act(read, text, out)) return;
  }
  run_waiting(out);
}

void RespSession::run_waiting(std::string& out) {
  commands_.publish(waiting_, out);
  waiting_.clear();
}

// Takes what was read off `text`. False: no further step is possible now.
bool RespSession::act(RespReader::Result read, std::string_view& text, std::string& out) {
  const auto [step, consumed] = read;
  switch (step) {
    case RespReader::Step::command:
      commands_.run(reader_.arguments(), out);
      closed_ = commands_.quit();
      break;
    case RespReader::Step::passed_over:
      resp::append_error(out, reader_.problem());
      commands_.passed_over();
      break;
    case RespReader::Step::protocol_error:
      resp::append_error(out, reader_.problem());
      commands_.passed_over();
      closed_ = true;
      break;
    case RespReader::Step::nothing:
      break;
    case RespReader::Step::more:
      text.remove_prefix(consumed);
      return false;
  }
  text.remove_prefix(consumed);
  paused_ = !closed_ && out.size() >= reply_end_ && !text.empty();
  return !closed_ && !paused_;
}

void RespSession::keep(std::string_view rest) {
  if (closed_) rest = {};
  kept_.assign(rest);
  if (kept_.empty() && kept_.capacity() > kKeptCapacity) std::string().swap(kept_);
}

// `printf 'PING' | nc -U ...`: a last inline command may lack its line feed.
void RespSession::end_of_input(std::string& out) {
  if (closed_ || kept_.empty() || kept_.starts_with('*') || reader_.inside_array()) return;
  receive("\n", out);
}

}  // namespace fanfare::ingest
