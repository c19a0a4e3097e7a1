#include "broker/wire/tls/records.h"

#include <algorithm>
#include <bit>

namespace fanfare::tls {
namespace {

// RFC 8446 §5.1.
constexpr unsigned char kAlert = 21;
constexpr unsigned char kHandshake = 22;
constexpr unsigned char kApplicationData = 23;
// §4: how a KeyUpdate begins, its type and its length; a byte follows.
constexpr std::string_view kKeyUpdateHead("\x18\0\0\1", 4);

constexpr std::size_t kSealedMax = kRecordTextMax + 256;  // §5.2
constexpr std::uint8_t kEmptyMax = 32;
constexpr std::uint8_t kUpdatesMax = 64;
// §5.5: up to 2^24.5 full records are safe with AES-GCM.
constexpr std::uint64_t kRecordsPerKey = std::uint64_t{1} << 24U;

std::size_t sealed_size(std::string_view header) {
  return static_cast<std::size_t>(static_cast<unsigned char>(header[3])) << 8U |
         static_cast<unsigned char>(header[4]);
}

}  // namespace

Records::Records(Cipher cipher, std::string_view server_secret, std::string_view client_secret,
                 std::uint64_t written, std::size_t text_max)
    : writing_(cipher, server_secret),
      reading_(cipher, client_secret),
      cipher_(cipher),
      text_max_log2_(static_cast<std::uint8_t>(std::countr_zero(text_max))) {
  for (; written > 0; --written) writing_.count_record();
}

Records::State Records::received(Aead& aead, std::string_view input, std::string& text,
                                 std::string& out) {
  while (state_ == State::open && !input.empty()) {
    // Mostly whole records come, and nothing is copied.
    std::string_view from = input;
    const std::size_t held = held_ ? held_->size() : 0;
    if (held > 0) {
      std::size_t wanted = kRecordHeaderBytes;
      if (held >= wanted) wanted += sealed_size(*held_);
      const std::size_t more = std::min(wanted - held, input.size());
      held_->append(input, 0, more);
      input.remove_prefix(more);
      from = *held_;
    }
    const bool header = from.size() >= kRecordHeaderBytes;
    if (header && sealed_size(from) > kSealedMax) {
      fail(aead, Failure::too_large, AlertKind::record_overflow, out);
      break;
    }
    const std::size_t size = header ? kRecordHeaderBytes + sealed_size(from) : from.size() + 1;
    if (held == 0) {
      if (from.size() < size) {
        held_ = std::make_unique<std::string>(from);
        break;
      }
      input.remove_prefix(size);
    } else if (from.size() < size) {
      continue;
    }
    record(aead, from.substr(0, size), text, out);
    held_.reset();
  }
  if (state_ != State::open) held_.reset();
  return state_;
}

// One whole record, with its header.
void Records::record(Aead& aead, std::string_view record, std::string& text, std::string& out) {
  const std::string_view header = record.substr(0, kRecordHeaderBytes);
  const std::string_view sealed = record.substr(kRecordHeaderBytes);
  // Everything is sealed now; also a change_cipher_spec is out of place after the handshake (§5).
  if (static_cast<unsigned char>(header[0]) != kApplicationData) {
    return fail(aead, Failure::malformed, AlertKind::unexpected_message, out);
  }
  const std::size_t before = text.size();
  const std::size_t opened_bytes = sealed.size() - std::min(sealed.size(), kTagBytes);
  text.resize(before + opened_bytes);
  if (sealed.size() <= kTagBytes ||
      !aead.open(cipher_, reading_.key(), reading_.nonce(), header, sealed, text.data() + before)) {
    text.resize(before);
    return fail(aead, Failure::bad_record, AlertKind::bad_record_mac, out);
  }
  reading_.count_record();
  const std::size_t last = text.find_last_not_of('\0');
  if (last == std::string::npos || last < before) {
    text.resize(before);
    return fail(aead, Failure::malformed, AlertKind::unexpected_message, out);
  }
  const auto type = static_cast<unsigned char>(text[last]);
  if (opened_bytes > kRecordTextMax + 1) {
    text.resize(before);
    return fail(aead, Failure::too_large, AlertKind::record_overflow, out);
  }
  text.resize(last);
  const bool interrupts = begun_ > 0 && type != kHandshake;  // §5.1: a message in pieces
  if (type == kApplicationData && !interrupts) {
    if (text.size() == before) return said_nothing(aead, out);
    empty_ = 0;
    updates_ = 0;
    return;
  }
  const std::string message = text.substr(before);
  text.resize(before);
  const bool known = type == kAlert || type == kHandshake;
  if (!known || interrupts || message.empty()) {  // §5.4: only data may be empty
    return fail(aead, Failure::malformed, AlertKind::unexpected_message, out);
  }
  if (type == kHandshake) return key_update(aead, message, out);
  alerted(aead, message, out);
}

void Records::said_nothing(Aead& aead, std::string& out) {
  if (++empty_ <= kEmptyMax) return;
  fail(aead, Failure::malformed, AlertKind::unexpected_message, out);
}

// §6: user_canceled only announces a close_notify; every other alert is the end.
void Records::alerted(Aead& aead, std::string_view message, std::string& out) {
  if (message.size() != 2) {
    return fail(aead, Failure::malformed, AlertKind::decode_error, out);
  }
  const auto kind = static_cast<AlertKind>(message[1]);
  if (kind == AlertKind::user_canceled) return said_nothing(aead, out);
  state_ = kind == AlertKind::close_notify ? State::ended : State::failed;
  if (state_ == State::failed) failure_ = Failure::refused_by_peer;
}

// §4.6.3, whole or in pieces. It is the last of its record, since the next one has another key
// (§5.1).
void Records::key_update(Aead& aead, std::string_view piece, std::string& out) {
  const auto refuse = [&](AlertKind alert) { fail(aead, Failure::malformed, alert, out); };
  if (begun_ == 0 && piece.front() != kKeyUpdateHead.front()) {
    return refuse(AlertKind::unexpected_message);
  }
  const std::string_view head = kKeyUpdateHead.substr(begun_, piece.size());
  if (!piece.starts_with(head)) return refuse(AlertKind::decode_error);
  piece.remove_prefix(head.size());
  begun_ = static_cast<std::uint8_t>(begun_ + head.size());
  if (piece.empty()) return;
  if (piece.size() > 1 || ++updates_ > kUpdatesMax) return refuse(AlertKind::unexpected_message);
  const char asked = piece.front();
  if (asked != 0 && asked != 1) return refuse(AlertKind::illegal_parameter);
  begun_ = 0;
  reading_.update(cipher_);
  update_due_ = update_due_ || asked == 1;
}

void Records::update_own_key(Aead& aead, std::string& out) {
  append(aead, kHandshake, std::string_view("\x18\0\0\1\0", 5), out);
  writing_.update(cipher_);
  update_due_ = false;
}

void Records::append(Aead& aead, unsigned char type, std::string_view text, std::string& out) {
  const std::size_t sealed = text.size() + 1 + kTagBytes;
  const std::array header{static_cast<char>(kApplicationData), '\3', '\3',
                          static_cast<char>(sealed >> 8U), static_cast<char>(sealed & 0xffU)};
  const std::string_view header_text(header.data(), header.size());
  const std::size_t before = out.size();
  out.resize(before + kRecordHeaderBytes + sealed);
  header_text.copy(out.data() + before, header_text.size());
  aead.seal(cipher_, writing_.key(), writing_.nonce(), header_text, text, type,
            out.data() + before + kRecordHeaderBytes);
  writing_.count_record();
}

void Records::send(Aead& aead, std::string_view text, std::string& out) {
  const std::size_t text_max = std::size_t{1} << text_max_log2_;
  for (; !text.empty(); text.remove_prefix(std::min(text.size(), text_max))) {
    if (update_due_ || writing_.sequence() >= kRecordsPerKey) update_own_key(aead, out);
    append(aead, kApplicationData, text.substr(0, text_max), out);
  }
}

void Records::send_alert(Aead& aead, AlertKind kind, std::string& out) {
  const std::array text{kind == AlertKind::close_notify ? '\1' : '\2', static_cast<char>(kind)};
  append(aead, kAlert, std::string_view(text.data(), text.size()), out);
}

void Records::send_close_notify(Aead& aead, std::string& out) {
  send_alert(aead, AlertKind::close_notify, out);
}

void Records::fail(Aead& aead, Failure failure, AlertKind alert, std::string& out) {
  state_ = State::failed;
  failure_ = failure;
  send_alert(aead, alert, out);
}

}  // namespace fanfare::tls
