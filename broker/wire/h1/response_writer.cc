#include "broker/wire/h1/response_writer.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "broker/wire/http/characters.h"

#include "common/check.h"

namespace fanfare::h1 {

namespace {

void append_number(std::string& out, std::uint64_t number) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ");
  const std::size_t begin = out.size();
  out.append(value);
  std::replace_if(
      out.begin() + static_cast<std::ptrdiff_t>(begin), out.end(),
      [](char c) { return !http::is(c, http::kFieldText); }, ' ');
  out.append("\r\n");
}

}  // namespace

void append_response_head(std::string& out, int status, std::span<const http::Field> fields,
                          BodyLength length, Persistence persistence, std::string_view date) {
  CHECK(status >= 100 && status <= 599, "a status has three digits");
  out.append("HTTP/1.1 ");
  append_number(out, static_cast<std::uint64_t>(status));
  out.append(" ").append(http::reason_phrase(status)).append("\r\n");
  if (!date.empty()) append_field(out, "Date", date);
  for (const http::Field& field : fields) append_field(out, field.name, field.value);
  switch (length.kind) {
    case BodyLength::Kind::none:
      break;
    case BodyLength::Kind::sized:
      out.append("Content-Length: ");
      append_number(out, length.size);
      out.append("\r\n");
      break;
    case BodyLength::Kind::chunked:
      out.append("Transfer-Encoding: chunked\r\n");
      break;
    case BodyLength::Kind::until_close:
      persistence = Persistence::close;
      break;
  }
  if (persistence == Persistence::close) out.append("Connection: close\r\n");
  if (persistence == Persistence::persistent_stated) out.append("Connection: keep-alive\r\n");
  out.append("\r\n");
}

void append_response_head(std::string& out, int status, std::initializer_list<http::Field> fields,
                          BodyLength length, Persistence persistence, std::string_view date) {
  append_response_head(out, status, std::span(fields.begin(), fields.size()), length, persistence,
                       date);
}

}  // namespace fanfare::h1
