// NdjsonSession: a publisher that writes a JSON object per line and reads one back for each. See
// session.h for the contract. A line that is too long to be kept is skipped and refused like any
// other bad line; the next line break puts both sides in step again.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/wire/ingest/ndjson_line.h"
#include "broker/wire/ingest/session.h"

namespace fanfare::ingest {

class NdjsonSession final : public Session {
 public:
  // A connection.
  NdjsonSession(Sink& sink, const SessionOptions& options);
  // The body of one HTTP request: lines may leave out the channel, and nothing can be watched.
  NdjsonSession(Sink& sink, const SessionOptions& options, std::string_view default_channel);

  void receive(std::string_view in, std::string& out) override;
  void end_of_input(std::string& out) override;
  bool closed() const override { return closed_; }
  bool paused() const override { return paused_; }
  std::uint64_t watches() const override { return watches_; }
  std::span<const std::string> watched() const override { return watched_; }
  const RollRequest* asking() const override { return asking_ ? &*asking_ : nullptr; }
  void answer(const std::expected<Roll, std::string_view>& roll, std::string& out) override;
  std::size_t buffered_bytes() const override { return kept_.size(); }

  // Lines taken so far, blank ones too.
  std::uint64_t lines() const { return lines_; }

 private:
  struct Acknowledged {
    std::string_view channel;
    std::string id;
    bool duplicate, evicted;
  };

  void serve(std::string_view text, std::string& out);
  void keep(std::string_view part);
  void complete_kept(std::string_view& in, std::string& out);
  void take_line(std::string_view line, std::size_t readable, std::string& out);
  void publish(const LineRequest& request, std::string& out);
  void authenticate(const LineRequest& request, std::string& out);
  void report(const LineRequest& request, std::string& out);
  bool watch(const LineRequest& request, std::string& out);
  void ask(const LineRequest& request, std::string& out);
  void issue_ticket(const LineRequest& request, std::string& out);
  void find_first_names(const std::vector<std::string_view>& channels);
  void publish_to_several(const LineRequest& request, std::string& out);
  void append_repeats(std::string& out) const;
  void refuse(std::string_view sentence, std::string& out);
  void close_reply(std::string& out);
  static void close_reply(std::string_view reference, std::string& out);
  std::size_t line_bytes_max() const;

  Sink& sink_;
  Door* const door_;
  NdjsonLine line_;
  const std::size_t event_bytes_;
  const std::size_t* const event_bytes_now_;
  const std::size_t reply_bytes_;
  std::size_t reply_end_ = 0;  // where in `out` to pause
  std::string kept_;           // the line that is cut; when paused, everything not reached
  // For a line that goes to several channels.
  std::vector<std::uint32_t> by_name_;   // places in its list, by the names there
  std::vector<std::uint32_t> first_;     // of each place: the first that has its name
  std::vector<std::uint32_t> event_at_;  // of each such place: its event's in `events_`
  std::vector<Publish> events_;
  std::vector<Acknowledged> several_;
  std::uint64_t lines_ = 0;
  const bool watchable_;
  bool passing_over_ = false;
  bool paused_ = false;
  bool closed_ = false;
  std::uint64_t watches_ = 0;
  std::vector<std::string> watched_;
  std::optional<RollRequest> asking_;
  std::string asking_reference_;
};

}  // namespace fanfare::ingest
