// Engine: the server's end of one TLS connection, without a socket: cipher bytes in, text out, and
// back. Any split of the input gives the same result.
//
//   received ──▶ handshaking ──▶ open ──(close_notify)──▶ ended
//                     └────────────┴──(a broken rule)───▶ failed: `out` has an alert for the peer
//
// Memory: some 50 KB while it shakes hands, 70 with a long ClientHello. An open TLS 1.3 connection
// is the Engine itself (under 350 bytes) and nothing else, but for a record that has come in part;
// one of TLS 1.2 keeps OpenSSL's objects (13 KB).
//
// The caller bounds a handshake: in time by its own clock, calls being what costs (the one that
// brings the ClientHello has the signature in it, 0.1 to 1 ms); in bytes this does (64 KiB, and 16
// KiB for a ClientHello).
//
// Thread: one, that of its Aead.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "broker/wire/tls/aead.h"
#include "broker/wire/tls/failure.h"
#include "broker/wire/tls/openssl.h"
#include "broker/wire/tls/peer_certificate.h"
#include "broker/wire/tls/records.h"
#include "broker/wire/tls/server.h"

namespace fanfare::tls {

inline constexpr std::size_t kHandshakeBytesMax = 64U << 10U;

class Engine {
 public:
  enum class State : std::uint8_t {
    handshaking,
    open,
    ended,   // the peer sends no more; it may still be sent to
    failed,  // by failure(); send what is in `out`, then close
  };

  // The Aead outlives this.
  Engine(std::shared_ptr<const Server> server, Aead& aead);

  // Takes all of `input`; appends the text in it to `text`, and what the peer has to be sent to
  // `out`.
  State received(std::string_view input, std::string& text, std::string& out);
  // Precondition: open or ended. Appends at most sealed_bytes_max(text.size()) bytes.
  void send(std::string_view text, std::string& out);
  static constexpr std::size_t sealed_bytes_max(std::size_t text_bytes) {
    constexpr std::size_t kRecordExtraMax = 29;  // of 1.2; 1.3 needs less
    constexpr std::size_t kKeyUpdateBytes = kRecordExtraBytes + 5;
    return text_bytes + (text_bytes / kRecordTextMaxMin + 1) * kRecordExtraMax + kKeyUpdateBytes;
  }
  // Says that nothing more comes from here; once, and only after the handshake.
  void close(std::string& out);

  State state() const { return state_; }
  Failure failure() const { return failure_; }
  // After the handshake: the protocol that was negotiated by ALPN, as an index of
  // Server::protocols(); nothing: the client spoke of none.
  std::optional<std::size_t> protocol() const;
  bool resumed() const { return resumed_; }
  bool is_13() const { return records_.has_value(); }
  // The peer's certificate; after a failure, the one that was refused. Null: it was asked for none.
  const std::shared_ptr<const PeerCertificate>& peer() const { return peer_; }

 private:
  static constexpr std::uint8_t kNoProtocol = 255;

  void look_at_first(char first);
  bool shake_hands(std::string_view& input, std::string& out);
  void fail(Failure failure);

  Aead& aead_;
  std::unique_ptr<Openssl> openssl_;
  std::optional<Records> records_;
  std::shared_ptr<const PeerCertificate> peer_;
  std::uint32_t handshake_bytes_ = 0;
  State state_ = State::handshaking;
  Failure failure_ = Failure::none;
  std::uint8_t protocol_ = kNoProtocol;
  bool resumed_ = false;
  bool closed_ = false;
};
static_assert(sizeof(Engine) <= 350, "what an idle TLS 1.3 connection costs");

}  // namespace fanfare::tls
