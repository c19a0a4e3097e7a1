#include "tests/sim/response_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>

namespace fanfare::sim {
namespace {

std::optional<std::uint64_t> number_of(std::string_view text, int base) {
  std::uint64_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || stop != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

void ResponseReader::expect(bool head_only) {
  *this = ResponseReader();
  head_only_ = head_only;
}

std::size_t ResponseReader::feed(std::string_view in, std::string& body) {
  std::size_t taken = 0;
  while (taken < in.size() && !complete() && problem_.empty()) {
    const std::string_view rest = in.substr(taken);
    if (stage_ == Stage::until_close) {
      body += rest;
      return in.size();
    }
    if (stage_ == Stage::counted || stage_ == Stage::chunk) {
      const std::size_t piece = std::min<std::uint64_t>(left_, rest.size());
      body += rest.substr(0, piece);
      taken += piece;
      left_ -= piece;
      if (left_ == 0) stage_ = stage_ == Stage::chunk ? Stage::chunk_end : Stage::done;
      continue;
    }
    const std::size_t feed = rest.find('\n');
    const std::size_t piece = feed == std::string_view::npos ? rest.size() : feed + 1;
    line_ += rest.substr(0, piece);
    taken += piece;
    if (line_.size() > 20'000) complain("a line without an end");
    if (feed == std::string_view::npos) break;
    if (line_.size() < 2 || line_[line_.size() - 2] != '\r') {
      complain(fmt::format("a line that ends without CR: {}", line_));
      break;
    }
    take_line(std::string_view(line_).substr(0, line_.size() - 2));
    line_.clear();
  }
  return taken;
}

bool ResponseReader::end() {
  if (stage_ == Stage::until_close) stage_ = Stage::done;
  return complete() || (stage_ == Stage::status && line_.empty());
}

void ResponseReader::take_line(std::string_view line) {
  switch (stage_) {
    case Stage::status:
      take_status(line);
      break;
    case Stage::field:
      line.empty() ? begin_body() : take_field(line);
      break;
    case Stage::chunk_size:
      begin_chunk(line);
      break;
    case Stage::chunk_end:
      if (!line.empty()) complain(fmt::format("bytes behind a chunk: {}", line));
      stage_ = Stage::chunk_size;
      break;
    case Stage::trailer:
      if (!line.empty()) complain(fmt::format("a trailer: {}", line));
      stage_ = Stage::done;
      break;
    default:
      break;
  }
}

void ResponseReader::take_status(std::string_view line) {
  // "HTTP/1.1 200 OK"
  const bool form = line.size() >= 13 && line.starts_with("HTTP/1.") && line[8] == ' ' &&
                    line[12] == ' ' && (line[7] == '0' || line[7] == '1');
  const std::optional<std::uint64_t> status =
      form ? number_of(line.substr(9, 3), 10) : std::nullopt;
  if (!status) return complain(fmt::format("a status line: {}", line));
  status_ = static_cast<int>(*status);
  minor_0_ = line[7] == '0';
  stage_ = Stage::field;
}

void ResponseReader::take_field(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0)
    return complain(fmt::format("a field: {}", line));
  std::string name(line.substr(0, colon));
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
  std::string_view value = line.substr(colon + 1);
  while (value.starts_with(' ')) value.remove_prefix(1);
  if (field(name) && name != "vary" && name != "set-cookie")
    return complain(fmt::format("the field {} twice", name));
  fields_.emplace_back(std::move(name), value);
}

void ResponseReader::begin_body() {
  const auto coding = field("transfer-encoding");
  const auto length = field("content-length");
  if (coding && length) return complain("both Transfer-Encoding and Content-Length");
  if (coding && *coding != "chunked") return complain("a transfer coding that is not chunked");
  if (coding && (minor_0_ || status_ == 204))
    return complain("a transfer coding where none may be");
  left_ = 0;
  if (length) {
    const auto size = number_of(*length, 10);
    if (!size) return complain(fmt::format("a Content-Length: {}", *length));
    left_ = *size;
  }
  if (head_only_ || status_ == 204 || status_ == 304 || status_ / 100 == 1) {
    stage_ = Stage::done;
  } else if (coding) {
    stage_ = Stage::chunk_size;
  } else if (length) {
    stage_ = left_ == 0 ? Stage::done : Stage::counted;
  } else {
    stage_ = Stage::until_close;
  }
}

void ResponseReader::begin_chunk(std::string_view line) {
  const auto size = number_of(line, 16);
  if (!size) return complain(fmt::format("a chunk size: {}", line));
  left_ = *size;
  stage_ = left_ == 0 ? Stage::trailer : Stage::chunk;
}

std::optional<std::string_view> ResponseReader::field(std::string_view name) const {
  for (const auto& [known, value] : fields_) {
    if (known == name) return value;
  }
  return std::nullopt;
}

void ResponseReader::complain(std::string problem) {
  if (problem_.empty()) problem_ = std::move(problem);
}

}  // namespace fanfare::sim
