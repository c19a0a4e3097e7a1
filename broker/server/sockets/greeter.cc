#include "broker/server/sockets/greeter.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

namespace fanfare::server {

using Header = proxy::HeaderReader::State;

Greeting Greeter::received(io::Slot slot, std::string_view bytes, TimePoint now) {
  auto kept = midway_.extract(slot);
  proxy::HeaderReader reader =
      kept.empty() ? proxy::HeaderReader(settings_->limits.head_bytes) : kept.mapped();
  const Header header = reader.read(bytes);
  if (header != Header::more) return judge(slot, reader, header, bytes, now);
  midway_.emplace(slot, reader);
  return {};
}

Greeting Greeter::judge(io::Slot slot, const proxy::HeaderReader& reader, Header read,
                        std::string_view rest, TimePoint now) {
  const FrontOptions& fronts = settings_->fronts;
  const bool trusted = settings_.fronts().contains(connections_.peer(slot).hop());
  const bool header = read != Header::none;
  if (fronts.proxy_protocol == ProxyProtocol::off && header) {
    return refuse(slot, 400,
                  "the connection begins with the PROXY protocol, and [fronts] proxy_protocol is "
                  "\"off\"",
                  now);
  }
  if (!trusted && (header || fronts.proxy_protocol == ProxyProtocol::require)) {
    const std::string peer = connections_.peer(slot).host();
    return refuse(slot, 403,
                  fmt::format("{} comes from {}, which is not in [fronts] trusted",
                              header ? "the PROXY protocol" : "the connection",
                              peer.empty() ? "a peer without an address" : peer),
                  now);
  }
  if (!header && fronts.proxy_protocol == ProxyProtocol::require) {
    return refuse(slot, 400,
                  "the connection does not begin with the PROXY protocol, which [fronts] "
                  "proxy_protocol = \"require\" asks for",
                  now);
  }
  if (read == Header::refused) {
    return refuse(
        slot, 400,
        fmt::format("the header of the PROXY protocol is malformed: {}", reader.problem()), now);
  }
  Greeting greeting{.kind = Greeting::Kind::begins, .rest = rest};
  if (!header) {
    greeting.held = reader.held();
    return greeting;
  }
  ++counters_.proxy_headers_total;
  if (const auto source = reader.source()) {
    connections_.peer(slot) = {.address = source->address, .port = source->port};
    greeting.named = true;
  }
  return greeting;
}

Greeting Greeter::refuse(io::Slot slot, int status, std::string sentence, TimePoint now) {
  ++counters_.proxy_refused_total;
  if (const auto left_out = log_.admit(now); left_out >= 0) {
    log::warn("a connection from {} was refused: {}{}", connections_.peer(slot).text(), sentence,
              log::left_out_note(left_out));
  }
  return {.kind = Greeting::Kind::refused, .status = status, .sentence = std::move(sentence)};
}

}  // namespace fanfare::server
