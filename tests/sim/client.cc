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
  socket_ = town_.kernel.connect(door, *this, 0);
  trace("{}", socket_ == nullptr ? "is refused" : fmt::format("dials {}", socket_->serial()));
  if (socket_ != nullptr && town_.addressed && door == Door::subscribers) come_from_somewhere();
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

void Client::say(std::string_view bytes) {
  outgoing_ += bytes;
  pump_later(Duration(0));
}

void Client::shutdown_write() {
  fin_due_ = true;
  pump_later(Duration(0));
}

void Client::hang_up(bool reset) {
  if (socket_ == nullptr) return;
  trace("hangs up{}", reset ? " with a reset" : "");
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
    if (outgoing_.empty()) all_said();
  }
  if (outgoing_.empty() && std::exchange(fin_due_, false)) socket_->shutdown_write();
}

void Client::read_some() {
  if (socket_ == nullptr) return;
  std::array<std::byte, 16U << 10U> buffer;
  const std::size_t most = town_.quiet ? buffer.size() : std::min(buffer.size(), pace_.read_max);
  const int got = socket_->receive(std::span(buffer).first(most));
  if (got == -EAGAIN) return;
  if (got > 0) {
    const auto* text = reinterpret_cast<const char*>(buffer.data());
    heard({text, static_cast<std::size_t>(got)});
    if (socket_ != nullptr && socket_->readable())
      pump_later(town_.kernel.somewhen(pace_.read_pause));
    return;
  }
  const bool clean = got == 0 && !socket_->failed();  // the error may have been told to a send
  trace("{}", clean ? "reads the end" : "is reset");
  std::exchange(socket_, nullptr)->close(false);
  ++dials_;
  lost(clean);
}

void Client::complain(std::string_view problem, std::string_view checker) {
  town_.kernel.fail(fmt::format("{}: {} {}", checker, name_, problem));
}

}  // namespace fanfare::sim
