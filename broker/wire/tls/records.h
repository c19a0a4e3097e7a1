// Records: a TLS 1.3 connection after its handshake: application data in records, alerts and key
// updates, and nothing else (RFC 8446 §5, §6, §4.6.3). OpenSSL makes the handshake and hands over
// the two traffic secrets; its own objects (14 KB a connection) are freed then, and this (some
// 250 bytes) is what an idle connection keeps. It is the split that kernels offer as kTLS.
//
// Bounds: a record's 16 KiB (§5.1), of which what has come is kept until the rest is there; 32
// records in a row that say nothing; 64 key updates without data between them. After 2^24 records
// with one key the next key is taken (§5.5). Nothing is said in answer to a peer but the alert that
// ends it: a key update that it asks for goes out with the next text (§4.6.3).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "broker/wire/tls/aead.h"
#include "broker/wire/tls/failure.h"
#include "broker/wire/tls/traffic_keys.h"

namespace fanfare::tls {

inline constexpr std::size_t kRecordTextMax = 16U << 10U;
// What a client may ask for at the least (RFC 6066 §4).
inline constexpr std::size_t kRecordTextMaxMin = 512;
inline constexpr std::size_t kRecordHeaderBytes = 5;
// What a record is longer than its text.
inline constexpr std::size_t kRecordExtraBytes = kRecordHeaderBytes + 1 + kTagBytes;

enum class AlertKind : std::uint8_t {  // RFC 8446 §6
  close_notify = 0,
  unexpected_message = 10,
  bad_record_mac = 20,
  record_overflow = 22,
  illegal_parameter = 47,
  decode_error = 50,
  user_canceled = 90,
};

class Records {
 public:
  enum class State : std::uint8_t {
    open,
    ended,   // the peer has said that nothing more comes
    failed,  // by failure()
  };

  // `written`: records that have been sent with the server's secret already. `text_max`: bytes of
  // text in each record that is sent, a power of two.
  Records(Cipher cipher, std::string_view server_secret, std::string_view client_secret,
          std::uint64_t written, std::size_t text_max = kRecordTextMax);

  // Takes all of `input`; appends what it says to `text`, and the alert that it leads to, if any,
  // to `out`. What comes after the end is dropped.
  State received(Aead& aead, std::string_view input, std::string& text, std::string& out);
  // Appends `text`, in as few records as it needs.
  void send(Aead& aead, std::string_view text, std::string& out);
  // Nothing more comes from here.
  void send_close_notify(Aead& aead, std::string& out);

  State state() const { return state_; }
  Failure failure() const { return failure_; }

 private:
  void record(Aead& aead, std::string_view record, std::string& text, std::string& out);
  void key_update(Aead& aead, std::string_view piece, std::string& out);
  void alerted(Aead& aead, std::string_view message, std::string& out);
  void said_nothing(Aead& aead, std::string& out);
  void append(Aead& aead, unsigned char type, std::string_view text, std::string& out);
  void send_alert(Aead& aead, AlertKind kind, std::string& out);
  void update_own_key(Aead& aead, std::string& out);
  void fail(Aead& aead, Failure failure, AlertKind alert, std::string& out);

  TrafficKeys writing_;
  TrafficKeys reading_;
  std::unique_ptr<std::string> held_;  // of a record that is not complete; mostly null
  Cipher cipher_;
  State state_ = State::open;
  Failure failure_ = Failure::none;
  std::uint8_t empty_ = 0;    // records in a row without text
  std::uint8_t updates_ = 0;  // key updates since there was text
  std::uint8_t text_max_log2_;
  std::uint8_t begun_ = 0;   // bytes of a key update that have come
  bool update_due_ = false;  // the peer has asked for the server's next key
};

}  // namespace fanfare::tls
