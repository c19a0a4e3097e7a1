// Program and Successor: this program once more, as another process, which is to take this one's
// place. It is started from the same path, where a newer version may lie by now, with the same
// arguments, and with one end of a parcel pair, whose number is in its environment.
#pragma once

#include <sys/types.h>

#include <expected>
#include <string>
#include <utility>
#include <vector>

#include "broker/io/descriptor.h"

namespace fanfare::cli {

class Successor {
 public:
  Successor(pid_t process, io::Descriptor end) : process_(process), end_(std::move(end)) {}

  pid_t process() const { return process_; }
  int end() const { return end_.number(); }
  // It is not to take over: ends it, if it has not ended.
  void give_up();

 private:
  pid_t process_;
  io::Descriptor end_;
};

class Program {
 public:
  // As it is now: the file may be replaced later.
  Program();

  const std::string& path() const { return path_; }
  // The error is half a sentence.
  std::expected<Successor, std::string> start() const;

 private:
  std::string path_;
  std::vector<std::string> arguments_;
};

// In such a process: the end that it was given. None: it is nobody's successor.
io::Descriptor predecessor();

}  // namespace fanfare::cli
