// Talker: a client that says what a test gives it, and counts what it hears.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

#include "tests/sim/client.h"

namespace fanfare::sim {

// Counts the lines that begin with `line`.
class Talker final : public Client {
 public:
  Talker(Town& town, Door door, std::string line) : Client(town, "talker"), line_(std::move(line)) {
    EXPECT_TRUE(dial(door));
  }
  using Client::say;
  int heard_lines() const { return lines_; }

 protected:
  void heard(std::string_view bytes) override {
    text_ += bytes;
    for (std::size_t end; (end = text_.find('\n')) != std::string::npos; text_.erase(0, end + 1))
      lines_ += text_.starts_with(line_) ? 1 : 0;
  }
  void lost(bool /*clean*/) override {}
  void rang(std::uint32_t /*alarm*/) override {}

 private:
  std::string line_;
  std::string text_;
  int lines_ = 0;
};

}  // namespace fanfare::sim
