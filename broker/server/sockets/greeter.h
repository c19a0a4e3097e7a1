// Greeter: the first bytes of a connection on a subscriber listener, before it is known what the
// connection speaks. A front may say there whose connection it carries (the PROXY protocol): if it
// is trusted, the connection is from then on its client's (ConnectionTable::peer). Everybody else
// who says such a thing is refused, with a sentence.
//
// What has come of a header is kept here until it is complete: 250 bytes, of connections that are
// in the midst of one, and for [limits] head_time at most. Other connections cost nothing.
//
// Thread: the shard's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "broker/io/ring.h"
#include "broker/server/base/counters.h"
#include "broker/server/base/settings.h"
#include "broker/server/sockets/connection.h"
#include "broker/wire/proxy/header_reader.h"

#include "common/log.h"

namespace fanfare::server {

struct Greeting {
  enum class Kind : std::uint8_t {
    more,     // has to come
    begins,   // the protocol of the connection begins with `held`, then `rest`
    refused,  // with `status` and `sentence`
  };
  Kind kind = Kind::more;
  std::string held = {};
  std::string_view rest = {};  // of the bytes that came
  bool named = false;          // a front has said whose the connection is
  int status = 0;
  std::string sentence = {};  // without a full stop
};

class Greeter {
 public:
  Greeter(ConnectionTable& connections, Counters& counters, const Settings& settings)
      : connections_(connections), counters_(counters), settings_(settings) {}

  // The connection is in State::greeting.
  Greeting received(io::Slot slot, std::string_view bytes, TimePoint now);
  // The connection ends; nothing happens if it is known what it speaks.
  void release(io::Slot slot) { midway_.erase(slot); }
  // Connections whose greeting has begun, and is not complete.
  std::size_t midway() const { return midway_.size(); }

 private:
  Greeting judge(io::Slot slot, const proxy::HeaderReader& reader, proxy::HeaderReader::State read,
                 std::string_view rest, TimePoint now);
  Greeting refuse(io::Slot slot, int status, std::string sentence, TimePoint now);

  ConnectionTable& connections_;
  Counters& counters_;
  const Settings& settings_;
  std::unordered_map<io::Slot, proxy::HeaderReader> midway_;
  log::Limit log_;
};

}  // namespace fanfare::server
