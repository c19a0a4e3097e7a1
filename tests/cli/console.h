// What tests of commands need: a console that keeps what is written, and a folder for files.
#pragma once

#include <stdlib.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "broker/cli/run.h"

namespace fanfare::cli {

// Streams that are kept in memory; standard input comes from a file.
class CapturedConsole {
 public:
  explicit CapturedConsole(std::string_view input = {}) {
    console_.in = tmpfile();
    fwrite(input.data(), 1, input.size(), console_.in);
    rewind(console_.in);
    console_.out = tmpfile();
    console_.err = tmpfile();
  }
  ~CapturedConsole() {
    for (std::FILE* file : {console_.in, console_.out, console_.err}) fclose(file);
  }
  CapturedConsole(const CapturedConsole&) = delete;
  CapturedConsole& operator=(const CapturedConsole&) = delete;

  Exit run(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "fanfare");
    return cli::run(arguments, console_);
  }
  std::string out() const { return text_of(console_.out); }
  std::string err() const { return text_of(console_.err); }

 private:
  static std::string text_of(std::FILE* file) {
    fflush(file);
    std::string text(static_cast<std::size_t>(ftell(file)), '\0');
    rewind(file);
    text.resize(fread(text.data(), 1, text.size(), file));
    return text;
  }

  Console console_;
};

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "fanfare-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  std::string file(std::string_view name, std::string_view text) const {
    std::ofstream(path_ / name) << text;
    return (path_ / name).string();
  }
  std::string operator/(std::string_view name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace fanfare::cli
