#include "tests/sim/client.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <numeric>
#include <span>
#include <utility>

#include "common/ip_address.h"

namespace fanfare::sim {
namespace {

// What an agenda entry of a client is about: dial in the upper half, below it the alarm or:
constexpr std::uint32_t kPump = ~std::uint32_t{0};

}  // namespace

Pace Pace::drawn(Random& random) {
  Pace pace;
  if (random.chance(0.5)) return pace;
  if (random.chance(0.6)) {
    pace.read_max = 16 + random.below(4096);
    pace.read_pause = Duration(static_cast<std::int64_t>(random.below(300'000'000)));
  }
  if (random.chance(0.4)) {
    pace.write_max = 1 + random.below(200);
    pace.write_pause = Duration(static_cast<std::int64_t>(random.below(50'000'000)));
  }
  return pace;
}

bool Client::dial(Door door) {
  ++dials_;
  pump_due_ = fin_due_ = false;
  outgoing_.clear();
  tls_.reset();
  const bool secure = tls_habits_ && door == Door::subscribers;
  socket_ = town_.kernel.connect(secure ? Door::tls : door, *this, 0);
  trace("{}", socket_ == nullptr ? "is refused" : fmt::format("dials {}", socket_->serial()));
  if (socket_ != nullptr && town_.addressed && door == Door::subscribers) come_from_somewhere();
  if (socket_ != nullptr && secure) begin_tls();
  return socket_ != nullptr;
}

// Always from the same of a few addresses; by name, not drawn: other days stay as they are.
void Client::come_from_somewhere() {
  using std::string_view_literals::operator""sv;
  const std::size_t who = std::accumulate(name_.begin(), name_.end(), std::size_t{0});
  const auto client = static_cast<std::uint8_t>(1 + who % 4);
  const std::array<std::uint8_t, 4> own = {192, 0, 2, client};
  const std::array<std::uint8_t, 4> front = {10, 0, 0, static_cast<std::uint8_t>(who % 3)};
  const bool direct = who / 4 % 2 == 0;
  socket_->come_from(IpAddress::v4(direct ? own : front));
  if (direct) return;
  if (who / 8 % 2 == 0) return say(fmt::format("PROXY TCP4 192.0.2.{} 10.0.0.9 5 80\r\n", client));
  say("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0f\xc0\0\x02"sv);
  say(std::string(1, static_cast<char>(client)));
  say("\x0a\0\0\x09\0\x05\0\x50\x04\0\0"sv);
}

void Client::begin_tls() {
  tls_ = std::make_unique<TlsEnd>(*tls_habits_, protocol(),
                                  tls_habits_->resumes ? ticket_.get() : nullptr);
  shaken_ = false;
  outgoing_ += tls_->take();
  pump_later(Duration(0));
}

void Client::say(std::string_view bytes) {
  if (tls_) {
    tls_->send(bytes);
    outgoing_ += tls_->take();
  } else {
    outgoing_ += bytes;
  }
  pump_later(Duration(0));
}

void Client::shutdown_write() {
  if (tls_ && random().chance(tls_habits_->says_goodbye)) {
    tls_->close();
    outgoing_ += tls_->take();
  }
  fin_due_ = true;
  pump_later(Duration(0));
}

void Client::hang_up(bool reset) {
  if (socket_ == nullptr) return;
  trace("hangs up{}", reset ? " with a reset" : "");
  if (tls_ && !reset && outgoing_.empty() && random().chance(tls_habits_->says_goodbye)) {
    tls_->close();
    const std::string last = tls_->take();
    socket_->send(std::as_bytes(std::span(last)));
  }
  std::exchange(socket_, nullptr)->close(reset);
  ++dials_;
}

void Client::set_alarm(Duration after, std::uint32_t alarm) {
  town_.kernel.schedule(after, *this, (std::uint64_t{dials_} << 32U) | alarm);
}

void Client::wake_up() {
  asleep_until_ = {};
  pump_due_ = false;  // it may be far away
  pump_later(Duration(0));
}

void Client::changed(Socket& socket) {
  if (&socket == socket_) pump_later(Duration(0));
}

void Client::act(std::uint64_t what) {
  if (what >> 32U != dials_) return;
  const auto low = static_cast<std::uint32_t>(what);
  if (low != kPump) return rang(low);
  pump_due_ = false;
  pump();
}

void Client::pump_later(Duration pause) {
  if (pump_due_ || socket_ == nullptr) return;
  pump_due_ = true;
  set_alarm(town_.quiet ? Duration(0) : pause, kPump);
}

void Client::pump() {
  const TimePoint now = town_.kernel.now();
  if (!town_.quiet && now < asleep_until_) return pump_later(asleep_until_ - now);
  write_some();
  read_some();
}

void Client::write_some() {
  if (socket_ == nullptr) return;
  if (!outgoing_.empty()) {
    const std::size_t most = town_.quiet ? outgoing_.size() : pace_.write_max;
    const auto piece = std::span(outgoing_).first(std::min(outgoing_.size(), most));
    const int sent = socket_->send(std::as_bytes(piece));
    if (sent > 0) outgoing_.erase(0, static_cast<std::size_t>(sent));
    if (sent > 0 && !outgoing_.empty())
      pump_later(town_.kernel.somewhen(pace_.write_pause));  // else: when there is room, or never
    if (outgoing_.empty() && !(tls_ && tls_->waits())) all_said();
  }
  if (outgoing_.empty() && !(tls_ && tls_->waits()) && std::exchange(fin_due_, false))
    socket_->shutdown_write();
}

void Client::read_some() {
  if (socket_ == nullptr) return;
  std::array<std::byte, 16U << 10U> buffer;
  const std::size_t most = town_.quiet ? buffer.size() : std::min(buffer.size(), pace_.read_max);
  const int got = socket_->receive(std::span(buffer).first(most));
  if (got == -EAGAIN) return;
  if (got > 0) {
    const auto* bytes = reinterpret_cast<const char*>(buffer.data());
    std::string_view text(bytes, static_cast<std::size_t>(got));
    std::string clear;
    if (tls_) {
      if (!take_cipher(text, clear)) return;
      text = clear;
    }
    if (!text.empty()) heard(text);
    if (socket_ != nullptr && socket_->readable())
      pump_later(town_.kernel.somewhen(pace_.read_pause));
    return;
  }
  bool clean = got == 0 && !socket_->failed();  // the error may have been told to a send
  if (tls_) {
    note_end_of_tls(clean);
    clean = clean && tls_->ended();
  }
  trace("{}", clean ? "reads the end" : "is reset");
  std::exchange(socket_, nullptr)->close(false);
  ++dials_;
  lost(clean);
}

bool Client::take_cipher(std::string_view cipher, std::string& text) {
  const bool good = tls_->received(cipher, text);
  outgoing_ += tls_->take();
  if (!outgoing_.empty()) pump_later(Duration(0));
  if (TlsTicket ticket = tls_->take_ticket()) ticket_ = std::move(ticket);
  if (good && tls_->open() && !std::exchange(shaken_, true)) {
    ++tls_counts_.handshakes;
    tls_counts_.resumed += tls_->resumed() ? 1 : 0;
    trace("has shaken hands{}", tls_->resumed() ? " as an acquaintance" : "");
    if (!tls_->speaks(protocol())) complain("agreed on another protocol", "tls");
  }
  if (good) return true;
  complain("was sent what is no TLS, or an alert: " + tls_->problem(), "tls");
  hang_up(true);
  lost(false);
  return false;
}

// A connection that ends in good order says so, unless the broker could not say all else.
void Client::note_end_of_tls(bool clean) {
  if (!clean || !tls_->open() || tls_->ended()) return;
  // Where a send has failed, or found no room, the broker can say nothing more.
  const Faults& faults = town_.kernel.faults();
  const bool sends_well = faults.errors == 0 && faults.send_blocked == 0;
  if (!town_.quiet && sends_well && !tls_->in_record())
    complain("was sent FIN without close_notify", "tls");
}

void Client::complain(std::string_view problem, std::string_view checker) {
  town_.kernel.fail(fmt::format("{}: {} {}", checker, name_, problem));
}

}  // namespace fanfare::sim
