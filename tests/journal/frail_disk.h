// FrailDisk: a disk for tests, in memory. What was not flushed is lost or half there after a power
// cut, in pieces of a sector, at random; from a call on it may fail, or be full.
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/journal/disk.h"

#include "common/random.h"

namespace fanfare::journal {

// What lies on it; outlives the FrailDisk that uses it, as a disk outlives a process.
struct Platter {
  struct Write {
    std::uint64_t at;
    std::string bytes;
  };
  struct Content {
    std::string written;             // as processes see it
    std::string safe;                // what a power cut leaves at least
    std::vector<Write> unsafe;       // since the last flush
    std::optional<std::size_t> cut;  // truncated since the last flush
  };
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<Content>> names;       // as processes see them
  std::map<std::string, std::shared_ptr<Content>> safe_names;  // since the last flush of the folder

  // The power is cut: of each sector that was written and not flushed the old or the new is left,
  // and of each name that was changed the old one.
  void cut_power(Random& random);
};

class FrailDisk final : public Disk {
 public:
  explicit FrailDisk(std::shared_ptr<Platter> platter) : platter_(std::move(platter)) {}

  // From the call that many calls from now on, this errno; 0: no more.
  void fail_after(std::uint64_t calls, int error);
  std::uint64_t calls() const { return calls_; }

  std::string path(std::string_view name) const override { return "/disk/" + std::string(name); }
  Result<File> open(const std::string& name, bool make) override;
  void close(File file) override;
  Result<std::uint64_t> size(File file) override;
  Result<> write(File file, std::uint64_t at, std::string_view bytes) override;
  Result<> read(File file, std::uint64_t at, std::span<char> to) override;
  Result<> truncate(File file, std::uint64_t size) override;
  Result<> flush(File file) override;
  Result<> rename(const std::string& from, const std::string& to) override;
  Result<> remove(const std::string& name) override;
  Result<> flush_folder() override;
  Result<std::vector<std::string>> names() override;

 private:
  // Nothing: the call may go on.
  std::optional<Fault> refusal();

  std::shared_ptr<Platter> platter_;
  std::map<File, std::shared_ptr<Platter::Content>> files_;
  File next_ = 3;
  std::uint64_t calls_ = 0;
  std::uint64_t fails_at_ = 0;
  int error_ = 0;
};

}  // namespace fanfare::journal
