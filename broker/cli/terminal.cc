#include "broker/cli/terminal.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <string_view>

namespace fanfare::cli {
namespace {

constexpr std::string_view kAlternateScreen = "\x1b[?1049h\x1b[?25l";
constexpr std::string_view kMainScreen = "\x1b[?25h\x1b[?1049l";
constexpr std::string_view kHome = "\x1b[H";
constexpr std::string_view kClearRestOfLine = "\x1b[K";
constexpr std::string_view kClearBelow = "\x1b[J";

}  // namespace

Terminal::Terminal(const Console& console) : console_(console) {
  const int in = ::fileno(console.in);
  termios now{};
  if (::isatty(in) == 1 && ::tcgetattr(in, &now) == 0) {
    before_ = now;
    now.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    now.c_cc[VMIN] = 0;
    now.c_cc[VTIME] = 0;
    ::tcsetattr(in, TCSANOW, &now);
    keys_ = in;
  }
  fmt::print(console_.out, "{}", kAlternateScreen);
  std::fflush(console_.out);
}

Terminal::~Terminal() {
  if (before_) ::tcsetattr(::fileno(console_.in), TCSANOW, &*before_);
  fmt::print(console_.out, "{}", kMainScreen);
  std::fflush(console_.out);
}

TopView::Size Terminal::size() const {
  winsize size{};
  if (::ioctl(::fileno(console_.out), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return {};
  return {.columns = size.ws_col, .rows = size.ws_row};
}

void Terminal::draw(std::string_view text) const {
  std::string drawn(kHome);
  for (const char byte : text) {
    if (byte == '\n') drawn += kClearRestOfLine;
    drawn += byte;
  }
  fmt::print(console_.out, "{}{}{}", drawn, kClearRestOfLine, kClearBelow);
  std::fflush(console_.out);
}

// An arrow is three bytes that come together; an escape by itself is a key.
std::string Terminal::key() {
  if (keys_ < 0) return {};
  std::array<char, 64> bytes{};
  pollfd ready{.fd = keys_, .events = POLLIN, .revents = 0};
  if (::poll(&ready, 1, 0) == 1) {
    const ssize_t size = ::read(keys_, bytes.data(), bytes.size());
    if (size > 0) typed_.append(bytes.data(), static_cast<std::size_t>(size));
    if (size <= 0) keys_ = -1;
  }
  if (typed_.empty()) return {};
  const std::size_t size = typed_.starts_with("\x1b[") && typed_.size() >= 3 ? 3 : 1;
  const std::string key = typed_.substr(0, size);
  typed_.erase(0, size);
  return key;
}

}  // namespace fanfare::cli
