// A server that plays a script, one connection after another, in a thread of the test: what it is
// asked is kept, what it answers is up to the script.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

#include "broker/client/stop.h"

namespace fanfare::client {

// The server's end of one connection. Calls end the connection's script silently when the client is
// gone: reads give what there is, writes do nothing.
class ServedConnection {
 public:
  explicit ServedConnection(int descriptor) : descriptor_(descriptor) {}
  ServedConnection(const ServedConnection&) = delete;
  ServedConnection& operator=(const ServedConnection&) = delete;
  ~ServedConnection();

  // Up to and with `end`; less if the client closed before.
  std::string read_until(std::string_view end);
  // A request head.
  std::string read_head() { return read_until("\r\n\r\n"); }
  std::string read_line() { return read_until("\n"); }
  // Everything until the client closes.
  std::string read_all();
  void write(std::string_view bytes);
  // RST instead of FIN at the end of the script.
  void reset();

 private:
  int descriptor_;
  std::string received_;
};

class ScriptedServer {
 public:
  // `script` is called with the number of the connection, from 0.
  using Script = std::function<void(int connection, ServedConnection&)>;
  // On a port of 127.0.0.1 that the kernel chose.
  explicit ScriptedServer(Script script);
  // On a Unix socket.
  ScriptedServer(const std::string& path, Script script);
  // Lets the script of the current connection end first.
  ~ScriptedServer();

  std::string address() const;  // http://127.0.0.1:port

 private:
  void serve();

  Script script_;
  int listener_;
  std::uint16_t port_ = 0;
  Stop stop_;
  std::jthread thread_;
};

// A descriptor's worth of a port on which nobody listens: connecting to it is refused.
std::string refused_address();

}  // namespace fanfare::client
