// RespSession: a publisher that speaks RESP2 or RESP3. See session.h for the contract.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "broker/wire/ingest/resp_commands.h"
#include "broker/wire/ingest/resp_reader.h"
#include "broker/wire/ingest/session.h"

namespace fanfare::ingest {

class RespSession final : public Session {
 public:
  RespSession(Sink& sink, const SessionOptions& options);

  void receive(std::string_view in, std::string& out) override;
  void end_of_input(std::string& out) override;
  bool closed() const override { return closed_; }
  bool broken() const override { return closed_ && !commands_.quit(); }
  bool paused() const override { return paused_; }
  std::size_t buffered_bytes() const override { return kept_.size(); }

 private:
  void serve(std::string_view& text, std::string& out);
  void run_waiting(std::string& out);
  bool act(RespReader::Result read, std::string_view& text, std::string& out);
  void complete_kept(std::string_view& in, std::string& out);
  void keep(std::string_view rest);

  const std::size_t event_bytes_;  // the limit for reader_ if it does not change
  RespReader reader_;
  RespCommands commands_;
  const std::size_t reply_bytes_;
  std::size_t reply_end_ = 0;     // where in `out` to pause
  std::vector<Publish> waiting_;  // only inside of serve(): views of its text
  std::string kept_;              // the command that is cut; when paused, everything not reached
  bool closed_ = false;
  bool paused_ = false;
};

}  // namespace fanfare::ingest
