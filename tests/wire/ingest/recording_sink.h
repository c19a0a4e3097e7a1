// RecordingSink: a broker made of a list. Publishes are written down; a few channel names stand for
// the ways a real Sink refuses.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/wire/ingest/sink.h"

namespace fanfare::ingest_test {

class RecordingSink : public ingest::Sink {
 public:
  // "publish news [tick] data=hello retry=5 key=k id=i", one for each call that changes something.
  std::vector<std::string> calls;
  std::map<std::string, ingest::ChannelState, std::less<>> channels;

  std::expected<ingest::Published, ingest::Refused> publish(const ingest::Publish& event) override {
    if (auto refused = refuse(event.channel)) return std::unexpected(*refused);
    std::string& first = first_ids_[fmt::format("{} {}", event.channel, event.idempotency_key)];
    if (!event.idempotency_key.empty() && !first.empty()) {
      return ingest::Published{.id = first,
                               .receivers = subscribers(event.channel),
                               .duplicate = true,
                               .evicted = event.channel == "brief"};
    }
    calls.push_back(fmt::format("publish {} [{}] data={}", event.channel, event.type, event.data));
    if (event.retry_ms) calls.back() += fmt::format(" retry={}", *event.retry_ms);
    if (!event.key.empty()) calls.back() += fmt::format(" key={}", event.key);
    if (!event.idempotency_key.empty()) {
      calls.back() += fmt::format(" id={}", event.idempotency_key);
    }
    id_ = first = fmt::format("ep-{}", ++sequence_);
    auto& state = channels[std::string(event.channel)];
    ++state.events;
    ++state.published_total;
    state.bytes += event.data.size();
    state.last = id_;
    if (state.first.empty()) state.first = id_;
    return ingest::Published{.id = id_, .receivers = subscribers(event.channel)};
  }
  // For an invalid name, whatever the log holds.
  std::optional<ingest::Refused> check(const ingest::Change& change) override {
    auto refused = refuse(change.event.channel);
    if (refused && (refused->kind == ingest::Refusal::invalid ||
                    refused->kind == ingest::Refusal::too_large)) {
      return refused;
    }
    return std::nullopt;
  }
  std::unique_ptr<ingest::Rehearsal> rehearse() override { return std::make_unique<Rehearsed>(); }
  std::expected<void, ingest::Refused> finish(std::string_view channel) override {
    if (auto refused = refuse(channel)) return std::unexpected(*refused);
    calls.push_back(fmt::format("finish {}", channel));
    channels[std::string(channel)].finished = true;
    return {};
  }
  std::expected<bool, ingest::Refused> erase(std::string_view channel) override {
    if (auto refused = refuse(channel)) return std::unexpected(*refused);
    calls.push_back(fmt::format("erase {}", channel));
    std::erase_if(first_ids_, [&](const auto& first) {
      return first.first.starts_with(fmt::format("{} ", channel));
    });
    return channels.erase(std::string(channel)) != 0;
  }
  std::string_view position() override { return position_ = fmt::format("ep-{}", sequence_); }
  std::expected<ingest::Ticket, ingest::Refused> issue_ticket(
      const ingest::TicketRequest& request) override {
    std::string call = fmt::format("ticket [{}] {}", request.subject, request.expires);
    for (const std::string_view channel : request.channels) {
      if (auto refused = refuse(channel)) return std::unexpected(*refused);
      call += fmt::format(" {}", channel);
    }
    calls.push_back(call);
    return ingest::Ticket{.text = "t1cket", .expires = std::chrono::seconds(60)};
  }
  std::optional<ingest::Refused> name_problem(std::string_view channel) override {
    return check({ingest::Change::Kind::erase, {.channel = channel}});
  }
  std::optional<ingest::ChannelState> find(std::string_view channel) override {
    const auto found = channels.find(channel);
    if (found == channels.end()) return std::nullopt;
    return found->second;
  }
  void for_each_channel(const ChannelVisitor& visit) override {
    for (const auto& [name, state] : channels) {
      if (!visit(name, state)) return;
    }
  }
  // As many as the name has letters.
  std::uint64_t subscribers(std::string_view channel) override { return channel.size(); }
  std::uint64_t pattern_count() override { return 3; }
  void for_each_fact(const FactVisitor& visit) override {
    visit("version", "1.2.3");
    visit("events_total", sequence_);
  }

 private:
  struct Rehearsed final : ingest::Rehearsal {
    std::optional<ingest::Refused> add(const ingest::Change& change) override {
      return refuse(change.event.channel);
    }
  };

  static std::optional<ingest::Refused> refuse(std::string_view channel) {
    using enum ingest::Refusal;
    if (channel == "closed") return ingest::Refused{finished, "the channel is finished"};
    if (channel == "full") return ingest::Refused{unavailable, "too many channels"};
    if (channel == "big") return ingest::Refused{too_large, "the data has too many bytes"};
    if (channel.empty() || channel.find_first_of(" \r\n") != std::string_view::npos) {
      return ingest::Refused{invalid, fmt::format("not a channel name: \"{}\"", channel)};
    }
    return std::nullopt;
  }

  std::uint64_t sequence_ = 0;
  std::string id_;
  std::string position_;
  std::map<std::string, std::string> first_ids_;  // by channel and key
};

}  // namespace fanfare::ingest_test
