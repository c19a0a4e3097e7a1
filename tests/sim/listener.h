// Listener: a client that says one thing and hears everything, line by line.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/client.h"

namespace fanfare::sim {

class Listener final : public Client {
 public:
  Listener(Town& town, Door door, std::string_view request) : Client(town, "listener") {
    EXPECT_TRUE(dial(door));
    say(request);
  }
  using Client::hang_up;
  using Client::say;
  bool over() const { return over_; }
  // Whole lines, as far as they have come.
  std::vector<std::string> take_lines() {
    std::vector<std::string> lines;
    for (std::size_t end; (end = text_.find('\n')) != std::string::npos; text_.erase(0, end + 1)) {
      lines.push_back(text_.substr(0, end));
    }
    return lines;
  }

 protected:
  void heard(std::string_view bytes) override { text_ += bytes; }
  void lost(bool /*clean*/) override { over_ = true; }
  void rang(std::uint32_t /*alarm*/) override {}

 private:
  std::string text_;
  bool over_ = false;
};

}  // namespace fanfare::sim
