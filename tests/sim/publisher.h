// Publisher: an application's side of the ingest socket, in one of the three dialects. Publishes in
// a pipeline, takes the acknowledgements in order, and writes into the ledger what became of each
// event. After a lost connection it sends again what it gave an idempotency key.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/sim/client.h"
#include "tests/sim/response_reader.h"

namespace fanfare::sim {

struct PublisherPlan {
  enum class Dialect : std::uint8_t { http, resp, ndjson };

  Dialect dialect{};
  std::vector<std::string> channels;
  Duration interval{};         // at most, between two bursts
  std::uint32_t burst = 1;     // events at a time, at most
  std::uint32_t pipeline = 1;  // requests without an answer, at most
  std::size_t size = 100;      // of data, at most
  double keys = 0;             // per event: it has an idempotency key
  double finishes = 0;         // per burst: finishes a channel
  double erases = 0;           // per burst: drops a channel's history
  double transactions = 0;     // per burst: MULTI … EXEC, or DISCARD (RESP only)
  double cuts = 0;             // per piece of answers: hangs up
  bool half_closes = false;    // sends FIN behind some bursts, and reads on
  bool stranger = false;       // nobody that may publish: it expects to be refused

  static PublisherPlan drawn(const std::vector<std::string>& channels, Random& random);
};

// A channel has as many keys as it may have, or their values take as many bytes.
bool says_keys_are_full(std::string_view answer);

class Publisher final : public Client {
 public:
  Publisher(Town& town, std::string name, PublisherPlan plan, Pace pace);

  void start(Duration after);
  // From now on it only waits for what it has sent, and publishes one last event on each channel.
  void conclude();
  // All that was sent has been answered.
  bool settled() const { return awaited_.empty() && again_.empty() && farewells_.empty(); }
  void leave();
  // acks: a broker that stops answers all that it has taken before it closes a connection.
  void check_unanswered();
  // exec: the events of a transaction lie next to one another in the log, and those of one that was
  // discarded or refused nowhere.
  void check_transactions();
  std::uint64_t transactions() const { return transactions_.size(); }

 protected:
  void heard(std::string_view bytes) override;
  void lost(bool clean) override;
  void rang(std::uint32_t alarm) override;

 private:
  // One request and what its answer is about.
  struct Awaited {
    enum class Kind : std::uint8_t { publish, batch, transaction, other };
    Kind kind{};
    std::vector<std::uint32_t> numbers;
    std::optional<std::uint32_t> clears = {};  // other: the removal of all keys of a channel
  };

  // The broker that it talks to has been told to stop, or is gone and was read too late.
  bool stopping() const { return town_.stopping || life_ != town_.ledger.life(); }
  void connect();
  void burst();
  void publish_next();
  void publish(const Publication& publication, std::string_view key);
  void publish_batch();
  // publisher_transactions.cc
  void publish_transaction();
  void say_transaction(const std::vector<std::uint32_t>& numbers);
  bool take_array(std::size_t head_end);
  void settle_transaction(const Awaited& asked, std::string_view answer, bool accepted);
  void control(std::string_view verb, std::string_view channel);
  void erase(const std::string& channel);
  std::uint64_t some_size() { return random().below(plan_.size + 1); }
  std::uint32_t begin_event(std::string_view channel);
  const Publication& begin_keyed(std::string_view channel);
  std::string key_of(std::uint32_t number) const;

  bool take_http();
  bool take_resp();
  bool take_ndjson();
  void settle(std::string_view answer, bool accepted);
  void settle_next(std::string_view answer, bool accepted);
  void settle_one(std::uint32_t number, std::string_view answer, bool accepted);
  void check_order(std::uint32_t number, Position place);

  PublisherPlan plan_;
  ResponseReader response_;
  std::string body_;
  std::string incoming_;
  std::deque<Awaited> awaited_;
  std::vector<bool> keyed_;        // by publication
  std::vector<bool> repeated_;     // by publication: sent before, under the same key
  std::optional<Position> acked_;  // the newest that this connection was told of
  std::optional<std::pair<std::string, bool>> swapped_;  // PlantedBug::acks_swapped
  std::vector<std::uint32_t> unanswered_;  // when a stopping broker closed the connection cleanly
  std::deque<std::uint32_t> again_;        // to be sent again under their keys
  std::vector<std::vector<std::uint32_t>> transactions_;  // that were to be executed
  std::vector<std::uint32_t> discarded_;                  // what was not to be published after all
  std::uint32_t life_ = 0;                                // of the broker it last talked to
  std::deque<std::string> farewells_;                     // channels that get a last event
  bool concluding_ = false;
  bool gone_ = false;
  bool late_ = false;  // the answer that is taken says that the request's time was up
  bool half_closed_ = false;
};

}  // namespace fanfare::sim
