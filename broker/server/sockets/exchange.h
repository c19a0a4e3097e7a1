// Exchange: one request and its answer over HTTP/1.1. It exists from the request's first byte to
// the answer's last; a connection has at most one at a time, and none while it is idle or streams.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "broker/io/ring.h"
#include "broker/server/sockets/routes.h"
#include "broker/wire/h1/request_parser.h"

#include "common/time.h"

namespace fanfare::server {

struct Exchange {
  Exchange(const http::Limits& limits, std::uint32_t index)
      : id{.index = index, .generation = 0}, parser(limits) {}

  // As far as it has been read. Its views live as long as parser.head() and the body do.
  Request request(const PackedAddress* peer = nullptr) const;

  ExchangeId id;
  io::Slot slot = 0;  // of its connection
  h1::RequestParser parser;
  std::string body;
  std::string pending;  // input behind the request
  std::string out;
  std::size_t out_sent = 0;
  std::size_t body_max = 0;
  AccessLine access;     // has a text once the answer is known
  Duration patience{};   // how long its answer may take
  bool interim = false;  // `out` is 100 Continue: the request goes on after it
  bool in_body = false;  // its head is complete
  bool waiting = false;  // its answer comes later
};

// The exchanges of one port. Records are reused and keep their memory, unless it is large.
// Addresses do not move. Thread: the shard's.
class Exchanges {
 public:
  // `limits` outlives this.
  explicit Exchanges(const http::Limits& limits) : limits_(limits) {}

  Exchange& begin(io::Slot slot);
  // The generation moves on: ids of this exchange are recognised as old from now on.
  void end(Exchange& exchange);
  Exchange& operator[](std::uint32_t index) { return exchanges_[index]; }
  // Null: the exchange has ended, or does not wait for an answer.
  Exchange* find_waiting(ExchangeId id);

 private:
  const http::Limits& limits_;
  std::deque<Exchange> exchanges_;
  std::vector<std::uint32_t> free_;
};

// Clears `text`, and gives its memory back if that is large.
void empty(std::string& text);

}  // namespace fanfare::server
