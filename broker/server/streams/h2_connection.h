// H2Connection: one connection that speaks HTTP/2: its session, the event streams on it, the
// requests that are being read and answered, and its box: the frames that wait for the next send.
//
//   request ──▶ H2Exchange ──▶ Routes ──┬▶ a whole answer, from its own text
//                                       └▶ an event stream, in `streams_`: 16 bytes; its bytes are
//                                          offered by Delivery, and go straight into frames
//
// What a stream's windows, or the box, have no room for is not taken: the stream falls behind as a
// cursor, and is told when there is room. Where streams share a connection window that runs short,
// none takes much more than half of its own window: a page that has stopped reading one
// stream leaves room for the others. (Clients acknowledge half a window at a time at the latest.)
// Several such streams can still use it up. Then the one that holds the most of it is told to come
// back, if it is certain that nobody reads it: what a reset stream was sent, its client gives back.
//
// Thread: the shard's. Idle, with one event stream: 10 KB, nearly all of it nghttp2's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/server/sockets/response.h"
#include "broker/server/streams/h2_exchange.h"
#include "broker/server/streams/h2_writer.h"
#include "broker/server/streams/shared_port.h"
#include "broker/server/streams/stream_end.h"
#include "broker/wire/h2/session.h"

namespace fanfare::server {

// What the connections of one port share.
struct H2Room {
  explicit H2Room(const SharedPort::Parts& all) : parts(all), writer(all.date) {}

  SharedPort::Parts parts;
  h2::Memory memory;
  H2Exchanges exchanges;
  H2Writer writer;
  Response response;  // of the request being answered
  std::deque<SharedOrder> orders;
  std::vector<std::string> spare_boxes;  // empty, with memory
  std::size_t head_bytes = 0;            // of all requests that are not answered yet
  Tick tick = 0;                         // the last one that the port was told of
};

class H2Connection final : public h2::Reader {
 public:
  // The client has said the preface's first bytes, and hears SETTINGS.
  H2Connection(io::Slot slot, H2Room& room);
  ~H2Connection() override;

  void received(std::string_view bytes);
  // A time has come: of a request, of an answer, or of the connection.
  void overdue();
  void leave();
  void opened(h2::StreamId stream, fanout::Member subscriber);
  void answer(H2Exchange& exchange, const HttpPort::Answerer& make);
  std::vector<fanout::Member> subscribers() const;
  bool quiet() const;

  std::optional<std::size_t> take(fanout::Member subscriber, std::string_view bytes);
  void end(fanout::Member subscriber, Ending ending);
  // The frames to be sent now; nothing while the socket is full.
  std::string_view fill();
  void sent(std::int32_t result);
  void writable();
  // It is among those that have something to send (H2Port::dirty_).
  bool marked = false;
  bool wants_send() const { return !full_ && (!out_.empty() || session_.has_output()); }

  void begun(h2::StreamId stream) override;
  void asked(h2::StreamId stream, bool body_follows) override;
  void body(h2::StreamId stream, std::string_view piece) override;
  void complete(h2::StreamId stream) override;
  void refused(h2::StreamId stream, const http::Refusal& refusal) override;
  void closed(h2::StreamId stream) override;
  void broken_off(h2::StreamId stream) override;
  void widened(h2::StreamId stream) override;

 private:
  // An event stream, from its answer until Delivery has ended it.
  struct Stream {
    h2::StreamId id = 0;
    fanout::Member subscriber = kNone;  // none: it has not been opened yet
    std::int32_t window_more = 0;       // the widest that it has been, beyond the initial one
    bool owed = false;                  // was not taken from whole
    bool gone = false;                  // closed by its client
  };
  static_assert(sizeof(Stream) <= 16, "an idle stream has nothing else here");
  // Its last words are out. It is reset when its client has had time to read them: a browser drops
  // what it has not passed on to the page when the reset comes.
  struct Parting {
    h2::StreamId id = 0;
    Tick due = 0;
  };

  Connection& connection() { return room_.parts.connections[slot_]; }
  const Settings& settings() const { return room_.parts.settings; }
  void order(PortOrder order);

  // h2_connection.cc: the connection, and its event streams
  Stream* find(fanout::Member subscriber);
  Stream* find_stream(h2::StreamId stream);
  bool may_take(const Stream& stream) const;
  std::int32_t window_max(const Stream& stream) const;
  bool unread(const Stream& stream) const;
  void look_for_starving(const Stream& stream);
  void relieve();
  void give_room();
  void part(h2::StreamId stream);
  void reset_parting();
  void drop_orders(fanout::Member subscriber);
  void look_for_end();
  void say_goodbye();
  void cease();
  void set_due();
  void keep_box();

  // h2_requests.cc: requests and their answers
  H2Exchange* exchange_of(h2::StreamId stream);
  Request request_of(const H2Exchange& exchange) const;
  bool accepts(H2Exchange& exchange);
  void forget_head(H2Exchange& exchange);
  std::optional<BodyRefusal> take_body(H2Exchange& exchange, std::string_view piece);
  void refuse_body(H2Exchange& exchange, BodyRefusal refusal);
  void refuse(H2Exchange& exchange, const Refused& why);
  void carry(H2Exchange& exchange);
  void say(H2Exchange& exchange);
  void begin_stream(H2Exchange& exchange);
  void late(H2Exchange& exchange);
  void wait_no_longer(H2Exchange& exchange);
  void look_at_answer(H2Exchange& exchange);
  void forget(H2Exchange& exchange, std::string_view end);

  const io::Slot slot_;
  H2Room& room_;
  h2::Session session_;
  std::vector<Stream> streams_;
  std::vector<Parting> parting_;          // the first one due first
  std::vector<std::uint32_t> exchanges_;  // their indexes
  std::string out_;
  std::uint32_t next_ = 0;     // where the stream that is taken from next may be
  std::uint32_t room_at_ = 0;  // which stream is given room first
  std::int32_t window_max_ = 0;
  Tick idle_since_ = 0;
  Tick starved_since_ = kNever;  // streams are owed bytes, and the connection's window is used up
  bool full_ = false;            // the socket
  bool leaving_ = false;
  bool asked_ = false;    // a request has begun, or may have in vain: a newcomer is given time
  bool ceasing_ = false;  // nothing is read any more; what is to be said last is on its way
  bool ordered_ = false;  // the end of the connection
};

}  // namespace fanfare::server
