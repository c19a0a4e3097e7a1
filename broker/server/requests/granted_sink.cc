#include "broker/server/requests/granted_sink.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/quotable.h"

namespace fanfare::server {
namespace {

constexpr std::string_view kAllChannels = "**";

}  // namespace

std::optional<ingest::Refused> GrantedSink::refusal_of(std::string_view topic) const {
  if (granted(topic)) return std::nullopt;
  ++counters_.publish_not_granted_total;
  return ingest::Refused{.kind = ingest::Refusal::forbidden,
                         .message = fmt::format("the {} does not grant the channel \"{}\"",
                                                grants_.proof, quotable(topic))};
}

// What a transaction would do, checked against the grants first.
class GrantedSink::Picture final : public ingest::Rehearsal {
 public:
  Picture(const GrantedSink& sink, std::unique_ptr<ingest::Rehearsal> behind)
      : sink_(sink), behind_(std::move(behind)) {}

  std::optional<ingest::Refused> add(const ingest::Change& change) override {
    if (auto refused = sink_.refusal_of(change.event.channel)) return refused;
    return behind_->add(change);
  }
  bool repeats(const ingest::Publish& event) const override { return behind_->repeats(event); }

 private:
  const GrantedSink& sink_;
  std::unique_ptr<ingest::Rehearsal> behind_;
};

std::expected<ingest::Published, ingest::Refused> GrantedSink::publish(
    const ingest::Publish& event) {
  if (auto refused = refusal_of(event.channel)) return std::unexpected(*std::move(refused));
  return behind_.publish(event);
}

void GrantedSink::publish_all(std::span<const ingest::Publish> events, const Answer& answer) {
  const bool all =
      std::ranges::all_of(events, [this](const auto& event) { return granted(event.channel); });
  if (all) return behind_.publish_all(events, answer);
  for (const ingest::Publish& event : events) answer(publish(event));
}

std::optional<ingest::Refused> GrantedSink::check(const ingest::Change& change) {
  if (auto refused = refusal_of(change.event.channel)) return refused;
  return behind_.check(change);
}

std::unique_ptr<ingest::Rehearsal> GrantedSink::rehearse() {
  return std::make_unique<Picture>(*this, behind_.rehearse());
}

std::expected<void, ingest::Refused> GrantedSink::finish(std::string_view channel) {
  if (auto refused = refusal_of(channel)) return std::unexpected(*std::move(refused));
  return behind_.finish(channel);
}

std::expected<bool, ingest::Refused> GrantedSink::erase(std::string_view channel) {
  if (auto refused = refusal_of(channel)) return std::unexpected(*std::move(refused));
  return behind_.erase(channel);
}

std::expected<ingest::Ticket, ingest::Refused> GrantedSink::issue_ticket(
    const ingest::TicketRequest& request) {
  for (const std::string_view topic : request.channels) {
    if (auto refused = refusal_of(topic)) return std::unexpected(*std::move(refused));
  }
  return behind_.issue_ticket(request);
}

std::optional<ingest::Refused> GrantedSink::watch_problem() {
  if (granted(kAllChannels)) return behind_.watch_problem();
  ++counters_.publish_not_granted_total;
  return ingest::Refused{.kind = ingest::Refusal::forbidden,
                         .message =
                             "to watch, the token has to grant \"**\": notices name every "
                             "channel"};
}

// A name that no channel can have is said to be one; it shows nothing.
std::optional<ingest::Refused> GrantedSink::name_problem(std::string_view channel) {
  if (auto refused = behind_.name_problem(channel)) return refused;
  return refusal_of(channel);
}

std::optional<ingest::ChannelState> GrantedSink::find(std::string_view channel) {
  if (!granted(channel)) return std::nullopt;
  return behind_.find(channel);
}

void GrantedSink::for_each_channel(const ChannelVisitor& visit) {
  behind_.for_each_channel([&](std::string_view name, const ingest::ChannelState& state) {
    return !granted(name) || visit(name, state);
  });
}

std::uint64_t GrantedSink::subscribers(std::string_view channel) {
  return granted(channel) ? behind_.subscribers(channel) : 0;
}

}  // namespace fanfare::server
