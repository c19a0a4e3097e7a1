#include "tests/sim/broker_machine.h"

#include <algorithm>
#include <charconv>
#include <tuple>
#include <utility>
#include <variant>

#include "tests/sim/errant_port.h"

namespace fanfare::sim {
namespace {

// How many turns a shard gets to end once nobody is there any more.
constexpr int kLastTurnsMax = 1000;

// A world that has failed already may hold shards in any state: they are left as they are, and kept
// where a leak checker finds them.
void abandon(std::unique_ptr<server::Shard>& shard) {
  static auto* const abandoned = new std::vector<server::Shard*>;
  abandoned->push_back(shard.release());
}

}  // namespace

std::string gauges_of(const server::Counters& counters) {
  std::string text;
#define X(name, type, help)                                   \
  if (std::string_view(type) == "gauge" && counters.name > 0) \
    text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", #name, counters.name);
  FANFARE_COUNTERS(X)
#undef X
  return text;
}

BrokerMachine::BrokerMachine(World& world, const Options& options)
    : world_(world), options_(options), page_(options.admin) {
  Kernel& kernel = world_.kernel();
  const fanout::Epoch epoch = fanout::Epoch::from(kernel.random());
  world_.ledger().begin_life(std::string(epoch.text()));
  id_start_ = std::string(epoch.text()) + '-';
  posted_.resize(options_.shards);
  note_bounds(options_.broker);
  const auto wake_lead = [this] { members_[options_.lead].ring->wake(); };
  if (options_.journal_late_max > Duration(0)) {
    journal_ = std::make_unique<Journal>(world_, options_.journal_late_max, wake_lead);
  }
  assemble(epoch);
  server::Switchboard& switchboard = assembly_->switchboard();
  switchboard.post = [this](std::uint32_t shard, server::Message message) {
    post(shard, std::move(message));
  };
  switchboard.wake_lead = wake_lead;
  assembly_->recover();
  SimRing::Pools pools = SimRing::Pools::of(kernel.faults());
  if (options_.roomy_ingest) pools.ingest_size = 64U << 10U;
  members_.resize(options_.shards);
  for (std::uint32_t index = 0; index < options_.shards; ++index) {
    Member& member = members_[index];
    member.ring = std::make_unique<SimRing>(kernel, options_.subscribers_max + server::kSpareSlots,
                                            fmt::format("shard {}", index), pools);
    if (const auto& certificates = options_.broker.tls_server) {
      member.tls = std::make_unique<server::TlsRing>(
          *member.ring, server::TlsServers{.subscribers = certificates, .publishers = {}});
    }
    io::Ring& seam = member.tls ? static_cast<io::Ring&>(*member.tls) : *member.ring;
    member.shard = assembly_->make(index, seam, kernel.random().next(), member.tls.get());
    const bool lead = switchboard.is_lead(index);
    if (lead || journal_) {
      member.ring->watch_sends([this, lead](std::string_view said) { check_said(said, lead); });
    }
    listen(index, server::Port::subscriber, Door::subscribers);
    if (member.tls) listen(index, server::Port::subscriber, Door::tls);
    if (!lead) continue;
    listen(index, server::Port::ingest, Door::publishers);
    if (options_.admin) listen(index, server::Port::admin, Door::admin);
  }
  if (options_.recovery == Duration(0)) {
    assembly_->serve();
  } else {
    kernel.schedule(options_.recovery, *this, kRecovered);
  }
}

void BrokerMachine::assemble(const fanout::Epoch& epoch) {
  const auto wall_clock = [&kernel = world_.kernel()] {
    return std::chrono::sys_seconds(
        std::chrono::floor<std::chrono::seconds>(Duration(kernel.now().nanoseconds)));
  };
  assembly_.emplace(
      server::ShardConfig{
          .subscribers_max = options_.subscribers_max,
          .connections_max = std::uint64_t{options_.subscribers_max} * options_.shards,
          .feed_members_max = options_.feed_members_max,
          .epoch = epoch,
          .recovered = forgetful_log(epoch),
          .options = std::make_shared<const server::Options>(options_.broker),
          .surface = &page_,
          .gate = journal_.get(),
          .ingest_users = options_.ingest_users,
          .shared = shared_port(),
          .wall_clock = wall_clock},
      options_.shards, options_.lead);
}

std::shared_ptr<server::RecoveredLog> BrokerMachine::forgetful_log(
    const fanout::Epoch& epoch) const {
  if (options_.removals_max == 0) return nullptr;
  const TimePoint now = world_.kernel().now();
  return std::make_shared<server::RecoveredLog>(server::RecoveredLog{
      .log = std::make_unique<fanout::Log>(fanout::LogOptions{
          .epoch = epoch, .removals_max = options_.removals_max, .removals_age = 1s}),
      .clock = {.log = {now.nanoseconds}, .wall = fanout::WallTime(Duration(now.nanoseconds))},
      .past = fanout::Past(now)});
}

server::SharedPort::Maker BrokerMachine::shared_port() const {
  if (options_.h2) {
    return [this](const server::SharedPort::Parts& parts) {
      return std::make_unique<ErrantPort>(parts, world_.kernel());
    };
  }
  if (options_.box_bytes == 0) return {};
  return [this](const server::SharedPort::Parts& parts) {
    return std::make_unique<BundlePort>(parts, world_.kernel(), options_.box_bytes);
  };
}

BrokerMachine::~BrokerMachine() {
  kill();
}

void BrokerMachine::listen(std::uint32_t shard, server::Port port, Door door) {
  const int listener = world_.kernel().listen(door);
  members_[shard].listeners.push_back(listener);
  members_[shard].shard->listen(port, listener, {.tls = door == Door::tls});
}

void BrokerMachine::check_said(std::string_view bytes, bool lead) {
  // The lead's own shard is posted nothing: it applies what it has just sealed.
  std::uint64_t sealed = assembly_->switchboard().head.load();
  for (std::uint32_t shard = 0; shard < posted_.size(); ++shard) {
    if (!assembly_->switchboard().is_lead(shard)) sealed = std::min(sealed, posted_[shard]);
  }
  for (std::size_t at = 0; (at = bytes.find(id_start_, at)) != std::string_view::npos;) {
    at += id_start_.size();
    std::uint64_t sequence = 0;
    std::from_chars(bytes.data() + at, bytes.data() + bytes.size(), sequence);
    if (journal_ && sequence > journal_->head())
      world_.kernel().fail(
          fmt::format("durable: the broker speaks of event {}, but its journal has come to {} only",
                      sequence, journal_->head()));
    if (lead && sequence > sealed)
      world_.kernel().fail(
          fmt::format("seal: the lead speaks of event {}, but every shard has been told of {} only",
                      sequence, sealed));
  }
}

void BrokerMachine::check_kept() const {
  const Ledger& ledger = world_.ledger();
  const Position kept{.life = ledger.life(), .sequence = journal_->head()};
  const auto lost = [&](const std::optional<Position>& place) {
    return place && place->life == kept.life && *place > kept;
  };
  for (const Publication& publication : ledger.publications()) {
    if (publication.fate == Publication::Fate::acked && lost(publication.place))
      world_.kernel().fail(fmt::format("durable: publication {} was acked and is lost: it is at {}",
                                       publication.number, publication.place->text()));
  }
  for (const Subscription* const subscription : world_.subscriptions()) {
    for (const Transcript& transcript : subscription->transcripts()) {
      for (const Heard& heard : transcript.heard) {
        if (lost(heard.place))
          world_.kernel().fail(fmt::format("durable: {} holds {}, which is lost", transcript.name,
                                           heard.place->text()));
      }
    }
  }
}

// bounds: what the lead reports about itself each second.
void BrokerMachine::check_bounds() {
  const bool grows = world_.kernel().faults().bug == PlantedBug::history_grows;
  const std::uint64_t most = history_most_ / (grows ? 2 : 1);
  if (page_.segment_bytes() > most)
    world_.kernel().fail(
        fmt::format("bounds: history takes {} bytes of {}", page_.segment_bytes(), most));
  if (page_.channels() > channels_most_)
    world_.kernel().fail(
        fmt::format("bounds: there are {} channels of {}", page_.channels(), channels_most_));
  std::uint64_t patterns = 0;
  for (const Member& member : members_)
    patterns += member.shard ? member.shard->counters().patterns : 0;
  if (patterns > patterns_most_)
    world_.kernel().fail(
        fmt::format("bounds: streams have {} patterns of {}", patterns, patterns_most_));
}

void BrokerMachine::post(std::uint32_t shard, server::Message message) {
  if (dead_) {
    if (members_[shard].shard) members_[shard].shard->mailbox().post(std::move(message));
    return;
  }
  Kernel& kernel = world_.kernel();
  const bool late = kernel.faults().bug == PlantedBug::ack_early && kernel.random().chance(0.1);
  if (const auto* const log = std::get_if<server::LogMessage>(&message); log != nullptr && !late)
    posted_[shard] = log->batch->head;
  if (kernel.faults().bug == PlantedBug::drain_forgotten && shard == 0 &&
      std::holds_alternative<server::DrainMessage>(message))
    return;
  if (kernel.faults().bug == PlantedBug::notice_lost &&
      std::holds_alternative<server::NoticeMessage>(message) && kernel.random().chance(0.1))
    return;
  if (kernel.faults().bug == PlantedBug::batch_leaked && kernel.random().chance(0.1))
    std::ignore = new server::Message(message);  // NOLINT(cppcoreguidelines-owning-memory)
  if (auto* const log = std::get_if<server::LogMessage>(&message); log != nullptr)
    log->batch = members_[shard].mistakes.alter(log->batch, kernel.faults().bug, kernel.random());
  std::deque<Letter>& mail = members_[shard].mail;
  TimePoint due = kernel.now();
  if (!world_.town().quiet && kernel.random().chance(options_.late_mail))
    due = due + kernel.somewhen(options_.mail_delay_max);
  if (!mail.empty()) due = std::max(due, mail.back().due);  // letters never overtake
  mail.push_back({due, std::move(message)});
  kernel.schedule(due - kernel.now(), *this, shard);
}

void BrokerMachine::act(std::uint64_t shard) {
  if (shard == kRecovered) return assembly_->serve();
  Member& member = members_[shard];
  while (member.shard && !member.mail.empty() && member.mail.front().due <= world_.kernel().now()) {
    member.shard->mailbox().post(std::move(member.mail.front().message));
    member.mail.pop_front();
  }
}

void BrokerMachine::drain() {
  assembly_->drain(/*at_once=*/false);
}

void BrokerMachine::note_bounds(const server::Options& options) {
  history_most_ = std::max(history_most_, options.history.total_bytes);
  channels_most_ = std::max<std::uint64_t>(channels_most_, options.limits.channels);
  patterns_most_ = std::max<std::uint64_t>(patterns_most_, options.limits.patterns);
}

void BrokerMachine::reload(const server::Options& options) {
  note_bounds(options);
  assembly_->reload(options);
}

void BrokerMachine::kill() {
  if (journal_ && !dead_) {
    check_kept();
    journal_->die();
  }
  for (Member& member : members_) {
    for (const int listener : std::exchange(member.listeners, {}))
      world_.kernel().close_listener(listener);
    // None is lost: a shard may still read what tells of more in its last turns, and a batch is
    // only understood after all before it.
    std::deque<Letter> mail = std::exchange(member.mail, {});
    if (!member.shard) continue;
    for (Letter& letter : mail) member.shard->mailbox().post(std::move(letter.message));
    if (world_.report().failed()) abandon(member.shard);
    member.ring->die();
    if (member.shard) member.shard->mailbox().post(server::DrainMessage{.at_once = true});
  }
  dead_ = true;
  for (Member& member : members_) {
    for (int turns = 0; member.shard && !member.shard->finished() && turns < kLastTurnsMax; ++turns)
      member.shard->turn(world_.kernel().now());
    if (member.shard && !member.shard->finished()) {
      world_.kernel().fail("leak: a shard that was killed does not end: " + left());
      abandon(member.shard);
    }
  }
  for (Member& member : members_) member.shard.reset();
}

bool BrokerMachine::finished() const {
  return std::ranges::all_of(members_,
                             [](const Member& m) { return !m.shard || m.shard->finished(); });
}

bool BrokerMachine::runnable(std::size_t shard) const {
  const Member& member = members_[shard];
  if (!member.shard || member.shard->finished()) return false;
  return member.ring->ready() || member.shard->work_waiting() ||
         member.tick <= world_.kernel().now();
}

void BrokerMachine::turn(std::size_t shard) {
  Member& member = members_[shard];
  member.shard->turn(world_.kernel().now());
  if (shard == options_.lead) check_bounds();
  const bool eager = world_.kernel().faults().bug == PlantedBug::eager_ticks;
  member.tick = eager ? world_.kernel().now() + 5ms : member.shard->next_turn();
}

TimePoint BrokerMachine::next_deadline(std::size_t shard) const {
  const Member& member = members_[shard];
  const bool runs = member.shard && !member.shard->finished();
  return runs ? member.tick : TimePoint{std::int64_t{1} << 62U};
}

std::size_t BrokerMachine::subscribers() const {
  std::size_t count = 0;
  for (const Member& member : members_) count += member.shard->counters().subscribers;
  return count;
}

server::Counters BrokerMachine::counted() const {
  server::Counters sum;
  for (const Member& member : members_) {
    if (!member.shard) continue;
    const server::Counters& counters = member.shard->counters();
#define X(name, type, help) sum.name += counters.name;
    FANFARE_COUNTERS(X)
#undef X
  }
  return sum;
}

std::uint64_t BrokerMachine::closed(server::CloseReason reason) const {
  std::uint64_t count = 0;
  for (const server::ShardSnapshot& snapshot : assembly_->switchboard().snapshots)
    count += snapshot.closes[static_cast<std::size_t>(reason)];
  return count;
}

std::string BrokerMachine::left() const {
  std::string text;
  for (const Member& member : members_) {
    if (!member.shard) continue;
    SimRing::Left left = member.ring->left();
    if (!member.shard->finished()) left.accepts = 0;
    if (left.nothing() && member.shard->open_slots() == 0 && member.mail.empty() &&
        world_.kernel().unclaimed() == 0)
      continue;
    text += fmt::format(
        "shard {} has {} connections; its ring {} slots, {} armed, {} buffers, {} queued, {} "
        "completions, {} accepts; {} descriptors are unclaimed. ",
        &member - members_.data(), member.shard->open_slots(), left.slots, left.armed, left.buffers,
        left.queued, left.completions, left.accepts, world_.kernel().unclaimed());
  }
  for (const Member& member : members_) {
    if (member.tls && member.tls->handshakes() > 0)
      text += fmt::format("{} TLS handshakes are counted. ", member.tls->handshakes());
  }
  const server::Quotas& addresses = assembly_->switchboard().addresses;
  const std::uint64_t connections = addresses.held(server::Quotas::Kind::connection);
  const std::uint64_t streams = addresses.held(server::Quotas::Kind::stream);
  if (text.empty() && connections + streams > 0) {
    text = fmt::format("{} connections and {} streams are still counted for their addresses",
                       connections, streams);
  }
  return text;
}

}  // namespace fanfare::sim
