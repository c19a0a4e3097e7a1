#include "broker/server/sockets/client_limits.h"

#include <utility>

namespace fanfare::server {
namespace {

using Kind = Quotas::Kind;

constexpr unsigned kNetworkBits = 64;  // what a network gives to one client (RFC 6177)

QuotaKey key_of(const PackedAddress& address) {
  const IpAddress& whole = address.address;
  return (whole.is_v4() ? whole : whole.prefix(kNetworkBits)).bytes;
}

}  // namespace

std::optional<Quotas::Share> ClientLimits::take(Quotas& quotas, const QuotaKey& key, Kind kind,
                                                std::uint32_t most) {
  const auto share = quotas.take(key, kind, most, parts_.settings->limits.clients);
  if (share == Quotas::kUncounted) ++parts_.counters.clients_uncounted_total;
  return share;
}

// ---- connections

std::optional<Quotas::Share> ClientLimits::admit(const PackedAddress& peer) {
  const std::uint32_t most = parts_.settings->limits.connections_per_address;
  if (most == 0 || !peer.known() || parts_.settings.fronts().contains(peer.hop())) {
    return Quotas::kUncounted;
  }
  const auto share = take(parts_.addresses, key_of(peer), Kind::connection, most);
  if (!share) {
    ++parts_.counters.connections_over_address_total;
    note(peer.host(), "connections_per_address");
  }
  return share;
}

void ClientLimits::connected(io::Slot slot, Quotas::Share share) {
  hold(connections_, slot, share);
}

void ClientLimits::disconnected(io::Slot slot) {
  give_back(release(connections_, slot));
}

void ClientLimits::give_back(Quotas::Share share) {
  parts_.addresses.give_back(share, Kind::connection);
}

// ---- requests

std::optional<Duration> ClientLimits::wait_for(const Client& client) {
  const Rate& rate = parts_.settings.requests_per_address();
  if (!rate.limited() || client.front || !client.address.known()) return std::nullopt;
  const auto wait = parts_.addresses.wait_for(key_of(client.address), rate,
                                              parts_.settings->limits.clients, now_);
  if (wait) {
    ++parts_.counters.requests_over_address_total;
    note(client.address.host(), "requests_per_address");
  }
  return wait;
}

std::optional<Duration> ClientLimits::wait_for(const QuotaKey& bearer) {
  const Rate& rate = parts_.settings.requests_per_token();
  if (!rate.limited()) return std::nullopt;
  const auto wait = parts_.tokens.wait_for(bearer, rate, parts_.settings->limits.clients, now_);
  if (wait) ++parts_.counters.requests_over_token_total;
  return wait;
}

// ---- streams

std::expected<StreamShares, std::string_view> ClientLimits::take(
    const Client& client, const std::optional<QuotaKey>& bearer) {
  const LimitOptions& limits = parts_.settings->limits;
  StreamShares shares;
  const std::uint32_t most = limits.streams_per_address;
  if (most > 0 && !client.front && client.address.known()) {
    const auto share = take(parts_.addresses, key_of(client.address), Kind::stream, most);
    if (!share) {
      ++parts_.counters.streams_over_address_total;
      note(client.address.host(), "streams_per_address");
      return std::unexpected(
          "this address has as many streams as [limits] streams_per_address allows; close one");
    }
    shares.address = *share;
  }
  if (limits.streams_per_token > 0 && bearer) {
    const auto share = take(parts_.tokens, *bearer, Kind::stream, limits.streams_per_token);
    if (!share) {
      ++parts_.counters.streams_over_token_total;
      parts_.addresses.give_back(shares.address, Kind::stream);
      return std::unexpected(
          "this token has as many streams as [limits] streams_per_token allows; close one");
    }
    shares.token = *share;
  }
  return shares;
}

void ClientLimits::give_back(const StreamShares& shares) {
  parts_.addresses.give_back(shares.address, Kind::stream);
  parts_.tokens.give_back(shares.token, Kind::stream);
}

void ClientLimits::began(fanout::Member stream, const StreamShares& shares) {
  hold(streams_, stream, shares.address);
  hold(token_streams_, stream, shares.token);
}

void ClientLimits::ended(fanout::Member stream) {
  give_back(
      StreamShares{.address = release(streams_, stream), .token = release(token_streams_, stream)});
}

void ClientLimits::hold(Held& held, std::uint32_t index, Quotas::Share share) {
  if (share == Quotas::kUncounted) return;
  if (index >= held.size()) held.resize(index + 1, Quotas::kUncounted);
  held[index] = share;
}

Quotas::Share ClientLimits::release(Held& held, std::uint32_t index) {
  if (index >= held.size()) return Quotas::kUncounted;
  return std::exchange(held[index], Quotas::kUncounted);
}

void ClientLimits::note(std::string_view client, std::string_view limit) {
  if (const auto left_out = log_.admit(now_); left_out >= 0) {
    log::warn(
        "{} has reached [limits] {}; if it is a proxy of yours, name it in [fronts] trusted{}",
        client, limit, log::left_out_note(left_out));
  }
}

}  // namespace fanfare::server
