// Inheritance: the sockets that a service manager passed on, until the broker has found a use for
// each. One whose unit names it after a key of broker.toml (FileDescriptorName=http, https, ingest,
// admin, publish or publish_tls) is used in place of that key's addresses; any other for the
// address that it has, wherever that stands in broker.toml.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/io/inherited.h"

namespace fanfare::server {

class Inheritance {
 public:
  Inheritance() = default;
  explicit Inheritance(std::vector<io::InheritedSocket> sockets) : sockets_(std::move(sockets)) {}

  // Where `key` listens: `configured`, or the addresses of the sockets that are named after it.
  // A key without addresses has none in either case: it is switched off.
  std::vector<std::string> addresses(std::string_view key,
                                     const std::vector<std::string>& configured) const;
  // The sockets for `key` at `address`, which are the caller's from now on; none: make one.
  std::vector<io::Descriptor> take(std::string_view key, std::string_view address);
  // What is wrong with one that nobody took; nothing if all were.
  std::optional<std::string> left_over() const;

 private:
  std::vector<io::InheritedSocket> sockets_;
};

// One for each of `shards` at least: where there are fewer, several shards accept from the same
// one. `sockets` is not empty.
std::vector<io::Descriptor> shared_out(std::vector<io::Descriptor> sockets, std::size_t shards);

}  // namespace fanfare::server
