#include "broker/server/requests/listing_query.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "broker/wire/http/query.h"

#include "common/pattern.h"
#include "common/quotable.h"
#include "common/units.h"

namespace fanfare::server {
namespace {

using Problem = std::optional<std::string>;
using Words = std::span<const std::string_view>;

constexpr std::array<std::string_view, 5> kConnectionSorts{"lag", "lag_ms", "queued", "age",
                                                           "address"};
constexpr std::array<std::string_view, 6> kChannelSorts{"rate",   "published", "subscribers",
                                                        "events", "bytes",     "name"};
constexpr std::array<std::string_view, 4> kKinds{"subscribers", "publishers", "admin", "all"};
constexpr std::array<std::string_view, 2> kProtocols{"h1", "h2"};
constexpr std::array<std::string_view, 2> kYesNo{"0", "1"};

constexpr std::array<std::string_view, 7> kFilters{"kind",     "address", "channel", "subject",
                                                   "protocol", "tls",     "state"};
constexpr std::array<std::string_view, 3> kPaging{"sort", "limit", "offset"};
constexpr std::array<std::string_view, 2> kClosing{"retry", "reason"};
constexpr std::array<std::string_view, 2> kChannelFilters{"match", "contains"};

constexpr std::size_t kReasonMax = 200;
constexpr Duration kRetryMin = 100ms;
constexpr Duration kRetryMax = 1h;

bool is_one_of(Words words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

// Which of the words it is.
Problem choose(std::string_view name, std::string_view value, Words words, std::size_t& index) {
  const auto found = std::ranges::find(words, value);
  if (found == words.end()) {
    return fmt::format("{} is \"{}\": it must be one of {}", name, quotable(value),
                       fmt::join(words, ", "));
  }
  index = static_cast<std::size_t>(found - words.begin());
  return {};
}

Problem read_number(std::string_view name, std::string_view value, std::uint32_t most,
                    std::uint32_t& number) {
  const auto [stop, error] = std::from_chars(value.begin(), value.end(), number);
  if (error == std::errc{} && stop == value.end() && number <= most) return {};
  return fmt::format("{} is \"{}\": it must be a number up to {}", name, quotable(value), most);
}

// Each parameter that is allowed goes to `read`, which says what is wrong with its value.
template <class Read>
Problem read_all(std::string_view query, std::initializer_list<Words> allowed, const Read& read) {
  std::vector<std::string_view> seen;
  for (const auto& [key, value] : http::Query(query)) {
    const bool known =
        std::ranges::any_of(allowed, [name = key](Words words) { return is_one_of(words, name); });
    if (!known) {
      std::vector<std::string_view> names;
      for (const Words words : allowed) names.insert(names.end(), words.begin(), words.end());
      return fmt::format("unknown parameter \"{}\": the parameters are {}", quotable(key),
                         fmt::join(names, ", "));
    }
    if (is_one_of(seen, key)) return fmt::format("{} is there twice", key);
    seen.push_back(key);
    if (Problem problem = read(key, value)) return problem;
  }
  return {};
}

template <class Order, class Sort>
Problem read_page(std::string_view key, std::string_view value, Words sorts, Order& order,
                  Sort& sort) {
  if (key == "limit") return read_number(key, value, kShownMax, order.limit);
  if (key == "offset") return read_number(key, value, kListedMax - kShownMax, order.offset);
  order.descending = value.starts_with('-');
  std::size_t index = 0;
  const auto problem = choose(key, value.substr(order.descending ? 1 : 0), sorts, index);
  if (problem) return *problem + ", or that with a minus, which puts the greatest first";
  sort = static_cast<Sort>(index);
  return {};
}

Problem read_address(std::string_view value, ConnectionFilter& filter) {
  if (value == "unix:") {
    filter.on_unix = true;
    return {};
  }
  const auto network = IpNetwork::parse(value);
  if (!network) return fmt::format("address: {}; or \"unix:\"", network.error());
  filter.address = *network;
  return {};
}

Problem read_filter(std::string_view key, std::string_view value, ConnectionFilter& filter) {
  std::size_t index = 0;
  if (key == "address") return read_address(value, filter);
  if (key == "kind") {
    const Problem problem = choose(key, value, kKinds, index);
    filter.kind = static_cast<ConnectionFilter::Kind>(index);
    return problem;
  }
  if (key == "channel") {
    const std::string problem = channel_name_problem(value);
    if (!problem.empty() && !is_hidden(value)) return fmt::format("channel: {}", problem);
    filter.channel = value;
  } else if (key == "subject") {
    filter.subject = value;
  } else if (key == "protocol") {
    const Problem problem = choose(key, value, kProtocols, index);
    filter.http2 = index == 1;
    return problem;
  } else if (key == "tls") {
    const Problem problem = choose(key, value, kYesNo, index);
    filter.tls = index == 1;
    return problem;
  } else {
    filter.state = connection_state_of(value);
    if (!filter.state) return choose(key, value, connection_states(), index);
  }
  return {};
}

Problem read_closing(std::string_view key, std::string_view value, Dismissal& dismissal) {
  if (key == "retry") {
    const auto retry = parse_duration(value);
    if (!retry) return fmt::format("retry: {}", retry.error());
    if (*retry < kRetryMin || *retry > kRetryMax) {
      return std::string("retry must be from 100ms to 1h");
    }
    dismissal.retry = *retry;
    return {};
  }
  const bool plain = std::ranges::all_of(value, [](char c) { return c >= ' ' && c != '\x7f'; });
  if (!plain || value.size() > kReasonMax) {
    return fmt::format("reason must be one line of at most {} bytes", kReasonMax);
  }
  dismissal.reason = value;
  return {};
}

}  // namespace

std::expected<WalkOrder, std::string> parse_connection_query(std::string_view query) {
  WalkOrder order;
  const Problem problem =
      read_all(query, {kFilters, kPaging}, [&](std::string_view key, std::string_view value) {
        if (is_one_of(kFilters, key)) return read_filter(key, value, order.filter);
        return read_page(key, value, kConnectionSorts, order, order.sort);
      });
  if (problem) return std::unexpected(*problem);
  return order;
}

std::expected<ChannelOrder, std::string> parse_channel_query(std::string_view query) {
  ChannelOrder order;
  const Problem problem = read_all(
      query, {kChannelFilters, kPaging}, [&](std::string_view key, std::string_view value) {
        if (key == "contains") {
          order.contains = value;
          return Problem();
        }
        if (key != "match") return read_page(key, value, kChannelSorts, order, order.sort);
        order.match = value;
        const std::string wrong = channel_pattern_problem(value);
        return wrong.empty() ? Problem() : Problem(fmt::format("match: {}", wrong));
      });
  if (problem) return std::unexpected(*problem);
  return order;
}

std::expected<WalkOrder, std::string> parse_close_query(std::string_view query) {
  WalkOrder order;
  order.dismissal.emplace();
  bool filtered = false;
  const Problem problem =
      read_all(query, {kFilters, kClosing}, [&](std::string_view key, std::string_view value) {
        if (is_one_of(kClosing, key)) return read_closing(key, value, *order.dismissal);
        filtered = filtered || key != "kind";
        return read_filter(key, value, order.filter);
      });
  if (problem) return std::unexpected(*problem);
  if (!filtered) {
    return std::unexpected(
        "which ones? name an address, a channel, a subject, a protocol, tls or a state");
  }
  return order;
}

std::expected<Dismissal, std::string> parse_dismissal(std::string_view query) {
  Dismissal dismissal;
  const Problem problem =
      read_all(query, {kClosing}, [&](std::string_view key, std::string_view value) {
        return read_closing(key, value, dismissal);
      });
  if (problem) return std::unexpected(*problem);
  return dismissal;
}

}  // namespace fanfare::server
