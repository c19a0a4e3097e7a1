#include "broker/server/shard/inheritance.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "broker/io/address.h"
#include "broker/server/base/listen_address.h"

#include "common/check.h"

namespace fanfare::server {
namespace {

constexpr std::array<std::string_view, 6> kKeys = {"http",  "https",   "ingest",
                                                   "admin", "publish", "publish_tls"};

// As broker.toml has it.
std::string place_of(std::string_view key) {
  if (key == "publish") return "[publish] listen";
  if (key == "publish_tls") return "[publish] listen_tls";
  return fmt::format("[listen] {}", key);
}

bool is_key(std::string_view name) {
  return std::ranges::find(kKeys, name) != kKeys.end();
}

// As InheritedSocket has it, for whatever way to write the same address.
std::string normal(const std::string& address) {
  if (const auto path = socket_path(address)) return std::string(*path);
  if (address.starts_with('/')) return address;
  const auto parsed = io::parse_address(address);
  return parsed ? io::format_address(*parsed) : address;
}

}  // namespace

std::vector<std::string> Inheritance::addresses(std::string_view key,
                                                const std::vector<std::string>& configured) const {
  std::vector<std::string> named;
  for (const io::InheritedSocket& socket : sockets_) {
    const bool known = std::ranges::find(named, socket.address) != named.end();
    if (socket.name == key && !known) named.push_back(socket.address);
  }
  return named.empty() || configured.empty() ? configured : named;
}

std::vector<io::Descriptor> Inheritance::take(std::string_view key, std::string_view address) {
  if (sockets_.empty()) return {};
  const std::string wanted = normal(std::string(address));
  std::vector<io::Descriptor> taken;
  for (io::InheritedSocket& socket : sockets_) {
    const bool ours = socket.name == key || !is_key(socket.name);
    if (ours && socket.address == wanted) taken.push_back(std::move(socket.descriptor));
  }
  std::erase_if(sockets_, [](const io::InheritedSocket& socket) { return !socket.descriptor; });
  return taken;
}

std::optional<std::string> Inheritance::left_over() const {
  if (sockets_.empty()) return std::nullopt;
  const io::InheritedSocket& socket = sockets_.front();
  if (is_key(socket.name)) {
    return fmt::format(
        "the service manager passed on a socket named \"{0}\", on {1}, for which there is no use: "
        "give {2} an address in broker.toml, or take the socket out of its unit",
        socket.name, socket.address, place_of(socket.name));
  }
  return fmt::format(
      "the service manager passed on a socket (\"{}\") on {}, which is no address in broker.toml: "
      "make ListenStream= in its unit and the address in [listen] or [publish] the same, or name "
      "the socket after the key (FileDescriptorName={})",
      socket.name, socket.address, fmt::join(kKeys, ", "));
}

std::vector<io::Descriptor> shared_out(std::vector<io::Descriptor> sockets, std::size_t shards) {
  const std::size_t made = sockets.size();
  CHECK(made > 0, "there is nothing to share out");
  sockets.reserve(std::max(made, shards));
  for (std::size_t i = made; i < shards; ++i) {
    const int copy = ::fcntl(sockets[i % made].number(), F_DUPFD_CLOEXEC, 0);
    CHECK(copy >= 0, "a broker without a descriptor for each of its shards cannot start");
    sockets.emplace_back(copy);
  }
  return sockets;
}

}  // namespace fanfare::server
