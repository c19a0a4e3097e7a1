// ClientLimits: what one client may hold and ask for ([limits] ..._per_address, ..._per_token), and
// what this shard's connections and streams hold of it, so that each gives back what it took,
// whatever ends it. The quotas are those of the whole broker. Where a limit is off, nothing is kept
// for it; else four bytes for each connection, and for each stream.
//
// An address is one client; of IPv6, the first 64 bits, of which one client has all that follow. A
// trusted front is none: it asks for others. A limit that is lowered is for newcomers.
//
// Thread: the shard's.
#pragma once

#include <expected>
#include <optional>
#include <string_view>
#include <vector>

#include "broker/fanout/members.h"
#include "broker/io/ring.h"
#include "broker/server/base/counters.h"
#include "broker/server/base/quotas.h"
#include "broker/server/base/settings.h"
#include "broker/server/sockets/client.h"
#include "broker/server/sockets/packed_address.h"
#include "broker/server/sockets/stream_shares.h"

#include "common/log.h"

namespace fanfare::server {

class ClientLimits {
 public:
  struct Parts {
    const Settings& settings;
    Counters& counters;
    Quotas& addresses;
    Quotas& tokens;
  };
  explicit ClientLimits(const Parts& parts) : parts_(parts) {}

  void turn_begins(TimePoint now) { now_ = now; }

  // A connection, before anything is made for it; or once its front has said whose it is. Nothing:
  // its client has as many as it may.
  std::optional<Quotas::Share> admit(const PackedAddress& peer);
  void connected(io::Slot slot, Quotas::Share share);
  // The connection has ended, or never came to be.
  void disconnected(io::Slot slot);
  void give_back(Quotas::Share share);

  // A request. Nothing: it is answered; else when the next one would be.
  std::optional<Duration> wait_for(const Client& client);
  std::optional<Duration> wait_for(const QuotaKey& bearer);

  // A stream, of the bearer of a token or not. The error is the reason why there is none, for its
  // client. What was taken is given back, or began() follows.
  std::expected<StreamShares, std::string_view> take(const Client& client,
                                                     const std::optional<QuotaKey>& bearer);
  void give_back(const StreamShares& shares);
  void began(fanout::Member stream, const StreamShares& shares);
  void ended(fanout::Member stream);

 private:
  using Held = std::vector<Quotas::Share>;  // as far as an index that holds something has been

  std::optional<Quotas::Share> take(Quotas& quotas, const QuotaKey& key, Quotas::Kind kind,
                                    std::uint32_t most);
  static void hold(Held& held, std::uint32_t index, Quotas::Share share);
  static Quotas::Share release(Held& held, std::uint32_t index);
  void note(std::string_view client, std::string_view limit);

  Parts parts_;
  TimePoint now_{};
  Held connections_;    // by slot
  Held streams_;        // by member
  Held token_streams_;  // by member
  log::Limit log_;
};

}  // namespace fanfare::server
