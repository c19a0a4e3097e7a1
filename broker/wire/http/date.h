// Date: the value of the Date field (RFC 9110 §6.6.1, §5.6.7: IMF-fixdate) as a text that is
// written once a second, however many answers carry it. It has no clock; the time is given to it.
#pragma once

#include <chrono>
#include <string_view>

namespace fanfare::http {

class Date {
 public:
  // Years 0 to 9999. The views given before are overwritten.
  void tell(std::chrono::sys_seconds now);
  // "Sun, 06 Nov 1994 08:49:37 GMT"; empty before the first tell().
  std::string_view text() const { return {text_, told_ ? kSize : 0}; }

 private:
  static constexpr std::size_t kSize = 29;
  char text_[kSize] = {};
  bool told_ = false;
  std::chrono::sys_seconds now_{};
};

}  // namespace fanfare::http
