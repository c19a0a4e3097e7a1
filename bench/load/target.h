// Target: the server under load, whichever it is. Subscribers open `GET <path>` where `{channel}`
// is replaced; publishers speak one of a few dialects to a socket. Anything that serves
// text/event-stream can be measured with it.
#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace fanfare::load {

enum class PublishDialect : std::uint8_t {
  resp,       // PUBLISH over a Unix socket: Fanfare, redis
  ndjson,     // a line of JSON over a Unix socket: Fanfare
  line,       // `channel data` over a Unix socket: the reference server
  http_post,  // POST to a path, over TCP unless there is a socket: nchan and most others
};

struct Target {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8080;
  std::string path = "/events?channel={channel}";
  PublishDialect dialect = PublishDialect::resp;
  std::string socket;                           // of the publisher; empty: http_post over TCP
  std::string publish_path = "/pub/{channel}";  // http_post
  std::uint16_t publish_port = 0;               // http_post; 0: as `port`
  std::string fields;                           // of each stream's request, each with its CRLF
  bool resume_header = true;                    // Last-Event-ID on reconnect
  std::string prefix = "load";                  // channels are <prefix>/0, <prefix>/1, ...
  std::string suffix;                           // of a stream's channels; "/**": patterns
  std::uint32_t channels_each = 1;              // of one stream; consecutive ones
  bool h2 = false;                              // HTTP/2: by prior knowledge, or ALPN with tls
  std::uint32_t streams = 1;                    // on one connection (h2)
  bool tls = false;                             // subscribers come over TLS; publishers never do
  bool resume_session = false;                  // tls: with the ticket of an earlier connection

  std::string channel_name(std::uint32_t channel) const;
  // What stands for {channel} in the path of the streams of a group of `channels_each` channels.
  std::string subscription(std::uint32_t group) const;
  static std::string with_channel(std::string_view pattern, std::string_view channel);
  std::string request(std::string_view channel, std::string_view last_event_id) const;
};

// Connected descriptor, or -1 with errno. `source`: 127.0.0.<source> as the client's address, 0:
// any.
int connect_tcp(const std::string& host, std::uint16_t port, std::uint32_t source, bool wait);
int connect_unix(const std::string& path);

}  // namespace fanfare::load
