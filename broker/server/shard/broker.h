// Broker: the whole serving part, started and stopped as one. cli/serve composes it.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker/io/inherited.h"
#include "broker/server/base/admin_surface.h"
#include "broker/server/base/options.h"

#include "common/time.h"

namespace fanfare::server {

// Why nothing was started; `message` is one sentence with a way out. exit_code as sysexits(3):
// 78 (EX_CONFIG) for a configuration or a machine that cannot work, 1 for what may work later (port
// in use).
struct StartError {
  std::string message;
  int exit_code = 1;
};

class TakeOver;

class Broker {
 public:
  // Binds everything, makes every ring, and only then starts the shards: all or nothing.
  // `admin` may be null. `inherited` sockets are used in place of binding where they belong
  // (inheritance.h); one that belongs nowhere is an error. `from`: a running broker whose place
  // this one takes, with its log, its listeners and its streams; begun, and needed only for this
  // call. Once it has given streams, a failure ends the process: what is shared with the other one
  // must not be closed by the rules.
  static std::expected<std::unique_ptr<Broker>, StartError> start(
      const Options& options, std::unique_ptr<AdminSurface> admin,
      std::vector<io::InheritedSocket> inherited = {}, TakeOver* from = nullptr);
  virtual ~Broker() = default;

  // Where it really listens (ports chosen by the kernel filled in): "127.0.0.1:8080",
  // "unix:/run/fanfare/http.sock".
  virtual std::vector<std::string> http_addresses() const = 0;
  virtual std::vector<std::string> https_addresses() const = 0;
  virtual std::string admin_address() const = 0;  // empty: none
  virtual std::string ingest_path() const = 0;
  virtual std::vector<std::string> publish_addresses() const = 0;  // of [publish] listen
  virtual std::vector<std::string> publish_tls_addresses() const = 0;

  // Any thread: when the shard that has been silent for longest ended its last turn. A shard turns
  // at least once a second; those that have ended do not count.
  virtual TimePoint oldest_turn() const = 0;

  // Blocks until every shard has ended (after drain()).
  virtual void join() = 0;
  // Any thread: begin to drain (SIGTERM). A second call ends at once.
  virtual void drain() = 0;
  // Any thread: these options are in force from now on. What is fixed at the start is the same in
  // them as it was then (config::in_force()).
  virtual void reload(const Options& options) = 0;

  // Gives everything to the process at the other end of this parcel pair. `going` is called when
  // that has taken it all, just before it serves. From then on this one drains what was left, and
  // ends; the value is how many streams went over. Else it goes on as if nothing had happened, and
  // the error is a sentence. Blocks meanwhile; not together with drain().
  virtual std::expected<std::uint64_t, std::string> hand_over(
      int end, const std::function<void()>& going) = 0;
};

}  // namespace fanfare::server
