#include "broker/server/shard/take_over.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace fanfare::server {
namespace {

// For a process to start and read its configuration, while the old one still serves.
constexpr Duration kReadyTime = 15s;
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
  file_ = io::MemoryFile::make();
  if (!file_) return std::unexpected("there is no memory to write the log down");
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

}  // namespace fanfare::server
