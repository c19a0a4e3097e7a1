#include "broker/config/shares.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string_view>
#include <vector>

namespace fanfare::config {
namespace {

using server::LimitOptions;
using server::Options;

void add(std::vector<std::string>& shares, std::uint32_t most, std::string_view what) {
  if (most > 0) shares.push_back(fmt::format("{} {}", most, what));
}

void add(std::vector<std::string>& shares, const std::string& rate) {
  if (rate != "unlimited") shares.push_back(fmt::format("{} requests", rate));
}

std::string line(std::string_view by, const std::vector<std::string>& shares) {
  return fmt::format("  {:<15}  {}\n", by,
                     shares.empty() ? "as much as all of them together"
                                    : fmt::format("{}", fmt::join(shares, ", ")));
}

// Which address counts. The two mistakes that are easy to make: a proxy that is not named, so that
// all of its clients are one; and connections, of which a proxy's say nothing about its clients.
std::string_view whose(const Options& options) {
  if (options.fronts.trusted.empty()) {
    return "  an address is the one that connects: [fronts] trusted is empty, and behind a reverse "
           "proxy all clients would be one\n";
  }
  if (options.limits.connections_per_address > 0 &&
      options.fronts.proxy_protocol == server::ProxyProtocol::off) {
    return "  connections that a trusted front makes are not counted: without the PROXY protocol "
           "they "
           "are nobody's\n";
  }
  return {};
}

}  // namespace

std::string shares_text(const Options& options) {
  const LimitOptions& limits = options.limits;
  std::vector<std::string> of_address;
  add(of_address, limits.connections_per_address, "connections");
  add(of_address, limits.streams_per_address, "streams");
  add(of_address, limits.requests_per_address);
  std::vector<std::string> of_token;
  add(of_token, limits.streams_per_token, "streams");
  add(of_token, limits.requests_per_token);
  std::string text = "what one client may have:\n" + line("by its address", of_address) +
                     line("by its token", of_token);
  if (!of_address.empty()) text += whose(options);
  return text;
}

}  // namespace fanfare::config
