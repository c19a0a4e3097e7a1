// RespCommands: what the RESP2 commands of a publisher mean here. The commands that publish, a few
// that tell, and the handshakes that Redis libraries and tools send unasked. Commands that people
// will try in vain (SUBSCRIBE, MULTI, AUTH, GET, ...) are answered with what to do instead.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/wire/ingest/session.h"

namespace fanfare::ingest {

class RespCommands {
 public:
  using Arguments = std::span<const std::string_view>;  // the command's name first; never empty

  RespCommands(Sink& sink, const SessionOptions& options) : sink_(sink), options_(options) {}

  // Appends exactly one reply.
  void run(Arguments arguments, std::string& out);
  // A PUBLISH is not run but added to `waiting`, for publish(). False: it is something else.
  bool postpone(Arguments arguments, std::vector<Publish>& waiting);
  void publish(std::span<const Publish> events, std::string& out);
  // QUIT was run: its reply is the last.
  bool quit() const { return quit_; }

 private:
  struct Command {
    std::string_view name;                     // upper case
    std::size_t arguments_min, arguments_max;  // with the name
    void (RespCommands::*run)(Arguments, std::string&);
    std::string_view usage;
  };
  static std::span<const Command> table();
  static const Command* find(std::string_view name);
  static void append_wrong_arity(std::string& out, const Command& command);
  static void append_unknown_subcommand(Arguments arguments, std::string& out);
  static void append_description(std::string& out, const Command& command);

  void publish(Arguments arguments, std::string& out);
  void xadd(Arguments arguments, std::string& out);
  void xlen(Arguments arguments, std::string& out);
  void del(Arguments arguments, std::string& out);
  void finish(Arguments arguments, std::string& out);
  void pubsub(Arguments arguments, std::string& out);
  void pubsub_channels(std::string_view pattern, std::string& out);
  // Below: what tools and libraries send besides (resp_handshake.cc).
  void ping(Arguments arguments, std::string& out);
  void echo(Arguments arguments, std::string& out);
  void hello(Arguments arguments, std::string& out);
  void command(Arguments arguments, std::string& out);
  void client(Arguments arguments, std::string& out);
  void config(Arguments arguments, std::string& out);
  void select(Arguments arguments, std::string& out);
  void info(Arguments arguments, std::string& out);
  void reset(Arguments arguments, std::string& out);
  void quit(Arguments arguments, std::string& out);

  Sink& sink_;
  const SessionOptions options_;
  std::string client_name_;
  bool quit_ = false;
};

}  // namespace fanfare::ingest
