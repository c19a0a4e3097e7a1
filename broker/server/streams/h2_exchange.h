// H2Exchange: one request and its answer over HTTP/2: from the first byte of its head to the end of
// its answer, or to the beginning of its event stream. The head itself is kept by the session until
// it is answered.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "broker/io/ring.h"
#include "broker/server/sockets/connection.h"
#include "broker/server/sockets/routes.h"
#include "broker/wire/h2/session.h"

#include "common/time.h"

namespace fanfare::server {

struct H2Exchange {
  enum class Stage : std::uint8_t {
    head,       // is being read
    body,       // the same
    waiting,    // for an answer that comes later
    answering,  // the answer is on its way
  };

  ExchangeId id;
  io::Slot slot = 0;  // of its connection
  h2::StreamId stream = 0;
  Stage stage = Stage::head;
  Tick due = kNever;
  std::size_t head_bytes = 0;  // counted in H2Room::head_bytes
  std::string body;
  std::size_t body_max = 0;
  std::size_t unsaid = 0;  // of the answer, when its `due` was set
  std::uint64_t answer_bytes = 0;
  Duration patience{};  // how long its answer may take
  AccessLine access;    // has a text once the answer is known
};

// Those of one port. Records are reused. Addresses do not move. Thread: the shard's.
class H2Exchanges {
 public:
  H2Exchange& begin(io::Slot slot, h2::StreamId stream);
  // The generation moves on: ids of this exchange are recognised as old from now on.
  void end(H2Exchange& exchange);
  H2Exchange& operator[](std::uint32_t index) { return exchanges_[index]; }
  // Null: the exchange has ended, or does not wait for an answer.
  H2Exchange* find_waiting(ExchangeId id);
  static std::uint32_t index_of(const H2Exchange& exchange);

 private:
  std::deque<H2Exchange> exchanges_;
  std::vector<std::uint32_t> free_;
};

}  // namespace fanfare::server
