// Writes response heads. The body's framing is said once, as a value, so that no response can carry
// a length and chunks together, or a body where there may be none.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "broker/wire/http/chunk.h"
#include "broker/wire/http/head.h"
#include "broker/wire/http/status.h"

namespace fanfare::h1 {

// How the receiver finds the end of the body.
struct BodyLength {
  enum class Kind : std::uint8_t {
    none,         // there is no body and no length: 1xx, 204, 304
    sized,        // Content-Length; also for HEAD, with the size that GET would give
    chunked,      // to HTTP/1.1 only; pieces by http::append_chunk(), then http::kLastChunk
    until_close,  // to HTTP/1.0: the body ends when the connection does
  };
  Kind kind = Kind::none;
  std::uint64_t size = 0;

  static constexpr BodyLength none() { return {}; }
  static constexpr BodyLength sized(std::uint64_t size) { return {Kind::sized, size}; }
  static constexpr BodyLength chunked() { return {Kind::chunked, 0}; }
  static constexpr BodyLength until_close() { return {Kind::until_close, 0}; }
};

// What becomes of the connection after the response, and what has to be said about it.
enum class Persistence : std::uint8_t {
  persistent,         // HTTP/1.1: nothing needs to be said
  persistent_stated,  // HTTP/1.0: `Connection: keep-alive`
  close,              // `Connection: close`
};

inline constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

// Status line, Date (RFC 9110 §6.6.1; left out where `date` is empty), `fields` in their order,
// framing, Connection, the empty line. until_close framing
// always says `Connection: close`. Fields must not name Content-Length, Transfer-Encoding or
// Connection. A control character in a value, wherever it came from, is written as a space: no
// value can end its line.
void append_response_head(std::string& out, int status, std::span<const http::Field> fields,
                          BodyLength length, Persistence persistence, std::string_view date = {});
void append_response_head(std::string& out, int status, std::initializer_list<http::Field> fields,
                          BodyLength length, Persistence persistence, std::string_view date = {});

}  // namespace fanfare::h1
