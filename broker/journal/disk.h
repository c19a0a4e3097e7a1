// Disk: the folder in which a journal lies, as the journal sees it: about a dozen verbs, so that
// tests can put a disk in its place that loses what was not flushed, tears writes and fails.
//
// Thread: any, each file one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fanfare::journal {

// Why the disk refused something.
struct Fault {
  int error = 0;         // errno
  std::string sentence;  // "cannot write /var/lib/fanfare/segment-00000003: No space left …"

  // It may work once somebody has made room.
  bool full() const;
};

template <class T = void>
using Result = std::expected<T, Fault>;

class Disk {
 public:
  using File = int;

  virtual ~Disk() = default;

  // Where it is, for sentences.
  virtual std::string path(std::string_view name) const = 0;

  // For reading and writing. An absent file is ENOENT, or made empty if it may be.
  virtual Result<File> open(const std::string& name, bool make) = 0;
  virtual void close(File file) = 0;
  virtual Result<std::uint64_t> size(File file) = 0;
  // All of it, or a fault. What a write that failed has left is not known.
  virtual Result<> write(File file, std::uint64_t at, std::string_view bytes) = 0;
  // Fills `to`, which lies within the file.
  virtual Result<> read(File file, std::uint64_t at, std::span<char> to) = 0;
  virtual Result<> truncate(File file, std::uint64_t size) = 0;
  // What was written is on the disk when it returns. Never tried again once it has failed: a second
  // one may report success for what is gone.
  virtual Result<> flush(File file) = 0;

  // ---- the folder: what is made, renamed or removed stays so once it is flushed
  virtual Result<> rename(const std::string& from, const std::string& to) = 0;
  virtual Result<> remove(const std::string& name) = 0;
  virtual Result<> flush_folder() = 0;
  virtual Result<std::vector<std::string>> names() = 0;
};

// Closes it at the end.
class OpenFile {
 public:
  OpenFile() = default;
  OpenFile(Disk& disk, Disk::File file) : disk_(&disk), file_(file) {}
  ~OpenFile() { close(); }
  OpenFile(OpenFile&& other) noexcept;
  OpenFile& operator=(OpenFile&& other) noexcept;

  Disk::File number() const { return file_; }

 private:
  void close();

  Disk* disk_ = nullptr;
  Disk::File file_ = -1;
};
Result<OpenFile> open_file(Disk& disk, const std::string& name, bool make);

// The whole content of a file, which is small.
Result<std::string> read_file(Disk& disk, const std::string& name);
// It has this content from now on, or the one before, whatever happens meanwhile.
Result<> replace_file(Disk& disk, const std::string& name, std::string_view content);

}  // namespace fanfare::journal
