#include "tests/journal/frail_disk.h"

#include <algorithm>
#include <utility>

namespace fanfare::journal {
namespace {

constexpr std::size_t kSector = 512;

void put(std::string& content, std::uint64_t at, std::string_view bytes) {
  if (content.size() < at + bytes.size()) content.resize(at + bytes.size(), '\0');
  content.replace(at, bytes.size(), bytes);
}

}  // namespace

void Platter::cut_power(Random& random) {
  const std::lock_guard lock(mutex);
  names = safe_names;
  for (const auto& [name, content] : names) {
    std::string left = content->safe;
    if (content->cut && random.chance(0.5)) left.resize(std::min(left.size(), *content->cut));
    for (const Write& write : content->unsafe) {
      std::uint64_t at = write.at;
      std::string_view rest = write.bytes;
      while (!rest.empty()) {
        const std::size_t size = std::min<std::size_t>(kSector - at % kSector, rest.size());
        if (random.chance(0.5)) put(left, at, rest.substr(0, size));
        at += size;
        rest.remove_prefix(size);
      }
    }
    content->written = content->safe = left;
    content->unsafe.clear();
    content->cut.reset();
  }
}

void FrailDisk::fail_after(std::uint64_t calls, int error) {
  const std::lock_guard lock(platter_->mutex);
  fails_at_ = calls_ + calls;
  error_ = error;
}

std::optional<Fault> FrailDisk::refusal() {
  ++calls_;
  if (error_ == 0 || calls_ <= fails_at_) return std::nullopt;
  return Fault{.error = error_, .sentence = std::string("the disk: ") + std::strerror(error_)};
}

Result<Disk::File> FrailDisk::open(const std::string& name, bool make) {
  const std::lock_guard lock(platter_->mutex);
  if (auto fault = refusal()) return std::unexpected(*fault);
  auto found = platter_->names.find(name);
  if (found == platter_->names.end()) {
    if (!make) return std::unexpected(Fault{ENOENT, "there is no " + name});
    found = platter_->names.emplace(name, std::make_shared<Platter::Content>()).first;
  }
  files_[next_] = found->second;
  return next_++;
}

void FrailDisk::close(File file) {
  const std::lock_guard lock(platter_->mutex);
  files_.erase(file);
}

Result<std::uint64_t> FrailDisk::size(File file) {
  const std::lock_guard lock(platter_->mutex);
  return files_.at(file)->written.size();
}

Result<> FrailDisk::write(File file, std::uint64_t at, std::string_view bytes) {
  const std::lock_guard lock(platter_->mutex);
  Platter::Content& content = *files_.at(file);
  if (auto fault = refusal()) {
    // Some of it may have come through.
    const std::string_view some = bytes.substr(0, bytes.size() / 2);
    put(content.written, at, some);
    content.unsafe.push_back({at, std::string(some)});
    return std::unexpected(*fault);
  }
  put(content.written, at, bytes);
  content.unsafe.push_back({at, std::string(bytes)});
  return {};
}

Result<> FrailDisk::read(File file, std::uint64_t at, std::span<char> to) {
  const std::lock_guard lock(platter_->mutex);
  const std::string& content = files_.at(file)->written;
  if (at + to.size() > content.size()) return std::unexpected(Fault{EIO, "nothing is there"});
  std::copy_n(content.data() + at, to.size(), to.data());
  return {};
}

Result<> FrailDisk::truncate(File file, std::uint64_t size) {
  const std::lock_guard lock(platter_->mutex);
  if (auto fault = refusal()) return std::unexpected(*fault);
  Platter::Content& content = *files_.at(file);
  content.written.resize(size, '\0');
  content.cut = size;
  return {};
}

Result<> FrailDisk::flush(File file) {
  const std::lock_guard lock(platter_->mutex);
  if (auto fault = refusal()) return std::unexpected(*fault);
  Platter::Content& content = *files_.at(file);
  content.safe = content.written;
  content.unsafe.clear();
  content.cut.reset();
  return {};
}

Result<> FrailDisk::rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(platter_->mutex);
  if (auto fault = refusal()) return std::unexpected(*fault);
  platter_->names[to] = platter_->names.at(from);
  platter_->names.erase(from);
  return {};
}

Result<> FrailDisk::remove(const std::string& name) {
  const std::lock_guard lock(platter_->mutex);
  if (auto fault = refusal()) return std::unexpected(*fault);
  platter_->names.erase(name);
  return {};
}

Result<> FrailDisk::flush_folder() {
  const std::lock_guard lock(platter_->mutex);
  if (auto fault = refusal()) return std::unexpected(*fault);
  platter_->safe_names = platter_->names;
  return {};
}

Result<std::vector<std::string>> FrailDisk::names() {
  const std::lock_guard lock(platter_->mutex);
  std::vector<std::string> found;
  for (const auto& [name, content] : platter_->names) found.push_back(name);
  return found;
}

}  // namespace fanfare::journal
