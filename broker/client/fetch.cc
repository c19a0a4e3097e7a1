#include "broker/client/fetch.h"

#include <fmt/format.h>

#include <array>

#include "broker/client/socket.h"
#include "broker/wire/h1/response_parser.h"

namespace fanfare::client {
namespace {

constexpr std::size_t kBodyBytesMax = 16U << 20U;

std::unexpected<Error> protocol_error(std::string message) {
  return std::unexpected(Error{Fault::protocol, std::move(message)});
}

}  // namespace

std::expected<Answer, Error> fetch(std::string_view address, std::string_view target,
                                   TimePoint deadline, const Stop* stop,
                                   const FetchOptions& options) {
  const auto endpoint = Endpoint::parse(address);
  if (!endpoint) return std::unexpected(endpoint.error());
  const std::string name = endpoint->name();
  auto socket = Socket::connect(*endpoint, deadline, stop);
  if (!socket) return std::unexpected(socket.error());
  const auto sent = socket->send(
      fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{}{}\r\n", options.method,
                  target, endpoint->unix_path.empty() ? name : "localhost",
                  options.bearer.empty() ? "" : "Authorization: Bearer ",
                  options.bearer.empty() ? "" : fmt::format("{}\r\n", options.bearer)),
      deadline);
  if (!sent) return std::unexpected(sent.error());

  Answer answer;
  h1::ResponseParser parser{http::Limits{}};
  std::array<char, 16U << 10U> buffer;
  while (true) {
    const auto received = socket->receive(buffer, deadline);
    if (!received) return std::unexpected(received.error());
    if (*received == 0) {
      const bool whole = answer.status != 0 && parser.ending() != h1::Ending::cut;
      if (whole) return answer;
      return std::unexpected(
          Error{Fault::connection,
                fmt::format("{} closed the connection in the middle of its response", name)});
    }
    std::string_view bytes(buffer.data(), *received);
    h1::Step step;
    while ((step = parser.step(bytes)).kind != h1::Step::Kind::more) {
      bytes.remove_prefix(step.consumed);
      switch (step.kind) {
        case h1::Step::Kind::more:
          break;
        case h1::Step::Kind::head:
          answer.status = parser.head().status;
          answer.content_type = parser.head().value("content-type");
          break;
        case h1::Step::Kind::body:
          answer.body += step.body;
          if (answer.body.size() > kBodyBytesMax) {
            return protocol_error(fmt::format("the response of {} is too long", name));
          }
          break;
        case h1::Step::Kind::end:
          return answer;
        case h1::Step::Kind::refused:
          return protocol_error(
              fmt::format("{} did not answer with HTTP: {}", name, parser.refusal().reason));
      }
    }
  }
}

}  // namespace fanfare::client
