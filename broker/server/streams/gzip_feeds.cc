#include "broker/server/streams/gzip_feeds.h"

#include <algorithm>
#include <bit>

#include "broker/wire/http/chunk.h"

#include "common/check.h"

namespace fanfare::server {
namespace {

// A restart costs a round's text almost uncompressed: with one in 32 rounds, machine metrics take a
// tenth more bytes than without (fanfare-micro, compress). In a feed with few events it costs
// little whenever it comes.
constexpr std::uint32_t kRestartRounds = 32;
constexpr Tick kRestartTicks = ticks(15s);

constexpr std::size_t kBufferMin = 1024 - sizeof(fanout::Segment);

void append_carried(std::string& out, fanout::Framing framing, std::string_view bytes) {
  if (is_chunked(framing)) {
    http::append_chunk(out, bytes);
  } else {
    out += bytes;
  }
}

}  // namespace

bool GzipFeeds::enter(Number feed, std::uint32_t feeds_max) {
  const auto found = feeds_.find(feed);
  if (found == feeds_.end() && feeds_.size() >= feeds_max) {
    ++counters_.compressors_refused_total;
    return false;
  }
  auto& shared = found == feeds_.end() ? feeds_[feed] : found->second;
  if (!shared) shared = std::make_unique<Shared>();
  ++shared->streams;
  counters_.compressors = feeds_.size();
  return true;
}

void GzipFeeds::leave(Number feed) {
  if (--shared(feed).streams > 0) return;
  feeds_.erase(feed);
  counters_.compressors = feeds_.size();
}

void GzipFeeds::begin(Member member, const http::TextSum& said) {
  if (member >= sums_.size()) sums_.resize(std::max<std::size_t>(2 * sums_.size(), member + 1));
  sums_[member] = {said, {}};
}

void GzipFeeds::note(Member member, std::string_view text) {
  http::TextSum sum = sums_[member].sum({});
  sum.add(text);
  sums_[member] = {sum, {}};
}

void GzipFeeds::append(std::string& out, Member member, fanout::Framing framing,
                       std::string_view text) {
  if (text.empty()) return;
  note(member, text);
  scratch_.clear();
  http::append_stored(scratch_, text);
  append_carried(out, framing, scratch_);
}

void GzipFeeds::append_end(std::string& out, Member member, fanout::Framing framing) {
  scratch_.clear();
  http::append_gzip_end(scratch_, sums_[member].sum({}));
  append_carried(out, framing, scratch_);
  if (is_chunked(framing)) out += http::kLastChunk;
}

bool GzipFeeds::may_join(Number feed, Tick tick) {
  Shared& shared = this->shared(feed);
  shared.restart = shared.restart || shared.members == 0 || shared.rounds >= kRestartRounds ||
                   tick - shared.restarted >= kRestartTicks;
  return shared.restart;
}

void GzipFeeds::join(Number feed, Member member) {
  Shared& shared = this->shared(feed);
  CHECK(shared.restart, "a member joins before a restart");
  ++shared.members;
  sums_[member] = {sums_[member].sum({}), shared.now};
}

// A member that has had the last round stands at its end, or later.
void GzipFeeds::left(Number feed, Member member, fanout::Sequence at) {
  Shared& shared = this->shared(feed);
  --shared.members;
  sums_[member] = {sums_[member].sum(at >= shared.last ? shared.now : shared.before), {}};
}

fanout::Span GzipFeeds::span_of(const std::string& bytes, const fanout::Span& text) {
  fanout::Span span{.keeps = buffers_.take(std::max(kBufferMin, std::bit_ceil(bytes.size()))),
                    .events = text.events,
                    .last = text.last};
  char* const data = span.keeps->blank().data();
  std::ranges::copy(bytes, data);
  span.data = data;
  span.size = bytes.size();
  buffers_.put(span.keeps);
  return span;
}

fanout::Span GzipFeeds::stored(fanout::Framing framing, const fanout::Span& text) {
  scratch_.clear();
  http::append_stored(scratch_, {text.data, text.size});
  std::string carried;
  append_carried(carried, framing, scratch_);
  return span_of(carried, text);
}

const fanout::Span& GzipFeeds::packed(Number feed, fanout::Framing framing,
                                      const fanout::Span& text, Tick tick) {
  Shared& shared = this->shared(feed);
  if (text.last <= shared.last) return shared.last_round;
  if (shared.restart) {
    shared.deflater.restart();
    shared.restarted = tick;
    shared.rounds = 0;
    shared.restart = false;
  }
  ++shared.rounds;
  const std::string_view whole(text.data, text.size);
  shared.before = shared.now;
  shared.now.add(whole);
  shared.last = text.last;
  const std::string_view bytes = shared.deflater.compress(whole);
  scratch_.clear();
  append_carried(scratch_, framing, bytes);
  shared.last_round = span_of(scratch_, text);
  counters_.compressed_text_bytes_total += whole.size();
  counters_.compressed_bytes_total += bytes.size();
  return shared.last_round;
}

}  // namespace fanfare::server
