#include "broker/fanout/removal.h"

#include "broker/fanout/json_line.h"

namespace fanfare::fanout {

std::string removal_data(std::string_view channel, std::string_view key) {
  std::string data = R"({"channel":")";
  data += channel;
  if (key != kEveryKey) {
    data += R"(","key":")";
    append_escaped(data, key);
  }
  data += "\"}";
  return data;
}

}  // namespace fanfare::fanout
