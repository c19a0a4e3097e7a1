#include "broker/wire/sse/parser.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "broker/wire/sse/utf8.h"

namespace fanfare::sse {

namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// The first CR or LF, or the end.
std::size_t line_end(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size() && text[at] != '\n' && text[at] != '\r') ++at;
  return at;
}

}  // namespace

const ParsedEvent* Parser::next(std::string_view& input) {
  if (byte_order_mark_ < kByteOrderMark.size()) take_byte_order_mark(input);
  while (!input.empty() && !overflowed_) {
    if (after_carriage_return_) {
      after_carriage_return_ = false;
      if (input.front() == '\n') {
        input.remove_prefix(1);
        continue;
      }
    }
    const std::size_t end = line_end(input);
    check_bound(end);
    if (overflowed_) break;
    if (end == input.size()) {
      line_.append(input);
      break;
    }
    std::string_view line = input.substr(0, end);
    if (!line_.empty()) line = line_.append(line);
    after_carriage_return_ = input[end] == '\r';
    input.remove_prefix(end + 1);
    const bool dispatched = take_line(line);
    line_.clear();
    if (dispatched) return &event_;
  }
  input = {};
  return nullptr;
}

// W2: one at the very start is dropped, however it is cut.
void Parser::take_byte_order_mark(std::string_view& input) {
  while (!input.empty() && byte_order_mark_ < kByteOrderMark.size()) {
    if (input.front() != kByteOrderMark[byte_order_mark_]) {
      line_.assign(kByteOrderMark.substr(0, byte_order_mark_));
      byte_order_mark_ = kByteOrderMark.size();
      return;
    }
    ++byte_order_mark_;
    input.remove_prefix(1);
  }
}

bool Parser::take_line(std::string_view line) {
  if (line.empty()) return dispatch();
  if (line.front() == ':') {  // W3
    ++comments_;
    return false;
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) {
    take_field(line, {});
    return false;
  }
  std::string_view value = line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);  // W4: one
  take_field(line.substr(0, colon), value);
  return false;
}

void Parser::take_field(std::string_view name, std::string_view value) {
  if (name == "data") {  // W6
    append_utf8_repaired(data_, value);
    data_.push_back('\n');
  } else if (name == "event") {  // W7
    type_.clear();
    append_utf8_repaired(type_, value);
  } else if (name == "id") {  // W8
    if (value.find('\0') != std::string_view::npos) return;
    id_.clear();
    append_utf8_repaired(id_, value);
  } else if (name == "retry") {  // W9
    const bool digits =
        std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (value.empty() || !digits) return;
    std::uint64_t number = std::numeric_limits<std::uint64_t>::max();
    std::from_chars(value.data(), value.data() + value.size(), number);
    retry_ms_ = number;
  }
}

// W10.
bool Parser::dispatch() {
  last_event_id_ = id_;
  if (data_.empty()) {
    type_.clear();
    return false;
  }
  data_.pop_back();
  event_data_.swap(data_);
  event_type_.swap(type_);
  data_.clear();
  type_.clear();
  event_ = {.type = event_type_.empty() ? std::string_view("message") : event_type_,
            .data = event_data_,
            .last_event_id = last_event_id_};
  return true;
}

void Parser::check_bound(std::size_t further_bytes) {
  overflowed_ = line_.size() + data_.size() + further_bytes > event_bytes_max_;
}

// W11: what has no blank line behind it was never an event.
void Parser::restart() {
  byte_order_mark_ = 0;
  after_carriage_return_ = overflowed_ = false;
  line_.clear();
  data_.clear();
  type_.clear();
  id_ = last_event_id_;
}

}  // namespace fanfare::sse
