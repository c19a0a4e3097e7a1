// Folder: the Disk that a broker runs on: a folder of the file system, made if need be, and locked
// for as long as this lives, so that a second broker does not write there.
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "broker/journal/disk.h"

namespace fanfare::journal {

class Folder final : public Disk {
 public:
  static Result<std::unique_ptr<Folder>> open(const std::string& path);
  ~Folder() override;
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string path(std::string_view name) const override;
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
  Folder(std::string path, int folder) : path_(std::move(path)), folder_(folder) {}
  Result<> lock();
  std::unexpected<Fault> fault(std::string_view verb, std::string_view name = {}) const;
  std::unexpected<Fault> fault_of(std::string_view verb, File file) const;

  std::string path_;
  int folder_;
  int lock_ = -1;
};

}  // namespace fanfare::journal
