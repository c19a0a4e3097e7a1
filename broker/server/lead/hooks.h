// Hooks: every [[hook]] of the configuration, on the lead shard: which of them a change concerns,
// and what is posted to each (server/lead/hook.h). Posts are HTTP requests, whole; who carries
// them, and how, is not seen here.
//
//   {"id":"7hq2mxa-h12","time_ms":1790000000123,"events":[{"name":"channel_occupied","channel":"room/7"}]}
//
// Only subscribers by name count: a pattern would make every channel occupied that it matches.
//
// A change of the configuration that leaves a [[hook]] as it was leaves its state as well; a new
// one, and every one at the start, begins with a reset.
//
// Thread: the lead shard's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/server/base/counters.h"
#include "broker/server/base/settings.h"
#include "broker/server/base/upstream_address.h"
#include "broker/server/lead/hook.h"
#include "broker/server/lead/roster.h"

#include "common/log.h"
#include "common/random.h"

namespace fanfare::server {

class Hooks {
 public:
  struct Parts {
    const Settings& settings;
    Roster& roster;
    Counters& counters;
    Random& random;
    std::string epoch;  // no other life of the broker has the same
  };
  explicit Hooks(Parts parts);
  ~Hooks();

  // One attempt to post something; no two have the same.
  struct Attempt {
    std::uint32_t hook = 0;
    std::uint32_t number = 0;
  };
  // What is to be sent to a hook; `upstream` as parse_upstream() understands it.
  struct Post {
    Attempt attempt;
    std::string upstream;
    std::string request;
  };
  // What has become due by now. Each is answered, or comes up in take_overdue().
  std::vector<Post> take_posts(TimePoint now, std::int64_t unix_ms);
  // Status 0: there was no answer, `why` ("was not reached").
  void answered(Attempt attempt, int status, std::string_view why, TimePoint now);
  // Those whose answer is not waited for any longer: their hook has not answered within its
  // timeout, or is no longer configured.
  std::vector<Attempt> take_overdue(TimePoint now);
  // The broker stops: nothing more is posted. What is under way is overdue.
  void stop();

 private:
  struct Named {
    Attempt attempt;  // the last
    HookUrl url;
    std::unique_ptr<Hook> hook;
    TimePoint overdue{};
    bool failing = false;
  };

  void read_settings();
  void pass_on(TimePoint now);
  void begin_anew(Named& named, TimePoint now);
  void change(Named& named, std::string_view channel, bool occupied, TimePoint now);
  std::string request_for(const Named& named, const Hook::Post& post, std::int64_t unix_ms) const;

  Parts parts_;
  std::uint32_t seen_ = 0;  // revision of the settings
  bool any_seen_ = false;
  std::vector<Named> hooks_;
  std::vector<Attempt> unwanted_;  // of hooks that are gone
  std::uint32_t numbered_ = 0;
  bool stopped_ = false;
  log::Limit failed_log_;
  log::Limit full_log_;
};

}  // namespace fanfare::server
