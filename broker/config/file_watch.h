// FileWatch: notices that files have changed, by looking at them now and then. A look follows
// links, so that it makes no difference whether a file is written anew, renamed over, or behind a
// link that now leads elsewhere (as those of certbot and of Kubernetes' secrets do).
//
// What changes is left alone until it rests: two files of one pair are mostly written one after the
// other.
//
// Why not inotify: it would have to watch the folder of each link on the way, and what is mounted
// there; a look costs a microsecond for each file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fanfare::config {

class FileWatch {
 public:
  // Before they are read: changes from now on are news.
  void know(const std::vector<std::string>& paths);
  // A look at them. True, once for each change: they are not what is known, and are what they were
  // at the last look.
  bool changed(const std::vector<std::string>& paths);

 private:
  struct Stamp {
    std::string path;
    int error = 0;  // of errno; then nothing else is there
    std::uint64_t device = 0, inode = 0, size = 0;
    std::int64_t written_ns = 0, changed_ns = 0;

    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  static Stamp stamp(const std::string& path);
  static std::vector<Stamp> stamps(const std::vector<std::string>& paths);

  std::vector<Stamp> known_;
  std::vector<Stamp> seen_;
};

}  // namespace fanfare::config
