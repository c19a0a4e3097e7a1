// Faults: what the simulated kernel does to the broker and how often. Every knob is a probability
// per opportunity or a bound, drawn once from the seed, so that a seed says what kind of day it is:
// most faults are off in most seeds (several at once hide each other), some seeds have none at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/random.h"
#include "common/time.h"

namespace fanfare::sim {

// Mistakes that the world around the broker can be told to make, to show that the checkers see them
// (and would, if the broker made them). Not faults: a kernel never does these. X(name, where it is
// planted and what it does)
#define FANFARE_PLANTED_BUGS(X)                                                        \
  X(short_send_is_silent, "ring: MSG_WAITALL forgotten; a short send reports nothing") \
  X(send_drops_tail, "ring: the last byte of a complete send never leaves")            \
  X(send_twice, "ring: a complete send happens twice")                                 \
  X(send_lost, "ring: a send is reported complete and did not happen")                 \
  X(recycle_forgotten, "ring: now and then a received buffer never becomes free")      \
  X(writable_forgotten, "ring: a poll for writable never completes")                   \
  X(heartbeat_lost, "ring: heartbeats never leave")                                    \
  X(heartbeat_twice, "ring: heartbeats leave twice")                                   \
  X(eager_ticks, "machine: shards take a turn every 5 ms though nothing happens")      \
  X(notice_lost, "machine: shards do not tell the lead of who comes and goes")         \
  X(batch_leaked, "machine: a batch is never given back")                              \
  X(key_value_forgotten, "machine: a shard does not learn the value of a key")         \
  X(key_removal_forgotten, "machine: a shard does not learn that a key was removed")   \
  X(drain_forgotten, "machine: one shard is not told to stop")                         \
  X(journal_lies, "journal: says that a batch is durable before it is")                \
  X(ack_early, "machine: takes note of a batch after what was said of it")             \
  X(history_grows, "machine: history may take half of what the broker was told")       \
  X(box_mixes_streams, "bundle port: what one stream says is said on its neighbour")   \
  X(box_owes_nothing, "bundle port: a stream that found its box full is forgotten")    \
  X(box_end_unsaid, "bundle port: the end of a stream is not said")                    \
  X(h2_mixes_streams, "h2 port: what one stream says is said on its neighbour")        \
  X(h2_room_forgotten, "h2 port: a stream that waited for a window is forgotten")      \
  X(h2_end_looks_complete, "h2 port: streams that break off look complete")            \
  X(h2_reset_ends_neighbour, "h2 port: a reset ends another stream of the connection") \
  X(h2_window_booked_short, "h2 client: remembers half of the windows that it gives")  \
  X(h2_end_unheard, "h2 client: does not hear that a stream has ended")                \
  X(tls_goodbye_lost, "ring: what is sent last over TLS, close_notify, never leaves")  \
  X(gap_called_conflated, "client: takes every gap for one of superseded values")      \
  X(events_swapped, "client: takes two events for each other")                         \
  X(exec_torn, "publisher: executes the first command of a transaction on its own")    \
  X(discard_forgotten, "publisher: executes what it means to discard")                 \
  X(ack_dropped, "publisher: hears nothing more of a broker that stops")               \
  X(acks_swapped, "publisher: takes two answers for each other")                       \
  X(patience_endless, "machine: an application has an hour for its answer")            \
  X(approvals_forgotten, "machine: what applications allow is not remembered")         \
  X(approvals_kept, "machine: what applications allow is remembered for an hour")      \
  X(end_booked_early, "application: books an earlier end of a stream than it says")    \
  X(refusal_booked, "application: books that it refuses whom it lets in")              \
  X(answer_mangled, "application: says another body than it books")                    \
  X(question_repeated, "application: books twice what it is asked")                    \
  X(guests_mixed, "application: names the channels of another client")                 \
  X(finish_booked_late, "application: books a later end of a stream than it says")     \
  X(streams_die_too, "day: when applications end, so do the streams of their clients") \
  X(connect_unended, "ring: a connect that is given up never completes")

enum class PlantedBug : std::uint8_t {
  none,
#define X(name, what) name,
  FANFARE_PLANTED_BUGS(X)
#undef X
};
// By its name; none: there is no such bug.
PlantedBug planted_bug(std::string_view name);
// "name  what it does", a line each.
std::string planted_bugs();

struct Faults {
  // ---- the listener
  double accept_fails = 0;  // -EMFILE, -ENFILE, -ECONNABORTED, ... instead of a descriptor
  double accept_ends = 0;   // an accept completes without `more`
  double adopt_fails = 0;   // no room in the descriptor table after all
  // ---- connecting (nothing is drawn for it where nobody connects)
  double connect_fails = 0;   // an errno, whoever listens
  double connect_stalls = 0;  // no answer: it times out after a long while
  bool exhausted = false;     // the process has no descriptor left: every accept fails, at once
  // ---- receiving
  double receive_no_buffer = 0;  // -ENOBUFS although there is one
  double receive_short = 0;      // fewer bytes than have arrived
  // ---- sending
  double send_short = 0;    // fewer bytes than there is room for
  double send_blocked = 0;  // -EAGAIN although there is room
  // ---- the network
  double reset = 0;    // per arrival: the connection is reset for both ends
  double vanish = 0;   // per arrival: the network goes dark; the broker's end times out
  double trickle = 0;  // per arrival: only some of the bytes arrive now
  // ---- any verb
  double errors = 0;  // per operation: it ends with an errno that a kernel may give for it
  // The next operation of the kind ends with this errno, once; 0: it does not. For tests.
  int accept_error = 0, receive_error = 0, send_error = 0, poll_error = 0, close_error = 0;
  int connect_error = 0;
  // ---- time
  Duration latency_max = 1ms;       // from one end of a connection to the other
  double straggle = 0;              // per arrival: up to fifty times the latency
  Duration completion_delay_max{};  // from an operation's end to its completion
  Duration wake_delay_max{};

  // ---- what the machine is like; not switched off by stop()
  std::size_t buffer_count = 64;  // receive buffers of each ring
  std::size_t buffer_size = 2048;
  std::size_t socket_buffer_min = 64U << 10U;  // what a connection holds in each direction
  std::size_t socket_buffer_max = 64U << 10U;
  std::size_t backlog = 128;    // connections waiting for accept
  bool sends_at_once = false;   // send() tries at the call, as epoll does, not in submit()
  Duration user_timeout = 30s;  // TCP_USER_TIMEOUT

  PlantedBug bug = PlantedBug::none;

  // A kernel that does what it is asked, promptly.
  static Faults none() { return {}; }
  static Faults drawn(Random& random);
  // Some days have errors of every kind. They come from a generator of their own: a further draw
  // would make another day of every seed.
  void draw_errors(Random random);
  // From now on nothing fails. Small buffers, latency and the planted bug stay.
  void stop();
};

}  // namespace fanfare::sim
