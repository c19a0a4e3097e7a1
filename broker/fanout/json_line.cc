#include "broker/fanout/json_line.h"

#include <array>
#include <chrono>
#include <cstring>

#include "common/hex.h"

namespace fanfare::fanout {
namespace {

constexpr std::string_view kEvent = "event: ";
constexpr std::string_view kRetry = "retry: ";
constexpr std::string_view kData = "data: ";
constexpr std::string_view kId = "id: ";
constexpr std::string_view kUnnamed = "message";
// The longest that one byte becomes: \u0000.
constexpr std::size_t kEscapeSize = 6;
// Everything around the values, and the time.
constexpr std::size_t kFrameSize = 160;

struct Parts {
  std::string_view type;
  std::string_view retry;
  std::string_view data;  // its lines, each with `data: ` before it and LF after it
  std::string_view id;
};

// The field that `text` begins with, if it is `name`: its value, and `text` begins after it.
std::string_view take_field(std::string_view& text, std::string_view name) {
  if (!text.starts_with(name)) return {};
  const std::size_t end = text.find('\n');
  const std::string_view value = text.substr(name.size(), end - name.size());
  text.remove_prefix(end + 1);
  return value;
}

Parts parts_of(std::string_view text) {
  Parts parts;
  parts.type = take_field(text, kEvent);
  parts.retry = take_field(text, kRetry);
  text.remove_suffix(2);  // the id's LF and the blank line's
  const std::size_t id_line = text.rfind('\n') + 1;
  parts.data = text.substr(0, id_line);
  parts.id = text.substr(id_line + kId.size());
  return parts;
}

// What is written, only counted.
class Count {
 public:
  void text(std::string_view text) { size_ += text.size(); }
  std::size_t size() const { return size_; }

 private:
  std::size_t size_ = 0;
};

class Pen {
 public:
  explicit Pen(char* to) : at_(to) {}
  void text(std::string_view text) {
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }
  char* at() const { return at_; }

 private:
  char* at_;
};

// Bytes that may have to be escaped: by themselves, or with those after them.
constexpr auto kSpecial = [] {
  std::array<bool, 256> special{};
  for (std::size_t byte = 0; byte < 0x20; ++byte) special[byte] = true;
  for (const unsigned char byte : {'"', '\\', '\x7f'}) special[byte] = true;
  special[0xc2] = special[0xe2] = true;
  return special;
}();

struct Escape {
  std::size_t bytes = 0;  // of the text that it stands for; 0: they stay as they are
  std::array<char, kEscapeSize> text{};
  std::size_t size = 0;
};

Escape code_point(std::size_t bytes, unsigned value) {
  return {.bytes = bytes,
          .text = {'\\', 'u', kHexDigits[value >> 12U], kHexDigits[(value >> 8U) & 15U],
                   kHexDigits[(value >> 4U) & 15U], kHexDigits[value & 15U]},
          .size = kEscapeSize};
}

// What the text at a special byte becomes. The text is UTF-8.
Escape escape_at(std::string_view text) {
  const auto byte = [text](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned first = byte(0);
  if (first == '"' || first == '\\') return {1, {'\\', text[0]}, 2};
  if (first < 0x80) return code_point(1, first);
  if (first == 0xc2) return byte(1) < 0xa0 ? code_point(2, byte(1)) : Escape{};
  const bool separator = byte(1) == 0x80 && (byte(2) == 0xa8 || byte(2) == 0xa9);
  return separator ? code_point(3, 0x2000U + byte(2) - 0x80U) : Escape{};
}

template <class To>
void put_escaped(To& to, std::string_view text) {
  std::size_t plain = 0;  // from here on as it is
  for (std::size_t at = 0; at < text.size();) {
    if (!kSpecial[static_cast<unsigned char>(text[at])]) {
      ++at;
      continue;
    }
    const Escape escape = escape_at(text.substr(at));
    if (escape.bytes == 0) {
      ++at;
      continue;
    }
    to.text(text.substr(plain, at - plain));
    to.text({escape.text.data(), escape.size});
    at += escape.bytes;
    plain = at;
  }
  to.text(text.substr(plain));
}

template <class To>
void put_data(To& to, std::string_view lines) {
  for (bool first = true; !lines.empty(); first = false) {
    if (!first) to.text("\\n");
    const std::size_t end = lines.find('\n');
    put_escaped(to, lines.substr(kData.size(), end - kData.size()));
    lines.remove_prefix(end + 1);
  }
}

// "2026-11-26T18:04:01Z"
constexpr std::size_t kTimeSize = 20;

void write_number(char* to, unsigned digits, unsigned value) {
  for (; digits-- > 0; value /= 10) to[digits] = static_cast<char>('0' + value % 10);
}

std::array<char, kTimeSize> time_text(std::uint32_t time) {
  const std::chrono::sys_seconds moment{std::chrono::seconds(time)};
  const auto day = std::chrono::floor<std::chrono::days>(moment);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(moment - day);
  std::array<char, kTimeSize> text{};
  char* const at = text.data();
  std::memcpy(at, "0000-00-00T00:00:00Z", kTimeSize);
  write_number(at, 4, static_cast<unsigned>(static_cast<int>(date.year())));
  write_number(at + 5, 2, static_cast<unsigned>(date.month()));
  write_number(at + 8, 2, static_cast<unsigned>(date.day()));
  write_number(at + 11, 2, static_cast<unsigned>(clock.hours().count()));
  write_number(at + 14, 2, static_cast<unsigned>(clock.minutes().count()));
  write_number(at + 17, 2, static_cast<unsigned>(clock.seconds().count()));
  return text;
}

template <class To>
void put(To& to, const JsonLine& line) {
  const Parts parts = parts_of(line.text);
  to.text(R"({"id":")");
  to.text(parts.id);
  to.text(R"(","channel":")");
  to.text(line.channel);
  if (line.key) {
    to.text(R"(","key":")");
    put_escaped(to, *line.key);
  }
  to.text(R"(","event":")");
  put_escaped(to, parts.type.empty() ? kUnnamed : parts.type);
  to.text(R"(","data":")");
  if (!line.removed) put_data(to, parts.data);
  to.text("\"");
  if (line.removed) to.text(R"(,"removed":true)");
  if (!parts.retry.empty()) {
    to.text(R"(,"retry":)");
    to.text(parts.retry);
  }
  to.text(R"(,"time":")");
  const std::array<char, kTimeSize> time = time_text(line.time);
  to.text({time.data(), time.size()});
  to.text("\"}\n");
}

}  // namespace

void append_escaped(std::string& to, std::string_view text) {
  struct Appender {
    std::string& to;
    void text(std::string_view piece) const { to += piece; }
  };
  const Appender appender{to};
  put_escaped(appender, text);
}

std::size_t JsonLine::size() const {
  Count count;
  put(count, *this);
  return count.size();
}

std::size_t JsonLine::size_max() const {
  return kFrameSize + channel.size() + kEscapeSize * (text.size() + (key ? key->size() : 0));
}

char* JsonLine::write(char* to) const {
  Pen pen(to);
  put(pen, *this);
  return pen.at();
}

}  // namespace fanfare::fanout
