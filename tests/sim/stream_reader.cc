#include "tests/sim/stream_reader.h"

#include <charconv>
#include <utility>

namespace fanfare::sim {

void StreamReader::reconnect() {
  line_.clear();
  data_.clear();
  type_.clear();
  after_cr_ = has_data_ = has_id_ = false;
  id_ = last_id_;
}

void StreamReader::feed(std::string_view in, std::vector<Message>& out) {
  for (const char c : in) {
    const bool second_half = c == '\n' && std::exchange(after_cr_, false);
    if (second_half) continue;
    after_cr_ = c == '\r';
    if (c == '\r' || c == '\n') {
      take_line(line_, out);
      line_.clear();
    } else {
      line_ += c;
    }
  }
}

void StreamReader::take_line(std::string_view line, std::vector<Message>& out) {
  if (line.empty()) {
    last_id_ = id_;
    if (has_data_) {
      out.push_back({.dispatched = true, .type = type_, .data = data_, .id = last_id_});
    } else if (has_id_) {
      out.push_back({.dispatched = false, .type = {}, .data = {}, .id = last_id_});
    }
    data_.clear();
    type_.clear();
    has_data_ = has_id_ = false;
    return;
  }
  const std::size_t colon = line.find(':');
  if (colon == 0) ++comments_;
  const std::string_view name = line.substr(0, colon);
  std::string_view value =
      colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (name == "data") {
    if (std::exchange(has_data_, true)) data_ += '\n';
    data_ += value;
  } else if (name == "event") {
    type_ = value;
  } else if (name == "id") {
    id_ = value;
    has_id_ = true;
  } else if (name == "retry") {
    std::from_chars(value.data(), value.data() + value.size(), retry_ms_);
  }
}

}  // namespace fanfare::sim
