// H2End: the client's end of one HTTP/2 connection, on nghttp2's own client session: requests go
// in, what came of them comes out. It decides when the broker may send: windows are small or large,
// change, and are given back at once, in lumps, late or never.
//
// It keeps accounts of its own of what it has let the broker send, by which the `window` checker
// judges each DATA frame.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/random.h"

struct nghttp2_session;

namespace fanfare::sim {

// What a client lets itself be sent.
struct H2Windows {
  std::uint32_t stream = 65'535;      // SETTINGS_INITIAL_WINDOW_SIZE
  std::uint32_t connection_more = 0;  // beyond the 65,535 of every connection
  bool in_lumps = true;               // given back when half is used; else at once
  bool coupled = false;               // what is withheld of a stream is withheld of the connection
  bool booked_short = false;          // a planted mistake: it remembers half of what it gives

  static H2Windows drawn(Random& random);
  // Whatever comes has room.
  static H2Windows wide() { return {.stream = 1U << 20U, .connection_more = 1U << 24U}; }
};

struct H2Request {
  std::string method = "GET";
  std::string target;
  std::vector<std::pair<std::string, std::string>> fields = {};  // names in lower case
  std::string body = {};

  // What an HTTP/1.1 client would say.
  static H2Request from_http1(std::string_view text);
};

// What became of a request.
struct H2News {
  enum class Kind : std::uint8_t {
    head,      // `status` and `fields`
    data,      // `bytes`
    complete,  // END_STREAM
    reset,     // by the broker, with this error
    unsent,    // it never left: the connection takes no more requests
    goodbye,   // GOAWAY, with this error: of no stream
    wrong,     // `bytes` says which rule the broker has broken
  };
  Kind kind{};
  std::uint32_t stream = 0;
  int status = 0;
  std::uint32_t error = 0;
  std::vector<std::pair<std::string, std::string>> fields{};
  std::string bytes{};

  std::string_view field(std::string_view name) const;
};

class H2End {
 public:
  static constexpr std::uint32_t kNoError = 0, kRefusedStream = 7, kCancel = 8;

  explicit H2End(const H2Windows& windows);
  ~H2End();
  H2End(const H2End&) = delete;
  H2End& operator=(const H2End&) = delete;

  // Its number; 0: no more requests are taken.
  std::uint32_t ask(const H2Request& request);
  void reset(std::uint32_t stream);
  // All of the request has been given out by say().
  bool has_said(std::uint32_t stream) const;
  void ping();
  // Makes no further request.
  void say_goodbye();
  // What came, in its order.
  std::vector<H2News> hear(std::string_view bytes);
  // To be said now.
  std::string say();

  // From now on nothing is given back on the stream (0: on the whole connection); and then all.
  void withhold(std::uint32_t stream) { withheld_.insert(stream); }
  void give_back(std::uint32_t stream);
  bool withholds(std::uint32_t stream) const { return withheld_.contains(stream); }
  // Another size for the windows of all streams, also of those that are open. May make them
  // negative (RFC 9113 §6.9.2).
  void resize(std::uint32_t stream_window);
  // From now on there is room for everything, and nothing is withheld.
  void widen();
  // The broker has said that it takes no more requests, or this end has.
  bool leaving() const { return leaving_; }

 private:
  struct Callbacks;
  friend struct Callbacks;
  struct Stream {
    std::int64_t left = 0;   // of the broker's window, by this end's own accounts
    std::uint32_t owed = 0;  // received, and not given back
    std::uint32_t held = 0;  // of these, not given back on the connection either
    std::string body = {};   // to be said
    std::size_t said = 0;
    bool head_said = false;
    bool reset_by_us = false;
    bool complete = false;
    int status = 0;
    std::vector<std::pair<std::string, std::string>> fields{};
  };

  void add(H2News::Kind kind, std::uint32_t stream, std::uint32_t error = 0);
  void wrong(std::string what);
  void book(std::uint32_t stream, std::uint32_t more);
  void pay(std::uint32_t stream, std::uint32_t& owed, std::uint32_t window);
  void received(std::uint32_t stream, std::uint32_t bytes);
  void forget(std::map<std::uint32_t, Stream>::iterator stream);
  void announced(std::uint32_t stream, std::size_t bytes);
  void settings_acknowledged();

  H2Windows windows_;
  nghttp2_session* session_ = nullptr;
  std::map<std::uint32_t, Stream> streams_;
  std::set<std::uint32_t> withheld_;
  std::int64_t left_ = 65'535;  // of the connection's window
  std::uint32_t owed_ = 0;
  std::int64_t stream_window_ = 65'535;  // what the broker has acknowledged
  std::vector<std::uint32_t> unacknowledged_;
  std::vector<H2News> news_;
  bool leaving_ = false;
};

}  // namespace fanfare::sim
