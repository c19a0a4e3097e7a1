#include "broker/server/requests/listings.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>

#include "common/pattern.h"

namespace fanfare::server {
namespace {

// Places of the table of channels in one slice: some 50 ns each, or 500 where each channel is asked
// for its subscribers.
constexpr std::uint32_t kSlicePlaces = 2'048;
constexpr std::uint32_t kCountedPlaces = 256;

bool same(ExchangeId a, ExchangeId b) {
  return a.index == b.index && a.generation == b.generation;
}

std::uint64_t key_of(ChannelSort sort, const ChannelRow& row) {
  switch (sort) {
    case ChannelSort::rate:
      return row.rate.value_or(0);
    case ChannelSort::published:
      return row.state.published_total;
    case ChannelSort::subscribers:
      return row.subscribers;
    case ChannelSort::events:
      return row.state.events;
    case ChannelSort::bytes:
      return row.state.bytes;
    case ChannelSort::name:
      break;
  }
  return 0;
}

// Total, since names differ.
bool before(const ChannelOrder& order, const ChannelRow& a, const ChannelRow& b) {
  const std::uint64_t left = key_of(order.sort, a);
  const std::uint64_t right = key_of(order.sort, b);
  if (left != right) return order.descending ? left > right : left < right;
  const bool backwards = order.sort == ChannelSort::name && order.descending;
  return backwards ? a.name > b.name : a.name < b.name;
}

template <class Row>
void cut_to_page(std::vector<Row>& rows, std::uint32_t offset, std::uint32_t limit) {
  rows.erase(rows.begin(), rows.begin() + std::min<std::ptrdiff_t>(offset, std::ssize(rows)));
  if (rows.size() > limit) rows.resize(limit);
}

}  // namespace

// ---- connections

void Listings::ask(ExchangeId exchange, WalkOrder order) {
  const std::uint64_t number = ++numbered_;
  Call& call = calls_[number];
  call.exchange = exchange;
  call.listing.order = order;
  call.waiting = switchboard_.shard_count();
  const auto shared = std::make_shared<const WalkOrder>(std::move(order));
  for (std::uint32_t shard = 0; shard < switchboard_.shard_count(); ++shard) {
    switchboard_.post(shard, WalkMessage{.call = number, .order = shared});
  }
}

void Listings::forget(ExchangeId exchange) {
  std::erase_if(calls_, [=](const auto& call) { return same(call.second.exchange, exchange); });
  std::erase_if(channel_calls_, [=](const auto& call) { return same(call.exchange, exchange); });
}

std::optional<Listings::Answered<ConnectionListing>> Listings::take(WalkedMessage message) {
  const auto numbered = calls_.find(message.call);
  if (numbered == calls_.end()) return std::nullopt;
  Call& call = numbered->second;
  call.listing.total += message.total;
  call.found.insert(call.found.end(), message.found.begin(), message.found.end());
  if (--call.waiting > 0) return std::nullopt;
  choose(call);
  if (call.found.empty()) return complete(message.call);
  for (std::uint32_t shard = 0; shard < call.places.size(); ++shard) {
    if (call.places[shard].empty()) continue;
    DescribeMessage describe{.call = message.call, .found = {}};
    describe.found.reserve(call.places[shard].size());
    for (const std::uint32_t place : call.places[shard]) {
      describe.found.push_back(call.found[place]);
    }
    ++call.waiting;
    switchboard_.post(shard, std::move(describe));
  }
  return std::nullopt;
}

// The rows of the page, and which shard has them.
void Listings::choose(Call& call) const {
  const WalkOrder& order = call.listing.order;
  std::ranges::sort(call.found, [&order](const FoundConnection& a, const FoundConnection& b) {
    return a.before(b, order.descending);
  });
  cut_to_page(call.found, order.offset, order.limit);
  call.places.resize(switchboard_.shard_count());
  call.rows.resize(call.found.size());
  for (std::uint32_t place = 0; place < call.found.size(); ++place) {
    call.places[call.found[place].shard].push_back(place);
  }
}

std::optional<Listings::Answered<ConnectionListing>> Listings::take(DescribedMessage message) {
  const auto numbered = calls_.find(message.call);
  if (numbered == calls_.end()) return std::nullopt;
  Call& call = numbered->second;
  const std::vector<std::uint32_t>& places = call.places[message.shard];
  for (std::size_t i = 0; i < places.size(); ++i) call.rows[places[i]] = std::move(message.rows[i]);
  if (--call.waiting > 0) return std::nullopt;
  return complete(message.call);
}

Listings::Answered<ConnectionListing> Listings::complete(std::uint64_t number) {
  Call call = std::move(calls_.extract(number).mapped());
  for (std::optional<ConnectionRow>& row : call.rows) {
    if (row) {
      call.listing.rows.push_back(*std::move(row));
    } else {
      ++call.listing.gone;
    }
  }
  call.listing.head = switchboard_.head.load(std::memory_order_acquire);
  return {.exchange = call.exchange, .listing = std::move(call.listing)};
}

// ---- channels

void Listings::ask(ExchangeId exchange, ChannelOrder order) {
  channel_calls_.push_back({.exchange = exchange, .listing = {.order = std::move(order)}});
}

std::optional<Listings::Answered<ChannelListing>> Listings::walk_on() {
  if (channel_calls_.empty()) return std::nullopt;
  ChannelCall call = std::move(channel_calls_.front());
  channel_calls_.pop_front();
  const bool counted = call.listing.order.sort == ChannelSort::subscribers;
  const std::uint32_t slice = counted ? kCountedPlaces : kSlicePlaces;
  const std::uint32_t end = std::min(channels_.places(), call.next + slice);
  for (; call.next < end; ++call.next) {
    if (const auto seen = channels_.at(call.next)) consider(call, *seen);
  }
  if (call.next < channels_.places()) {
    channel_calls_.push_back(std::move(call));
    return std::nullopt;
  }
  complete(call);
  return Answered<ChannelListing>{.exchange = call.exchange, .listing = std::move(call.listing)};
}

void Listings::consider(ChannelCall& call, const ChannelSource::Seen& seen) {
  const ChannelOrder& order = call.listing.order;
  if (!order.match.empty() && !pattern_matches(order.match, seen.name)) return;
  if (seen.name.find(order.contains) == std::string_view::npos) return;
  ++call.listing.total;
  ChannelRow row{
      .name = std::string(seen.name), .state = seen.state, .subscribers = 0, .rate = seen.rate};
  if (order.sort == ChannelSort::subscribers) row.subscribers = channels_.subscribers_of(row.name);
  std::vector<ChannelRow>& best = call.listing.rows;
  const auto first = [&order](const ChannelRow& a, const ChannelRow& b) {
    return before(order, a, b);
  };
  if (best.size() < order.offset + order.limit) {
    best.push_back(std::move(row));
  } else {
    if (best.empty() || !first(row, best.front())) return;
    std::ranges::pop_heap(best, first);
    best.back() = std::move(row);
  }
  std::ranges::push_heap(best, first);
}

void Listings::complete(ChannelCall& call) {
  const ChannelOrder& order = call.listing.order;
  std::vector<ChannelRow>& rows = call.listing.rows;
  std::ranges::sort_heap(
      rows, [&order](const ChannelRow& a, const ChannelRow& b) { return before(order, a, b); });
  cut_to_page(rows, order.offset, order.limit);
  call.listing.epoch = channels_.epoch();
  for (ChannelRow& row : rows) row.subscribers = channels_.subscribers_of(row.name);
}

}  // namespace fanfare::server
