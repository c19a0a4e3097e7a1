// RespCommands: what the commands of a publisher that speaks RESP mean here: those that publish, a
// few that report, and the handshakes that Redis libraries and tools send of their own accord.
// Unsupported commands that people are likely to try (SUBSCRIBE, GET, WATCH, ...) are answered with
// what to do instead.
//
// Between MULTI and EXEC commands are checked and queued. EXEC makes all of their changes in one
// call, with no other publisher's between them, or none of them.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/wire/ingest/resp_commons.h"
#include "broker/wire/ingest/resp_reply.h"
#include "broker/wire/ingest/resp_transaction.h"
#include "broker/wire/ingest/session.h"

namespace fanfare::ingest {

class RespCommands {
 public:
  using Arguments = std::span<const std::string_view>;  // the command's name first; never empty

  RespCommands(Sink& sink, const SessionOptions& options);

  // Appends exactly one reply.
  void run(Arguments arguments, std::string& out);
  // A command could not be read, and has been answered. A transaction that is open is then
  // incomplete.
  void passed_over();
  // A PUBLISH that is to be run at once is not run but added to `waiting`, for publish(). False: it
  // is something else.
  bool postpone(Arguments arguments, std::vector<Publish>& waiting);
  void publish(std::span<const Publish> events, std::string& out);
  // At most this many publishes are looked up at once.
  static constexpr std::size_t kTogetherMax = 16;
  // QUIT was run, or AUTH too often in vain: its reply is the last.
  bool quit() const { return quit_; }

 private:
  // What happens to a command between MULTI and EXEC.
  enum class Inside : std::uint8_t { queued, run_at_once, refused };
  // Takes a change; false: no more of them.
  using Visit = std::function<bool(const Change&)>;
  struct Command {
    std::string_view name;                     // upper case
    std::size_t arguments_min, arguments_max;  // with the name
    void (RespCommands::*run)(Arguments, std::string&);
    std::string_view usage;
    Inside inside = Inside::queued;
    // What it would change. False: nothing, since the command is wrong; its error was appended.
    bool (RespCommands::*changes)(Arguments, const Visit&, std::string&) = nullptr;
    bool reads_channels = false;  // its arguments are channels, about which it reports
    bool before_door = false;     // it is served though no token was presented
  };
  static std::span<const Command> table();
  static const Command* find(std::string_view name);
  static bool fits(const Command& command, Arguments arguments);
  static std::string arity_problem(const Command& command);
  static void append_wrong_arity(std::string& out, const Command& command);
  static void append_unknown_subcommand(Arguments arguments, std::string& out);
  static void append_not_served(std::string& out, std::string_view name);
  // True: no channel can have one of these names, and the error is appended.
  bool refuse_names(Arguments channels, std::string& out);
  void append_description(std::string& out, const Command& command) const;

  void publish(Arguments arguments, std::string& out);
  void xadd(Arguments arguments, std::string& out);
  void xlen(Arguments arguments, std::string& out);
  void exists(Arguments arguments, std::string& out);
  void del(Arguments arguments, std::string& out);
  void finish(Arguments arguments, std::string& out);
  void ticket(Arguments arguments, std::string& out);
  void pubsub(Arguments arguments, std::string& out);
  void pubsub_channels(std::string_view pattern, std::string& out);
  bool publish_changes(Arguments arguments, const Visit& visit, std::string& out);
  bool xadd_changes(Arguments arguments, const Visit& visit, std::string& out);
  bool del_changes(Arguments arguments, const Visit& visit, std::string& out);
  bool finish_changes(Arguments arguments, const Visit& visit, std::string& out);
  // Below: commands that are executed together or not at all (resp_batch.cc).
  void multi(Arguments arguments, std::string& out);
  void exec(Arguments arguments, std::string& out);
  void refuse_exec(const Command& command, std::string& out);
  void discard(Arguments arguments, std::string& out);
  void watch(Arguments arguments, std::string& out);
  void unwatch(Arguments arguments, std::string& out);
  void eval(Arguments arguments, std::string& out);
  void script(Arguments arguments, std::string& out);
  bool eval_changes(Arguments arguments, const Visit& visit, std::string& out);
  bool read_loop(Arguments arguments, Arguments& argv, std::string& out);
  void queue(const Command* command, Arguments arguments, std::string& out);
  bool may_be_queued(const Command* command, Arguments arguments, std::string& out);
  bool would_be_taken(RespTransaction::Commands& commands, std::string& out);
  void run_all(RespTransaction::Commands& commands, std::string& out);
  // Below: the other commands that tools and libraries send (resp_handshake.cc).
  bool door_open() const;
  bool let_in(const Command* command, std::string& out);
  bool authenticate(std::string_view user, std::string_view password, std::string& out);
  void ping(Arguments arguments, std::string& out);
  void echo(Arguments arguments, std::string& out);
  void hello(Arguments arguments, std::string& out);
  void auth(Arguments arguments, std::string& out);
  void command(Arguments arguments, std::string& out);
  void client(Arguments arguments, std::string& out);
  void config(Arguments arguments, std::string& out);
  void cluster(Arguments arguments, std::string& out);
  void select(Arguments arguments, std::string& out);
  void wait(Arguments arguments, std::string& out);
  void info(Arguments arguments, std::string& out);
  void reset(Arguments arguments, std::string& out);
  void quit(Arguments arguments, std::string& out);
  bool take_hello_options(Arguments options, std::string& out);
  void append_greeting(std::string& out) const;
  bool take_name(std::string_view name, std::string& out);
  std::string description() const;  // of this connection, as CLIENT INFO has it

  Sink& sink_;
  const SessionOptions options_;
  std::unique_ptr<RespCommons> alone_;  // if options_ bring none
  RespCommons& commons_;
  RespTransaction transaction_;
  std::string client_name_;
  resp::Protocol protocol_ = resp::Protocol::resp2;
  bool quit_ = false;
  bool executing_ = false;  // the commands of a transaction, which were let in together
};

}  // namespace fanfare::ingest
