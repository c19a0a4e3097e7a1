#include "broker/policy/client_address.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "common/letters.h"

namespace fanfare::policy {
namespace {

constexpr std::string_view kUnix = "unix:";
constexpr std::string_view kLoopback = "loopback";
constexpr std::string_view kPrivate = "private";
constexpr std::array<std::string_view, 2> kLoopbackNetworks = {"127.0.0.0/8", "::1"};
constexpr std::array<std::string_view, 6> kPrivateNetworks = {
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10"};
constexpr std::string_view kBlanks = " \t";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::optional<std::uint16_t> port_of(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return port;
}

// "192.0.2.1", "192.0.2.1:4711", "[2001:db8::1]", "[2001:db8::1]:4711", and bare "2001:db8::1",
// which X-Forwarded-For has. A port that is obfuscated (RFC 7239 §6.3, "_x") is not known.
std::optional<Hop> hop_of(std::string_view node) {
  std::string_view host = node;
  std::string_view port;
  if (node.starts_with('[')) {
    const std::size_t end = node.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    host = node.substr(1, end - 1);
    port = node.substr(end + 1);
    if (!host.contains(':') || (!port.empty() && port.front() != ':')) return std::nullopt;
  } else if (std::ranges::count(node, ':') == 1) {
    host = node.substr(0, node.find(':'));
    port = node.substr(host.size());
  }
  const auto address = IpAddress::parse(host);
  if (!address) return std::nullopt;
  Hop hop{.address = address};
  if (port.empty()) return hop;
  port.remove_prefix(1);
  if (port.starts_with('_') && port.size() > 1) return hop;
  const auto number = port_of(port);
  if (!number) return std::nullopt;
  hop.port = *number;
  return hop;
}

// A list from its end. Empty elements do not count (RFC 9110 §5.6.1.2).
class FromTheEnd {
 public:
  FromTheEnd(std::span<const std::string_view> values, ForwardedField field)
      : values_(values), field_(field) {}

  // Nothing: there are no more.
  std::optional<std::string_view> next() {
    while (true) {
      while (elements_.empty()) {
        if (values_.empty()) return std::nullopt;
        split(values_.back());
        values_ = values_.first(values_.size() - 1);
      }
      const std::string_view element = trimmed(elements_.back());
      elements_.pop_back();
      if (!element.empty()) return element;
    }
  }

 private:
  // Commas inside quotes do not part elements. A quote that does not end makes one element of what
  // follows it, which is then no address.
  void split(std::string_view value) {
    bool quoted = false;
    std::size_t begin = 0;
    for (std::size_t i = 0; i < value.size(); ++i) {
      const char c = value[i];
      if (field_ == ForwardedField::forwarded && c == '"') quoted = !quoted;
      if (quoted && c == '\\') ++i;
      if (quoted || c != ',') continue;
      elements_.push_back(value.substr(begin, i - begin));
      begin = i + 1;
    }
    elements_.push_back(value.substr(begin));
  }

  std::span<const std::string_view> values_;
  ForwardedField field_;
  std::vector<std::string_view> elements_;
};

// A value as it is meant: without its quotes. Nothing: they are not in pairs.
std::optional<std::string> unquoted(std::string_view value) {
  if (!value.starts_with('"')) {
    if (value.contains('"')) return std::nullopt;
    return std::string(value);
  }
  std::string text;
  for (std::size_t i = 1; i < value.size(); ++i) {
    if (value[i] == '"') return i + 1 == value.size() ? std::optional(text) : std::nullopt;
    if (value[i] == '\\' && ++i == value.size()) break;
    text += value[i];
  }
  return std::nullopt;
}

// The node of `for=` in one element of Forwarded (RFC 7239 §4), which has at most one.
std::optional<Hop> forwarded_for(std::string_view element) {
  std::optional<Hop> found;
  bool quoted = false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= element.size(); ++i) {
    if (i < element.size()) {
      if (element[i] == '"') quoted = !quoted;
      if (quoted && element[i] == '\\') ++i;
      if (quoted || i >= element.size() || element[i] != ';') continue;
    }
    const std::string_view pair = trimmed(element.substr(begin, i - begin));
    begin = i + 1;
    const std::size_t equals = pair.find('=');
    if (pair.empty()) continue;
    if (equals == std::string_view::npos) return std::nullopt;
    if (!same_ignoring_case(pair.substr(0, equals), "for")) continue;
    const auto node = unquoted(pair.substr(equals + 1));
    if (found || !node) return std::nullopt;
    found = hop_of(*node);
    if (!found) return std::nullopt;
  }
  return quoted ? std::nullopt : found;
}

}  // namespace

TrustedFronts::TrustedFronts(std::span<const std::string> entries) {
  const auto add = [this](std::string_view text) {
    if (const auto network = IpNetwork::parse(text)) networks_.push_back(*network);
  };
  for (const std::string& entry : entries) {
    if (entry == kUnix) {
      unix_ = true;
    } else if (entry == kLoopback) {
      std::ranges::for_each(kLoopbackNetworks, add);
    } else if (entry == kPrivate) {
      std::ranges::for_each(kPrivateNetworks, add);
    } else {
      add(entry);
    }
  }
}

bool TrustedFronts::contains(const Hop& hop) const {
  if (!hop.address) return unix_;
  return std::ranges::any_of(
      networks_, [&hop](const IpNetwork& network) { return network.contains(*hop.address); });
}

std::string front_problem(std::string_view entry) {
  if (entry == kUnix || entry == kLoopback || entry == kPrivate) return {};
  const auto network = IpNetwork::parse(entry);
  return network
             ? std::string()
             : network.error() + "; \"loopback\", \"private\" and \"unix:\" stand for such peers";
}

std::string_view name_of(ForwardedField field) {
  switch (field) {
    case ForwardedField::x_forwarded_for:
      return "x-forwarded-for";
    case ForwardedField::forwarded:
      return "forwarded";
    case ForwardedField::none:
      break;
  }
  return {};
}

Hop client_of(const Hop& peer, std::span<const std::string_view> values, ForwardedField field,
              const TrustedFronts& fronts) {
  Hop client = peer;
  if (field == ForwardedField::none) return client;
  FromTheEnd list(values, field);
  while (fronts.contains(client)) {
    const auto element = list.next();
    if (!element) break;
    const auto hop =
        field == ForwardedField::forwarded ? forwarded_for(*element) : hop_of(*element);
    if (!hop) break;
    client = *hop;
  }
  return client;
}

}  // namespace fanfare::policy
