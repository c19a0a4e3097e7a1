#include "broker/server/shard/broker.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <pthread.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <latch>
#include <limits>
#include <optional>
#include <thread>
#include <utility>

#include "broker/io/backend.h"
#include "broker/io/socket.h"
#include "broker/server/base/ingest_path.h"
#include "broker/server/base/listen_address.h"
#include "broker/server/shard/access_writer.h"
#include "broker/server/shard/assembly.h"
#include "broker/server/shard/inheritance.h"
#include "broker/server/shard/plan.h"
#include "broker/server/shard/recovery.h"
#include "broker/server/shard/take_over.h"
#include "broker/server/streams/h2_port.h"

#include "common/log.h"
#include "common/units.h"

namespace fanfare::server {
namespace {

// sysexits(3).
constexpr int kExitConfig = 78;
// Publishers send in bulk: 32 reads of 64 KiB may be held at once.
constexpr io::BufferPoolOptions kIngestBuffers{.size = 64U << 10U, .count = 32};

StartError start_error(const journal::Problem& problem) {
  return {problem.sentence, problem.damage ? kExitConfig : 1};
}

StartError start_error(const io::Problem& problem) {
  const bool later = problem.error == EADDRINUSE || problem.error == EAGAIN;
  return {problem.message, later ? 1 : kExitConfig};
}

io::Backend to_io(Backend backend) {
  switch (backend) {
    case Backend::automatic:
      return io::Backend::automatic;
    case Backend::io_uring:
      return io::Backend::io_uring;
    case Backend::epoll:
      return io::Backend::epoll;
  }
  std::unreachable();
}

std::expected<std::vector<std::uint32_t>, StartError> user_ids(
    const std::vector<std::string>& names) {
  std::vector<std::uint32_t> ids;
  for (const std::string& name : names) {
    const passwd* const entry = ::getpwnam(name.c_str());
    if (entry == nullptr) {
      return std::unexpected(StartError{
          fmt::format("[listen] ingest_users: there is no user \"{}\" on this machine", name),
          kExitConfig});
    }
    ids.push_back(entry->pw_uid);
  }
  return ids;
}

// A subscriber that is allowed to stall must not be ended by the kernel first.
Duration user_timeout(const Options& options) {
  return std::max(io::TcpOptions{}.user_timeout, options.delivery.stall * 2);
}

// A killed process leaves its sockets to the kernel, which takes a moment to release those that its
// rings held: a broker that is started again at once must not fail because the port is in use.
constexpr Duration kReleaseTime = 2s;

// Calls `listen` until it succeeds, fails for another reason than EADDRINUSE, or time is up.
template <class Listen>
auto once_released(std::string_view place, const Listen& listen) {
  const TimePoint deadline = monotonic_now() + kReleaseTime;
  auto listener = listen();
  if (!listener && listener.error().error == EADDRINUSE) {
    log::warn("{} is in use: waiting up to {} for it, in case a broker there has just ended", place,
              format_duration(kReleaseTime));
  }
  while (!listener && listener.error().error == EADDRINUSE && monotonic_now() < deadline) {
    std::this_thread::sleep_for(20ms);
    listener = listen();
  }
  return listener;
}

// Every listening descriptor of the broker.
struct Listeners {
  // Those at one address; number i is for shard i, beginning again with the first shard.
  struct Place {
    std::string address;
    std::vector<io::Descriptor> sockets;
    std::string key;   // of broker.toml
    std::string text;  // as it is configured
    bool inherited = false;
    bool tls = false;
  };
  std::vector<Place> http;
  Place admin;
  Place ingest;
  std::vector<Place> publish;
};

std::vector<std::string> addresses_of(const std::vector<Listeners::Place>& places, bool tls) {
  std::vector<std::string> addresses;
  for (const Listeners::Place& place : places) {
    if (place.tls == tls) addresses.push_back(place.address);
  }
  return addresses;
}

// When a shard last ended a turn; each on a cache line of its own, since each shard writes its own.
struct alignas(64) LastTurn {
  std::atomic<std::int64_t> nanoseconds{0};
};

class RunningBroker final : public Broker {
 public:
  RunningBroker(const Options& options, std::unique_ptr<AdminSurface> surface,
                std::vector<io::InheritedSocket> inherited, TakeOver* from)
      : from_(from),
        options_(std::make_shared<const Options>(options)),
        // Without a listener nobody could see the pages, so nothing is published for them either.
        surface_(options.listen.admin.empty() ? nullptr : std::move(surface)),
        inheritance_(std::move(inherited)) {}
  ~RunningBroker() override;

  std::expected<void, StartError> begin();

  std::vector<std::string> http_addresses() const override {
    return addresses_of(listeners_.http, false);
  }
  std::vector<std::string> https_addresses() const override {
    return addresses_of(listeners_.http, true);
  }
  std::string admin_address() const override { return listeners_.admin.address; }
  std::string ingest_path() const override { return listeners_.ingest.address; }
  std::vector<std::string> publish_addresses() const override {
    return addresses_of(listeners_.publish, false);
  }
  std::vector<std::string> publish_tls_addresses() const override {
    return addresses_of(listeners_.publish, true);
  }
  TimePoint oldest_turn() const override;
  void join() override;
  void drain() override;
  void reload(const Options& options) override;
  std::expected<std::uint64_t, std::string> hand_over(int end,
                                                      const std::function<void()>& going) override;

 private:
  struct Member {
    std::unique_ptr<io::Ring> ring;
    std::unique_ptr<TlsRing> tls;  // before it, if anything listens for TLS
    std::unique_ptr<Shard> shard;
    std::optional<StartError> error;
    std::thread thread;
  };

  std::vector<std::string> places_of(std::string_view key,
                                     const std::vector<std::string>& configured) const;
  std::optional<Listeners::Place> handed(std::string_view key, const std::string& text);
  std::vector<HandedPlace> handed_places() const;
  std::expected<void, StartError> bind();
  std::expected<void, StartError> bind_http(bool tls);
  std::expected<void, StartError> bind_publish(bool tls);
  std::expected<void, StartError> bind_admin();
  std::expected<void, StartError> bind_ingest();
  std::expected<Listeners::Place, StartError> listen_at(std::string_view key,
                                                        const std::string& text,
                                                        std::uint32_t count,
                                                        const io::TcpOptions& tcp = {});
  std::expected<Listeners::Place, StartError> listen_at_socket(const std::string& path);
  void run(std::uint32_t index);
  void listen(std::uint32_t index);

  TakeOver* const from_;                    // while it starts; null: a broker of its own
  bool handed_over_ = false;                // to another process, which has the listeners
  std::shared_ptr<const Options> options_;  // of the start
  std::unique_ptr<AdminSurface> surface_;
  io::Choice choice_;
  Plan plan_;
  Inheritance inheritance_;
  Listeners listeners_;
  std::optional<AccessWriter> access_;
  Recovery recovery_;
  std::optional<Assembly> assembly_;
  std::vector<Member> members_;
  std::vector<LastTurn> last_turns_;
  // The threads meet here: every ring is made before any shard runs. Members, because a thread may
  // still look at a latch when begin() has returned.
  std::unique_ptr<std::latch> made_;
  std::latch go_{1};
  bool aborted_ = false;
  std::atomic<int> drains_{0};
};

RunningBroker::~RunningBroker() {
  join();
  members_.clear();
  if (handed_over_) return;
  const Listeners::Place& ingest = listeners_.ingest;
  if (!ingest.sockets.empty() && !ingest.inherited) ::unlink(ingest.address.c_str());
  for (const Listeners::Place& http : listeners_.http) {
    const auto path = socket_path(http.address);
    if (path && !http.inherited) ::unlink(std::string(*path).c_str());
  }
}

// For `count` shards.
std::expected<Listeners::Place, StartError> RunningBroker::listen_at(std::string_view key,
                                                                     const std::string& text,
                                                                     std::uint32_t count,
                                                                     const io::TcpOptions& tcp) {
  if (auto place = handed(key, text)) {
    place->sockets = shared_out(std::move(place->sockets), count);
    for (const io::Descriptor& listener : place->sockets) {
      io::set_user_timeout(listener.number(), tcp.user_timeout);
    }
    return *std::move(place);
  }
  Listeners::Place place;
  place.key = key;
  place.text = text;
  if (auto taken = inheritance_.take(key, text); !taken.empty()) {
    if (text.starts_with('/')) {
      return std::unexpected(StartError{
          fmt::format("the service manager's socket for {}, {}, is a Unix socket, and clients "
                      "connect over TCP there: give its unit a port in ListenStream=",
                      key, text),
          kExitConfig});
    }
    for (const io::Descriptor& listener : taken) {
      auto prepared = io::prepare_listener(listener, tcp);
      if (!prepared) return std::unexpected(start_error(prepared.error()));
    }
    place.sockets = shared_out(std::move(taken), count);
    place.inherited = true;
    log::info("{}: listening on the service manager's socket", text);
  } else {
    auto address = io::parse_address(text);
    if (!address) return std::unexpected(StartError{address.error().message, kExitConfig});
    auto listeners = once_released(text, [&] { return io::listen_tcp(*address, count, tcp); });
    if (!listeners) return std::unexpected(start_error(listeners.error()));
    place.sockets = std::move(*listeners);
  }
  place.address = io::format_address(io::bound_address(place.sockets.front().number()));
  return place;
}

// For subscribers: all shards accept on the same socket.
std::expected<Listeners::Place, StartError> RunningBroker::listen_at_socket(
    const std::string& path) {
  if (auto place = handed("http", path)) {
    place->sockets = shared_out(std::move(place->sockets), plan_.shards);
    return *std::move(place);
  }
  Listeners::Place place;
  place.key = "http";
  place.text = path;
  place.address = fmt::format("{}{}", kUnixPrefix, path);
  place.sockets = inheritance_.take("http", path);
  if (!place.sockets.empty()) {
    place.inherited = true;
    log::info("{}: listening on the service manager's socket", place.address);
  } else {
    // Each client of a front is a connection here: as many may wait as at a port.
    const io::UnixOptions options{.mode = options_->listen.http_mode,
                                  .group = options_->listen.http_group,
                                  .backlog = io::TcpOptions{}.backlog};
    auto listener = once_released(path, [&] { return io::listen_unix(path, options); });
    if (!listener) return std::unexpected(start_error(listener.error()));
    place.sockets.push_back(*std::move(listener));
  }
  place.sockets = shared_out(std::move(place.sockets), plan_.shards);
  return place;
}

std::vector<std::string> RunningBroker::places_of(
    std::string_view key, const std::vector<std::string>& configured) const {
  return from_ != nullptr ? from_->addresses(key, configured)
                          : inheritance_.addresses(key, configured);
}

// What the other broker has listened on there.
std::optional<Listeners::Place> RunningBroker::handed(std::string_view key,
                                                      const std::string& text) {
  auto place = from_ != nullptr ? from_->take(key, text) : std::nullopt;
  if (!place) return std::nullopt;
  return Listeners::Place{.address = std::move(place->address),
                          .sockets = std::move(place->sockets),
                          .key = std::move(place->key),
                          .text = std::move(place->text),
                          .inherited = place->inherited};
}

std::expected<void, StartError> RunningBroker::bind_http(bool tls) {
  const std::string_view key = tls ? "https" : "http";
  const auto& configured = tls ? options_->listen.https : options_->listen.http;
  const io::TcpOptions tcp{.user_timeout = user_timeout(*options_)};
  for (const std::string& text : places_of(key, configured)) {
    const auto path = text.starts_with('/') ? std::string_view(text) : socket_path(text);
    auto place = path && !tls ? listen_at_socket(std::string(*path))
                              : listen_at(key, text, plan_.shards, tcp);
    if (!place) return std::unexpected(std::move(place).error());
    place->tls = tls;
    listeners_.http.push_back(*std::move(place));
  }
  return {};
}

std::expected<void, StartError> RunningBroker::bind_publish(bool tls) {
  const std::string_view key = tls ? "publish_tls" : "publish";
  const auto& configured = tls ? options_->publish.listen_tls : options_->publish.listen;
  for (const std::string& text : places_of(key, configured)) {
    auto place = listen_at(key, text, 1);
    if (!place) return std::unexpected(std::move(place).error());
    place->tls = tls;
    listeners_.publish.push_back(*std::move(place));
  }
  return {};
}

std::expected<void, StartError> RunningBroker::bind_admin() {
  if (!surface_) return {};
  auto place = listen_at("admin", places_of("admin", {options_->listen.admin}).front(), 1);
  if (!place) return std::unexpected(std::move(place).error());
  listeners_.admin = *std::move(place);
  return {};
}

std::expected<void, StartError> RunningBroker::bind_ingest() {
  Listeners::Place& place = listeners_.ingest;
  const std::string own = server::ingest_path(options_->listen.ingest);
  place.address = places_of("ingest", {own}).front();
  if (auto taken = handed("ingest", place.address)) {
    place = *std::move(taken);
    return {};
  }
  place.key = "ingest";
  place.text = place.address;
  if (!place.address.starts_with('/') && place.address != own) {
    return std::unexpected(StartError{
        fmt::format("the service manager's socket for ingest listens on {}: it has to be a Unix "
                    "socket; publishers over TCP show a token ([publish], "
                    "FileDescriptorName=publish)",
                    place.address),
        kExitConfig});
  }
  place.sockets = inheritance_.take("ingest", place.address);
  if (!place.sockets.empty()) {
    place.inherited = true;
    log::info("{}: listening on the service manager's socket", place.address);
    return {};
  }
  if (options_->listen.ingest.empty()) {
    if (auto folder = prepare_default_ingest_folder(); !folder) {
      return std::unexpected(StartError{folder.error(), kExitConfig});
    }
  }
  const io::UnixOptions unix_options{.mode = options_->listen.ingest_mode,
                                     .group = options_->listen.ingest_group};
  auto ingest =
      once_released(place.address, [&] { return io::listen_unix(place.address, unix_options); });
  if (!ingest) return std::unexpected(start_error(ingest.error()));
  place.sockets.push_back(std::move(*ingest));
  return {};
}

std::expected<void, StartError> RunningBroker::bind() {
  auto bound = bind_http(/*tls=*/false);
  if (bound) bound = bind_http(/*tls=*/true);
  if (bound) bound = bind_publish(/*tls=*/false);
  if (bound) bound = bind_publish(/*tls=*/true);
  if (bound) bound = bind_admin();
  if (bound) bound = bind_ingest();
  if (!bound) return bound;
  if (auto problem = inheritance_.left_over()) {
    return std::unexpected(StartError{*std::move(problem), kExitConfig});
  }
  return {};
}

std::expected<void, StartError> RunningBroker::begin() {
  io::raise_descriptor_limit();
  auto choice = io::choose_backend(to_io(options_->backend));
  if (!choice) return std::unexpected(StartError{choice.error().message, kExitConfig});
  choice_ = std::move(*choice);
  const auto plan =
      make_plan(*options_, {.cores = std::max(1U, std::thread::hardware_concurrency()),
                            .slots_max = choice_.slots_max,
                            .slots_shared = choice_.backend == io::Backend::epoll});
  if (!plan) return std::unexpected(StartError{plan.error(), kExitConfig});
  plan_ = *plan;
  auto users = user_ids(options_->listen.ingest_users);
  if (!users) return std::unexpected(users.error());
  auto recovered = recovery_.recover(options_->journal, from_);
  if (!recovered) return std::unexpected(start_error(recovered.error()));
  Random random(random_seed());
  const fanout::Sequence head = *recovered ? (*recovered)->log->head() : 0;
  const fanout::Epoch epoch = *recovered ? (*recovered)->log->epoch() : fanout::Epoch::from(random);
  assembly_.emplace(
      ShardConfig{
          .subscribers_max = plan_.subscribers_max,
          .connections_max = plan_.connections_max,
          .epoch = epoch,
          .recovered = *std::move(recovered),
          .options = options_,
          .surface = surface_.get(),
          .gate = recovery_.gate(),
          .ingest_users = std::move(*users),
          .shared = [](const SharedPort::Parts& parts) { return std::make_unique<H2Port>(parts); }},
      plan_.shards);
  Switchboard& switchboard = assembly_->switchboard();
  switchboard.post = [this](std::uint32_t shard, Message message) {
    members_[shard].shard->mailbox().post(std::move(message));
  };
  switchboard.wake_lead = [this, lead = switchboard.lead] { members_[lead].ring->wake(); };
  access_.emplace(plan_.shards);
  if (auto opened = access_->reopen(options_->access.log); !opened) {
    return std::unexpected(StartError{opened.error(), kExitConfig});
  }
  switchboard.access = &*access_;
  if (auto bound = bind(); !bound) return bound;
  assembly_->recover();
  if (auto begun = recovery_.begin(switchboard.wake_lead); !begun) {
    return std::unexpected(start_error(begun.error()));
  }

  members_.resize(plan_.shards);
  last_turns_ = std::vector<LastTurn>(plan_.shards);
  for (LastTurn& last : last_turns_) last.nanoseconds = monotonic_now().nanoseconds;
  made_ = std::make_unique<std::latch>(plan_.shards);
  for (std::uint32_t index = 0; index < plan_.shards; ++index) {
    members_[index].thread = std::thread([this, index] { run(index); });
  }
  made_->wait();
  std::optional<StartError> error;
  for (const Member& member : members_) {
    if (member.error && !error) error = member.error;
  }
  aborted_ = error.has_value();
  go_.count_down();
  if (error) {
    join();
    return std::unexpected(*error);
  }
  if (from_ != nullptr) from_->adopt(switchboard);
  // Every shard is sent the history before it accepts.
  for (; switchboard.head < head; std::this_thread::sleep_for(1ms)) switchboard.wake_lead();
  assembly_->serve();
  for (const Member& member : members_) member.ring->wake();
  // Nobody asked for epoll: the sentence says what would have to change.
  const bool automatic = options_->backend == Backend::automatic;
  if (automatic && choice_.backend == io::Backend::epoll) {
    log::warn("{}", choice_.why);
  } else {
    log::info("{}", choice_.why);
  }
  log::info("{}", plan_.sentence);
  log::info("epoch {}", epoch.text());
  return {};
}

// A shard's thread: its ring is made here, because only this thread may use it.
void RunningBroker::run(std::uint32_t index) {
  ::pthread_setname_np(::pthread_self(), fmt::format("shard-{}", index).c_str());
  Member& member = members_[index];
  io::RingOptions ring_options{.slots = plan_.slots};
  const bool lead = assembly_->switchboard().is_lead(index);
  if (lead) ring_options.ingest = kIngestBuffers;
  if (auto ring = io::make_ring(choice_.backend, ring_options)) {
    member.ring = std::move(*ring);
    if (options_->tls_server || (lead && options_->publish_tls_server)) {
      member.tls = std::make_unique<TlsRing>(
          *member.ring, TlsServers{options_->tls_server, options_->publish_tls_server});
    }
    io::Ring& seam = member.tls ? *member.tls : *member.ring;
    member.shard = assembly_->make(index, seam, random_seed(), member.tls.get());
    listen(index);
  } else {
    member.error = StartError{ring.error().message, kExitConfig};
  }
  made_->count_down();
  go_.wait();
  if (aborted_) return;
  std::atomic<std::int64_t>& last_turn = last_turns_[index].nanoseconds;
  while (!member.shard->finished()) {
    member.shard->turn(member.ring->now() + 1s);
    last_turn.store(member.ring->now().nanoseconds, std::memory_order_relaxed);
  }
  last_turn.store(std::numeric_limits<std::int64_t>::max(), std::memory_order_relaxed);
}

// Every listener that is this shard's.
void RunningBroker::listen(std::uint32_t index) {
  Shard& shard = *members_[index].shard;
  const auto every = [&](Port port, const Listeners::Place& place) {
    for (std::size_t i = index; i < place.sockets.size(); i += plan_.shards) {
      shard.listen(
          port, place.sockets[i].number(),
          {.tls = place.tls, .inherited = place.inherited, .tcp = !socket_path(place.address)});
    }
  };
  const auto all = [&shard](Port port, const Listeners::Place& place) {
    for (const io::Descriptor& socket : place.sockets) {
      shard.listen(port, socket.number(), {.tls = place.tls, .inherited = place.inherited});
    }
  };
  for (const Listeners::Place& place : listeners_.http) every(Port::subscriber, place);
  if (!assembly_->switchboard().is_lead(index)) return;
  all(Port::ingest, listeners_.ingest);
  for (const Listeners::Place& place : listeners_.publish) all(Port::publish, place);
  all(Port::admin, listeners_.admin);
}

// Second descriptors of all listeners.
std::vector<HandedPlace> RunningBroker::handed_places() const {
  std::vector<HandedPlace> places;
  const auto add = [&places](const Listeners::Place& place) {
    HandedPlace& handed =
        places.emplace_back(HandedPlace{place.key, place.text, place.address, place.inherited, {}});
    for (const io::Descriptor& socket : place.sockets) {
      handed.sockets.emplace_back(::fcntl(socket.number(), F_DUPFD_CLOEXEC, 0));
    }
  };
  for (const auto* several : {&listeners_.http, &listeners_.publish})
    std::ranges::for_each(*several, add);
  add(listeners_.admin);
  add(listeners_.ingest);
  return places;
}

std::expected<std::uint64_t, std::string> RunningBroker::hand_over(
    int end, const std::function<void()>& going) {
  if (auto problem = recovery_.hand_over_problem()) return std::unexpected(*problem);
  auto streams = GoingOver::run(end, assembly_->switchboard(), handed_places(), going);
  handed_over_ = streams.has_value();
  return streams;
}

TimePoint RunningBroker::oldest_turn() const {
  std::int64_t oldest = std::numeric_limits<std::int64_t>::max();
  for (const LastTurn& last : last_turns_) {
    oldest = std::min(oldest, last.nanoseconds.load(std::memory_order_relaxed));
  }
  return {oldest};
}

void RunningBroker::join() {
  for (Member& member : members_) {
    if (member.thread.joinable()) member.thread.join();
  }
  recovery_.end();
}

void RunningBroker::drain() {
  assembly_->drain(/*at_once=*/drains_.fetch_add(1) > 0);
}

void RunningBroker::reload(const Options& options) {
  for (const Listeners::Place& http : listeners_.http) {
    for (const io::Descriptor& listener : http.sockets) {
      io::set_user_timeout(listener.number(), user_timeout(options));
    }
  }
  if (auto opened = access_->reopen(options.access.log); !opened) {
    log::error("reload: {}", opened.error());
  }
  assembly_->reload(options);
}

}  // namespace

std::expected<std::unique_ptr<Broker>, StartError> Broker::start(
    const Options& options, std::unique_ptr<AdminSurface> admin,
    std::vector<io::InheritedSocket> inherited, TakeOver* from) {
  auto broker =
      std::make_unique<RunningBroker>(options, std::move(admin), std::move(inherited), from);
  if (auto begun = broker->begin(); !begun) return std::unexpected(begun.error());
  return broker;
}

}  // namespace fanfare::server
