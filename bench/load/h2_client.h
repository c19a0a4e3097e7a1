// H2Client: the client's end of an HTTP/2 connection (RFC 9113), as little of it as it takes to
// open streams and read them: bytes in, what they say out. It keeps 4 bytes a stream, and costs a
// worker about as much as HTTP/1.1 does: what is measured is the server.
//
// Its windows are Chrome's, and given back as Chrome does. It offers no header table, so that no
// head needs the one before it (RFC 7541 §4.2); of a head it reads the status.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fanfare::load {

class H2Client {
 public:
  // Streams have the number of their request on this connection, from 0.
  class Streams {
   public:
    virtual ~Streams() = default;
    virtual void headed(std::uint32_t number, bool ok) = 0;  // ok: the status is 200
    virtual void data(std::uint32_t number, std::string_view bytes) = 0;
    virtual void ended(std::uint32_t number, bool complete) = 0;  // else it was reset
  };

  // What every connection begins with.
  static void begin(std::string& out);
  // A request without a body, as HTTP/1.1 spells it; returns its number.
  std::uint32_t ask(std::string_view request, bool tls, std::string& out);
  // Takes all bytes, appends what is to be said to `out`. False: the server has broken the
  // protocol, or says that the client has.
  bool read(std::string_view bytes, std::string& out, Streams& streams);

 private:
  static constexpr std::size_t kHeadBytes = 9;

  bool frame_begins();
  bool frame_ends(std::string& out, Streams& streams);
  void taken(std::uint32_t number, std::string& out);

  std::uint32_t asked_ = 0;
  std::vector<std::uint32_t> taken_;  // bytes of each stream that were not given back yet
  std::uint32_t taken_of_all_ = 0;
  // The frame that is being read.
  unsigned char head_[kHeadBytes] = {};
  std::uint8_t head_bytes_ = 0;
  std::uint32_t left_ = 0;
  std::uint32_t size_ = 0;
  std::uint32_t id_ = 0;
  std::uint8_t type_ = 0;
  std::uint8_t flags_ = 0;
  std::string content_;  // of all frames but plain DATA
};

}  // namespace fanfare::load
