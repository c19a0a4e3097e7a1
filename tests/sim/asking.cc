#include "tests/sim/asking.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "tests/sim/day_plan.h"

namespace fanfare::sim {
namespace {

bool is_path(const std::string& place) {
  return place.starts_with('/');
}

}  // namespace

Asking::Asking(World& world, std::uint64_t seed)
    : world_(world), draw_(seed * 0xbf58476d1ce4e5b9U + 7) {
  limits_.upstream_connections = one_of<std::uint32_t>(draw_, {1, 2, 8, 64});
  limits_.upstream_time = between(draw_, 300ms, 3s);
  limits_.upstream_answer_bytes = one_of<std::uint64_t>(draw_, {500, 4'000, 1U << 20U});
  limits_.approval_bytes = one_of<std::uint64_t>(draw_, {0, 3'000, 16U << 20U, 16U << 20U});
  limits_.approval_age = one_of<Duration>(draw_, {Duration(1s), Duration(1h)});
  const std::size_t applications = 1 + draw_.below(3);
  for (std::size_t i = 0; i < applications; ++i)
    places_.push_back(draw_.chance(0.5) ? fmt::format("/run/app{}.sock", i)
                                        : fmt::format("127.0.0.1:{}", 3000 + i));
  const std::size_t routes = 1 + draw_.below(4);
  for (std::size_t i = 0; i < routes; ++i)
    routes_.push_back(
        {.path = fmt::format("/ask/{}", i),
         .application = draw_.below(applications),
         .asks = draw_.chance(0.6) ? ReaderPlan::Asks::when_new : ReaderPlan::Asks::always});
  Faults& faults = world_.kernel().faults();
  if (draw_.chance(0.3)) faults.connect_fails = 0.3 * static_cast<double>(draw_.below(100)) / 100;
  if (draw_.chance(0.2)) faults.connect_stalls = 0.2 * static_cast<double>(draw_.below(100)) / 100;
}

void Asking::configure(server::Options& options) const {
  const PlantedBug bug = world_.kernel().faults().bug;
  Duration& stall_max = world_.town().stall_max;
  stall_max = std::max(stall_max, options.delivery.stall);
  server::LimitOptions& limits = options.limits;
  limits.upstream_connections = limits_.upstream_connections;
  limits.upstream_time = limits_.upstream_time;
  limits.upstream_answer_bytes = limits_.upstream_answer_bytes;
  limits.approval_bytes = limits_.approval_bytes;
  limits.approval_age = limits_.approval_age;
  if (bug == PlantedBug::patience_endless) limits.upstream_time = 1h;
  if (bug == PlantedBug::approvals_forgotten) limits.approval_bytes = 0;
  if (bug == PlantedBug::approvals_kept) limits.approval_age = 1h;
  options.routes.clear();
  for (const Route& route : routes_) {
    server::RouteRule& rule = options.routes.emplace_back();
    rule.path = route.path;
    const std::string& place = places_[route.application];
    rule.upstream = (is_path(place) ? "unix:" : "http://") + place;
    rule.ask =
        route.asks == ReaderPlan::Asks::always ? server::Ask::always : server::Ask::newcomers;
  }
}

ReaderPlan Asking::drawn_plan(const std::vector<std::string>& channels) {
  ReaderPlan plan = ReaderPlan::drawn(channels, draw_);
  const Route& route = routes_[draw_.below(routes_.size())];
  plan.path = route.path;
  plan.asks = route.asks;
  plan.before = ReaderPlan::Before::nothing;
  plan.half_closes = false;  // while it waits, that is how a client leaves
  if (plan.cursor_by == ReaderPlan::Cursor::body) plan.cursor_by = ReaderPlan::Cursor::header;
  if (!plan.http10) plan.post = draw_.chance(0.4);
  plan.browser = draw_.chance(0.6);
  plan.application_says = draw_.chance(0.5);
  plan.body_bytes = draw_.chance(0.8) ? draw_.below(100) : draw_.below(5'000);
  if (draw_.chance(0.4)) plan.patience = between(draw_, 0s, limits_.upstream_time);
  return plan;
}

// A client that is asleep would read late that it has been answered.
ReaderPlan Asking::plan_of_page(const std::vector<std::string>& channels) {
  ReaderPlan plan = drawn_plan(channels);
  plan.http10 = false;
  plan.sleeps = 0;
  return plan;
}

void Asking::invite(const std::vector<std::string>& channels) {
  constexpr Duration kUnderWay = 3s;
  for (std::size_t i = 0; i < places_.size(); ++i) {
    applications_.push_back(std::make_unique<Application>(
        world_.town(), fmt::format("application {}", i), places_[i],
        ApplicationPlan::drawn(draw_, limits_.upstream_time), limits_.upstream_time + kUnderWay));
    applications_.back()->start();
  }
  const std::size_t guests = 1 + draw_.below(draw_.chance(0.8) ? 8 : 25);
  for (std::size_t i = 0; i < guests; ++i) {
    ReaderPlan plan = drawn_plan(channels);
    if (draw_.chance(0.6)) {
      if (draw_.chance(0.5)) plan.topics.clear();
      plan.topics.push_back(private_channels_.emplace_back(fmt::format("private/{}", i)));
    }
    world_.add_reader(plan, Pace::drawn(draw_)).start(between(draw_, 0s, 10s));
  }
}

std::unique_ptr<Publisher> Asking::publisher() {
  if (private_channels_.empty()) return nullptr;
  auto publisher = std::make_unique<Publisher>(world_.town(), "publisher of private channels",
                                               PublisherPlan::drawn(private_channels_, draw_),
                                               Pace::drawn(draw_));
  publisher->start(between(draw_, 0s, 2s));
  return publisher;
}

void Asking::behave() {
  // A client that still waits may have asked an application that never answers.
  for (const auto& reader : world_.readers()) {
    Guest* const guest = reader->subscription().guest();
    if (guest != nullptr && reader->in_the_dark()) guest->over();
  }
  for (const auto& client : world_.shared_clients()) {
    for (Subscription& subscription : client->subscriptions()) {
      if (subscription.guest() != nullptr && client->in_the_dark()) subscription.guest()->over();
    }
  }
  fail_with(check_waits(world_.town().guestbook, rules(), world_.kernel().now()));
  for (const auto& application : applications_) application->behave();
}

// Those on streams that have no end.
std::vector<Reader*> Asking::staying() const {
  std::vector<Reader*> staying;
  for (const auto& reader : world_.readers()) {
    const Guest* const guest = reader->subscription().guest();
    if (guest != nullptr && reader->streaming() && !reader->in_the_dark() && !guest->may_end())
      staying.push_back(reader.get());
  }
  return staying;
}

void Asking::restart() {
  world_.run(3s);  // what is on its way for fifty times the latency has arrived
  const std::vector<Reader*> before = staying();
  std::vector<std::uint32_t> streams;
  for (const Reader* const reader : before) streams.push_back(reader->subscription().streams());
  leave();
  if (world_.kernel().faults().bug == PlantedBug::streams_die_too)
    for (Reader* const reader : before) reader->cut();
  world_.run(between(draw_, 100ms, 3s));
  for (const auto& application : applications_) application->start();
  for (std::size_t i = 0; i < before.size(); ++i) {
    const Subscription& subscription = before[i]->subscription();
    if (!subscription.streaming() || subscription.streams() != streams[i])
      world_.kernel().fail(
          fmt::format("outlives: {} has lost its stream with its application", before[i]->name()));
  }
}

void Asking::judge() {
  fail_with(check_guests(world_.town().guestbook, rules(), world_.kernel().now()));
}

GuestRules Asking::rules() const {
  return {.upstream_time = limits_.upstream_time,
          .approval_age = limits_.approval_age,
          .approvals_fit = limits_.approval_bytes > 1U << 20U};
}

void Asking::fail_with(Problems problems) {
  for (std::string& problem : problems) world_.kernel().fail(std::move(problem));
}

void Asking::leave() {
  for (const auto& application : applications_) application->stop();
}

std::uint64_t Asking::questions() const {
  std::uint64_t questions = 0;
  for (const auto& application : applications_) questions += application->questions();
  return questions;
}

}  // namespace fanfare::sim
