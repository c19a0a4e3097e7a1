// How a client operation can fail: a kind to branch on, and a sentence for people. Everything here
// is caused by a peer, an argument or the environment; nothing ends the process.
#pragma once

#include <cstdint>
#include <string>

namespace fanfare::client {

enum class Fault : std::uint8_t {
  address,     // the address cannot be understood, or its host is unknown
  connection,  // refused, unreachable, reset, cut
  timeout,     // the deadline passed
  protocol,    // the peer does not speak what it should
  refused,     // the peer understood and said no: asking again will not help
  stopped,     // Stop::raise()
};

struct Error {
  Fault fault = Fault::connection;
  std::string message;  // one sentence, without a full stop
};

}  // namespace fanfare::client
