#include "broker/server/shard/take_over.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <future>
#include <thread>
#include <utility>

#include "common/counted.h"
#include "common/log.h"
#include "common/units.h"

namespace fanfare::server {
namespace {

// For a process to start and read its configuration, while the old one still serves. With the steps
// below less than WatchdogSec= of the unit.
constexpr Duration kReadyTime = 25s;
// For each step after that, in which nobody serves.
constexpr Duration kStepTime = 10s;

std::string words(HandOverWord word) {
  std::string text;
  Packer(text).value(word);
  return text;
}

}  // namespace

// ---- the new process

std::expected<io::Parcel, std::string> TakeOver::next(HandOverWord& word) {
  auto parcel = io::receive_parcel(end_.number(), kReadyTime + kStepTime);
  if (!parcel) return std::unexpected("the broker that is to be replaced says nothing more");
  Unpacker from(parcel->text);
  word = from.value<HandOverWord>();
  parcel->text.erase(0, sizeof word);
  return *std::move(parcel);
}

std::expected<void, std::string> TakeOver::begin() {
  std::string ready = words(HandOverWord::ready);
  Packer(ready).value(kHandOverVersion);
  if (!io::send_parcel(end_.number(), ready, {}, kStepTime)) {
    return std::unexpected("the broker that is to be replaced is gone");
  }
  for (;;) {
    HandOverWord word{};
    auto parcel = next(word);
    if (!parcel) return std::unexpected(std::move(parcel).error());
    if (word == HandOverWord::all) break;
    Unpacker from(parcel->text);
    if (word == HandOverWord::log && parcel->descriptors.size() == 1) {
      file_ = io::MappedFile::map(parcel->descriptors.front());
      auto image = fanout::LogImage::open(file_ ? file_->bytes() : std::string_view());
      if (!image) return std::unexpected(std::move(image).error());
      image_ = *std::move(image);
    } else if (word == HandOverWord::listeners) {
      HandedPlace place{.key = std::string(from.text()),
                        .text = std::string(from.text()),
                        .address = std::string(from.text()),
                        .inherited = from.value<bool>(),
                        .sockets = std::move(parcel->descriptors)};
      // As io_uring wants them; epoll says for itself what it wants.
      for (const io::Descriptor& socket : place.sockets) {
        ::fcntl(socket.number(), F_SETFL, ::fcntl(socket.number(), F_GETFL) & ~O_NONBLOCK);
      }
      places_.push_back(std::move(place));
    } else {
      return std::unexpected("the broker that is to be replaced says what was not expected");
    }
  }
  if (!image_) return std::unexpected("the broker that is to be replaced gave no log");
  return {};
}

// What was named for the other broker is not among the configured ones.
std::vector<std::string> TakeOver::addresses(std::string_view key,
                                             const std::vector<std::string>& configured) const {
  if (configured.empty()) return configured;
  std::vector<std::string> managed;
  bool of_these = true;
  for (const HandedPlace& place : places_) {
    if (place.key != key || !place.inherited) continue;
    managed.push_back(place.text);
    of_these = of_these && std::ranges::find(configured, place.text) != configured.end();
  }
  return managed.empty() || of_these ? configured : managed;
}

std::optional<HandedPlace> TakeOver::take(std::string_view key, std::string_view text) {
  for (HandedPlace& place : places_) {
    if (place.key == key && place.text == text && !place.sockets.empty()) return std::move(place);
  }
  return std::nullopt;
}

void TakeOver::adopt(const Switchboard& switchboard) {
  const auto failed = [](const std::string& sentence) {
    log::error("taking over: {}", sentence);
    std::_Exit(1);
  };
  // Then every shard has the log in its mail.
  while (switchboard.head.load(std::memory_order_acquire) < image_->head()) {
    std::this_thread::sleep_for(1ms);
  }
  std::uint64_t adopted_streams = 0;
  for (std::uint32_t shard = 0;; shard = (shard + 1) % switchboard.shard_count()) {
    auto parcel = more_streams();
    if (!parcel) failed(parcel.error());
    if (parcel->descriptors.empty()) break;
    AdoptMessage message{.records = std::move(parcel->text), .descriptors = {}, .done = {}};
    message.descriptors.reserve(parcel->descriptors.size());
    for (io::Descriptor& descriptor : parcel->descriptors) {
      message.descriptors.push_back(descriptor.release());
    }
    const auto done = std::make_shared<std::promise<std::uint64_t>>();
    message.done = [done](std::uint64_t streams) { done->set_value(streams); };
    switchboard.post(shard, std::move(message));
    adopted_streams += done->get_future().get();
  }
  if (auto gone = adopted(); !gone) failed(gone.error());
  log::info("took over from process {}: {}, at {}", ::getppid(), counted(adopted_streams, "stream"),
            fanout::EventId{image_->epoch(), image_->head()}.text());
}

std::expected<io::Parcel, std::string> TakeOver::more_streams() {
  HandOverWord word{};
  auto parcel = next(word);
  if (parcel && word != HandOverWord::streams && word != HandOverWord::all) {
    return std::unexpected("the broker that is to be replaced says what was not expected");
  }
  return parcel;
}

std::expected<void, std::string> TakeOver::adopted() {
  if (!io::send_parcel(end_.number(), words(HandOverWord::adopted), {}, kStepTime)) {
    return std::unexpected("the broker that is to be replaced is gone");
  }
  HandOverWord word{};
  const auto parcel = next(word);
  if (!parcel) return std::unexpected(parcel.error());
  if (word != HandOverWord::go) return std::unexpected("the other broker goes on by itself");
  return {};
}

// ---- the old one

std::expected<void, std::string> GoingOver::wait_until_ready() {
  const auto parcel = io::receive_parcel(end_, kReadyTime);
  if (!parcel) return std::unexpected("the new process did not come up");
  Unpacker from(parcel->text);
  const auto word = from.value<HandOverWord>();
  const auto version = from.value<std::uint32_t>();
  if (!from.whole() || word != HandOverWord::ready || version != kHandOverVersion) {
    return std::unexpected(
        fmt::format("the new process speaks version {} of the hand-over, and this one version {}: "
                    "restart the broker instead",
                    version, kHandOverVersion));
  }
  auto file = io::MemoryFile::make();
  if (!file) {
    const bool forbidden = file.error() == std::errc::operation_not_permitted;
    return std::unexpected(fmt::format(
        "the log cannot be written down for it: memfd_create: {}{}", file.error().message(),
        forbidden
            ? " (a sandbox forbids the call; in a unit, SystemCallFilter=memfd_create allows it)"
            : ""));
  }
  file_ = std::move(*file);
  return {};
}

bool GoingOver::wait_for(std::uint32_t shards, std::uint64_t& streams) {
  std::unique_lock lock(mutex_);
  const bool came = changed_.wait_for(lock, kStepTime, [&] { return done_ >= shards; });
  if (came) done_ -= shards;
  streams += std::exchange(streams_, 0);
  return came;
}

void GoingOver::done(std::uint32_t /*shard*/, std::uint64_t streams) {
  const std::lock_guard lock(mutex_);
  ++done_;
  streams_ += streams;
  changed_.notify_one();
}

bool GoingOver::write(std::string_view piece) {
  return file_->write(piece);
}

bool GoingOver::send_log() {
  const int descriptor = file_->descriptor();
  return io::send_parcel(end_, words(HandOverWord::log), std::span(&descriptor, 1), kStepTime);
}

bool GoingOver::send(const HandedPlace& place) {
  std::string text = words(HandOverWord::listeners);
  Packer(text).text(place.key).text(place.text).text(place.address).value(place.inherited);
  std::vector<int> numbers;
  numbers.reserve(place.sockets.size());
  for (const io::Descriptor& socket : place.sockets) numbers.push_back(socket.number());
  numbers.resize(std::min(numbers.size(), io::kParcelDescriptorsMax));
  return io::send_parcel(end_, text, numbers, kStepTime);
}

bool GoingOver::end_of_places() {
  return io::send_parcel(end_, words(HandOverWord::all), {}, kStepTime);
}

bool GoingOver::send(std::string_view records, std::span<const int> descriptors) {
  std::string text = words(HandOverWord::streams);
  text += records;
  return io::send_parcel(end_, text, descriptors, kStepTime);
}

bool GoingOver::finish(const std::function<void()>& going) {
  if (!io::send_parcel(end_, words(HandOverWord::all), {}, kStepTime)) return false;
  const auto parcel = io::receive_parcel(end_, kStepTime);
  if (!parcel || Unpacker(parcel->text).value<HandOverWord>() != HandOverWord::adopted) {
    return false;
  }
  going();
  return io::send_parcel(end_, words(HandOverWord::go), {}, kStepTime);
}

// The lead first: when it is frozen, nothing more is posted to the others.
bool GoingOver::give(const Switchboard& switchboard, const std::vector<HandedPlace>& places,
                     const std::shared_ptr<HandOver>& self, std::uint64_t& streams) {
  const std::uint32_t shards = switchboard.shard_count();
  const auto post = [&](std::uint32_t shard, HandOverMessage::Step step) {
    switchboard.post(shard, HandOverMessage{.step = step, .to = self});
  };
  post(switchboard.lead, HandOverMessage::Step::freeze);
  if (!wait_for(1, streams)) return false;
  for (std::uint32_t shard = 0; shard < shards; ++shard) {
    if (!switchboard.is_lead(shard)) post(shard, HandOverMessage::Step::freeze);
  }
  if (!wait_for(shards - 1, streams) || !send_log()) return false;
  for (const HandedPlace& place : places) {
    if (!send(place)) return false;
  }
  if (!end_of_places()) return false;
  for (std::uint32_t shard = 0; shard < shards; ++shard) {
    post(shard, HandOverMessage::Step::give);
    if (!wait_for(1, streams)) return false;
  }
  return true;
}

std::expected<std::uint64_t, std::string> GoingOver::run(int end, const Switchboard& switchboard,
                                                         const std::vector<HandedPlace>& places,
                                                         const std::function<void()>& going) {
  const auto to = std::make_shared<GoingOver>(end);
  if (auto ready = to->wait_until_ready(); !ready) return std::unexpected(ready.error());
  const TimePoint frozen = monotonic_now();
  std::uint64_t streams = 0;
  const bool gone = to->give(switchboard, places, to, streams) && to->finish(going);
  const auto step = gone ? HandOverMessage::Step::leave : HandOverMessage::Step::thaw;
  for (std::uint32_t shard = 0; shard < switchboard.shard_count(); ++shard) {
    switchboard.post(shard, HandOverMessage{.step = step, .to = to});
  }
  if (!gone) return std::unexpected("the new process did not take over");
  const auto took = std::chrono::floor<std::chrono::milliseconds>(monotonic_now() - frozen);
  log::info("handed over: {} in {}", counted(streams, "stream"), format_duration(took));
  return streams;
}

}  // namespace fanfare::server
