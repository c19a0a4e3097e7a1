#include "broker/server/shard/broker.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <latch>
#include <optional>
#include <thread>
#include <utility>

#include "broker/io/backend.h"
#include "broker/io/socket.h"
#include "broker/server/base/ingest_path.h"
#include "broker/server/shard/access_writer.h"
#include "broker/server/shard/assembly.h"
#include "broker/server/shard/plan.h"
#include "broker/server/streams/h2_port.h"

#include "common/log.h"
#include "common/units.h"

namespace fanfare::server {
namespace {

// sysexits(3).
constexpr int kExitConfig = 78;
// Publishers send in bulk: 32 reads of 64 KiB may be held at once.
constexpr io::BufferPoolOptions kIngestBuffers{.size = 64U << 10U, .count = 32};

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
  struct Http {
    std::string address;
    std::vector<io::Descriptor> of_shard;
    bool tls = false;
  };
  std::vector<Http> http;
  io::Descriptor admin;
  std::string admin_address;
  io::Descriptor ingest;
  std::string ingest_path;
  struct Publish {
    std::string address;
    io::Descriptor listener;
  };
  std::vector<Publish> publish;
};

class RunningBroker final : public Broker {
 public:
  RunningBroker(const Options& options, std::unique_ptr<AdminSurface> surface)
      : options_(std::make_shared<const Options>(options)),
        // Without a listener nobody could see the pages, so nothing is published for them either.
        surface_(options.listen.admin.empty() ? nullptr : std::move(surface)) {}
  ~RunningBroker() override;

  std::expected<void, StartError> begin();

  std::vector<std::string> http_addresses() const override { return addresses(false); }
  std::vector<std::string> https_addresses() const override { return addresses(true); }
  std::string admin_address() const override { return listeners_.admin_address; }
  std::string ingest_path() const override { return listeners_.ingest_path; }
  std::vector<std::string> publish_addresses() const override;
  void join() override;
  void drain() override;
  void reload(const Options& options) override;

 private:
  struct Member {
    std::unique_ptr<io::Ring> ring;
    std::unique_ptr<TlsRing> tls;  // before it, if anything listens for TLS
    std::unique_ptr<Shard> shard;
    std::optional<StartError> error;
    std::thread thread;
  };

  std::expected<void, StartError> bind();
  std::expected<void, StartError> bind_http(const std::string& text, bool tls);
  std::vector<std::string> addresses(bool tls) const;
  std::expected<void, StartError> bind_publish(const std::string& text);
  void run(std::uint32_t index);

  std::shared_ptr<const Options> options_;  // of the start
  std::unique_ptr<AdminSurface> surface_;
  io::Choice choice_;
  Plan plan_;
  Listeners listeners_;
  std::optional<AccessWriter> access_;
  std::optional<Assembly> assembly_;
  std::vector<Member> members_;
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
  if (listeners_.ingest) ::unlink(listeners_.ingest_path.c_str());
}

std::expected<void, StartError> RunningBroker::bind_http(const std::string& text, bool tls) {
  auto address = io::parse_address(text);
  if (!address) return std::unexpected(StartError{address.error().message, kExitConfig});
  const io::TcpOptions tcp{.user_timeout = user_timeout(*options_)};
  auto listeners = once_released(text, [&] { return io::listen_tcp(*address, plan_.shards, tcp); });
  if (!listeners) return std::unexpected(start_error(listeners.error()));
  Listeners::Http http;
  http.address = io::format_address(io::bound_address(listeners->front().number()));
  http.of_shard = std::move(*listeners);
  http.tls = tls;
  listeners_.http.push_back(std::move(http));
  return {};
}

std::expected<void, StartError> RunningBroker::bind_publish(const std::string& text) {
  auto address = io::parse_address(text);
  if (!address) return std::unexpected(StartError{address.error().message, kExitConfig});
  auto listeners = once_released(text, [&] { return io::listen_tcp(*address, 1); });
  if (!listeners) return std::unexpected(start_error(listeners.error()));
  listeners_.publish.push_back(
      {.address = io::format_address(io::bound_address(listeners->front().number())),
       .listener = std::move(listeners->front())});
  return {};
}

std::expected<void, StartError> RunningBroker::bind() {
  for (const std::string& text : options_->listen.http) {
    if (auto bound = bind_http(text, /*tls=*/false); !bound) return bound;
  }
  for (const std::string& text : options_->listen.https) {
    if (auto bound = bind_http(text, /*tls=*/true); !bound) return bound;
  }
  for (const std::string& text : options_->publish.listen) {
    if (auto bound = bind_publish(text); !bound) return bound;
  }
  if (surface_) {
    auto address = io::parse_address(options_->listen.admin);
    if (!address) return std::unexpected(StartError{address.error().message, kExitConfig});
    auto listeners =
        once_released(options_->listen.admin, [&] { return io::listen_tcp(*address, 1); });
    if (!listeners) return std::unexpected(start_error(listeners.error()));
    listeners_.admin = std::move(listeners->front());
    listeners_.admin_address = io::format_address(io::bound_address(listeners_.admin.number()));
  }
  if (options_->listen.ingest.empty()) {
    if (auto folder = prepare_default_ingest_folder(); !folder) {
      return std::unexpected(StartError{folder.error(), kExitConfig});
    }
  }
  listeners_.ingest_path = server::ingest_path(options_->listen.ingest);
  const io::UnixOptions unix_options{.mode = options_->listen.ingest_mode,
                                     .group = options_->listen.ingest_group};
  auto ingest = once_released(listeners_.ingest_path, [&] {
    return io::listen_unix(listeners_.ingest_path, unix_options);
  });
  if (!ingest) return std::unexpected(start_error(ingest.error()));
  listeners_.ingest = std::move(*ingest);
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
  Random random(random_seed());
  const fanout::Epoch epoch = fanout::Epoch::from(random);
  assembly_.emplace(
      ShardConfig{
          .subscribers_max = plan_.subscribers_max,
          .connections_max = plan_.connections_max,
          .epoch = epoch,
          .options = options_,
          .surface = surface_.get(),
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
  if (surface_) surface_->set_public_addresses(http_addresses());
  assembly_->recover();

  members_.resize(plan_.shards);
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
  if (!error) assembly_->serve();
  go_.count_down();
  if (error) {
    join();
    return std::unexpected(*error);
  }
  log::info("{}", choice_.why);
  log::info("{}", plan_.sentence);
  log::info("epoch {}", epoch.text());
  return {};
}

// A shard's thread: its ring is made here, because only this thread may use it.
void RunningBroker::run(std::uint32_t index) {
  Member& member = members_[index];
  io::RingOptions ring_options{.slots = plan_.slots};
  const bool lead = assembly_->switchboard().is_lead(index);
  if (lead) ring_options.ingest = kIngestBuffers;
  if (auto ring = io::make_ring(choice_.backend, ring_options)) {
    member.ring = std::move(*ring);
    if (!options_->listen.https.empty()) {
      member.tls = std::make_unique<TlsRing>(*member.ring, options_->tls_server);
    }
    io::Ring& seam = member.tls ? *member.tls : *member.ring;
    member.shard = assembly_->make(index, seam, random_seed(), member.tls.get());
    for (const Listeners::Http& http : listeners_.http) {
      member.shard->listen(Port::subscriber, http.of_shard[index].number(), http.tls);
    }
    if (lead) {
      member.shard->listen(Port::ingest, listeners_.ingest.number());
      for (const Listeners::Publish& publish : listeners_.publish) {
        member.shard->listen(Port::publish, publish.listener.number());
      }
      if (listeners_.admin) member.shard->listen(Port::admin, listeners_.admin.number());
    }
  } else {
    member.error = StartError{ring.error().message, kExitConfig};
  }
  made_->count_down();
  go_.wait();
  if (aborted_) return;
  while (!member.shard->finished()) {
    member.shard->turn(member.ring->now() + 1s);
  }
}

std::vector<std::string> RunningBroker::addresses(bool tls) const {
  std::vector<std::string> addresses;
  addresses.reserve(listeners_.http.size());
  for (const Listeners::Http& http : listeners_.http) {
    if (http.tls == tls) addresses.push_back(http.address);
  }
  return addresses;
}

std::vector<std::string> RunningBroker::publish_addresses() const {
  std::vector<std::string> addresses;
  addresses.reserve(listeners_.publish.size());
  for (const Listeners::Publish& publish : listeners_.publish) {
    addresses.push_back(publish.address);
  }
  return addresses;
}

void RunningBroker::join() {
  for (Member& member : members_) {
    if (member.thread.joinable()) member.thread.join();
  }
}

void RunningBroker::drain() {
  assembly_->drain(/*at_once=*/drains_.fetch_add(1) > 0);
}

void RunningBroker::reload(const Options& options) {
  for (const Listeners::Http& http : listeners_.http) {
    for (const io::Descriptor& listener : http.of_shard) {
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
    const Options& options, std::unique_ptr<AdminSurface> admin) {
  auto broker = std::make_unique<RunningBroker>(options, std::move(admin));
  if (auto begun = broker->begin(); !begun) return std::unexpected(begun.error());
  return broker;
}

}  // namespace fanfare::server
