// Terminal: the terminal of a command that is drawn on whole and reads single keys. While one lives
// there is no echo, no line to be ended, and another screen; Ctrl-C still interrupts.
#pragma once

#include <termios.h>

#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "broker/cli/command.h"
#include "broker/cli/top_view.h"

namespace fanfare::cli {

class Terminal {
 public:
  explicit Terminal(const Console& console);
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  TopView::Size size() const;
  // Over what was there, without a flicker.
  void draw(std::string_view text) const;
  // Where keys come from; -1: they do not.
  int keys() const { return keys_; }
  // The next key, as the terminal says it; empty: none has been pressed.
  std::string key();

 private:
  const Console& console_;
  int keys_ = -1;
  std::optional<termios> before_;
  std::string typed_;
};

}  // namespace fanfare::cli
