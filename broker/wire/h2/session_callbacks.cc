#include "broker/wire/h2/session_callbacks.h"

#include <algorithm>
#include <optional>

#include "common/check.h"

namespace fanfare::h2 {
namespace {

// A client may say WINDOW_UPDATE for each DATA, of the stream and of the connection, twice.
constexpr std::uint32_t kUpdatesForData = 4;

Session& session_of(void* user) {
  return *static_cast<Session*>(user);
}

StreamId id_of(std::int32_t stream) {
  return static_cast<StreamId>(stream);
}

std::string_view text_of(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace

const nghttp2_session_callbacks* Session::Callbacks::table() {
  static const nghttp2_session_callbacks* const kTable = [] {
    nghttp2_session_callbacks* callbacks = nullptr;
    CHECK(nghttp2_session_callbacks_new(&callbacks) == 0, "memory");
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, frame_read);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, stream_closed);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, frame_written);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, write_data);
    return callbacks;
  }();
  return kTable;
}

int Session::Callbacks::begin_headers(nghttp2_session* /*session*/, const nghttp2_frame* frame,
                                      void* user) {
  Session& self = session_of(user);
  self.in_head_ = true;
  if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;  // trailers
  const StreamId stream = id_of(frame->hd.stream_id);
  self.requests_.try_emplace(stream, self.options_.limits);
  self.reader_.begun(stream);
  return 0;
}

// Trailers are decoded, since HPACK has to be, and dropped.
int Session::Callbacks::header(nghttp2_session* /*session*/, const nghttp2_frame* frame,
                               const std::uint8_t* name, std::size_t name_size,
                               const std::uint8_t* value, std::size_t value_size,
                               std::uint8_t /*flags*/, void* user) {
  Session& self = session_of(user);
  if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
  const auto request = self.requests_.find(id_of(frame->hd.stream_id));
  if (request == self.requests_.end()) return 0;
  if (request->second.field(text_of(name, name_size), text_of(value, value_size))) return 0;
  if (self.admit(Flood::field_lists)) return 0;
  return NGHTTP2_ERR_CALLBACK_FAILURE;
}

void Session::Callbacks::request_headers(Session& self, const nghttp2_frame& frame) {
  const StreamId stream = id_of(frame.hd.stream_id);
  const auto request = self.requests_.find(stream);
  if (request == self.requests_.end()) return;
  if (const std::optional<http::Refusal> refusal = request->second.complete()) {
    return self.reader_.refused(stream, *refusal);
  }
  const bool body_follows = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) == 0;
  self.reader_.asked(stream, body_follows);
}

// A frame that is valid, and whole.
int Session::Callbacks::frame_read(nghttp2_session* /*session*/, const nghttp2_frame* frame,
                                   void* user) {
  Session& self = session_of(user);
  const StreamId stream = id_of(frame->hd.stream_id);
  const bool end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
      self.in_head_ = false;
      if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) request_headers(self, *frame);
      if (end && self.requests_.contains(stream)) self.reader_.complete(stream);
      break;
    case NGHTTP2_DATA:
      // Nothing but padding; what has no payload at all was counted before.
      if (!end && frame->hd.length > 0 && frame->hd.length == frame->data.padlen &&
          !self.admit(Flood::empty_data)) {
        return NGHTTP2_ERR_CALLBACK_FAILURE;
      }
      if (end && self.requests_.contains(stream)) self.reader_.complete(stream);
      break;
    case NGHTTP2_WINDOW_UPDATE:
      if (stream != 0) self.reader_.widened(stream);
      break;
    default:
      break;
  }
  return 0;
}

int Session::Callbacks::data(nghttp2_session* /*session*/, std::uint8_t /*flags*/,
                             std::int32_t stream, const std::uint8_t* bytes, std::size_t size,
                             void* user) {
  Session& self = session_of(user);
  if (self.requests_.contains(id_of(stream))) {
    self.reader_.body(id_of(stream), text_of(bytes, size));
  }
  return 0;
}

int Session::Callbacks::stream_closed(nghttp2_session* /*session*/, std::int32_t stream,
                                      std::uint32_t /*error*/, void* user) {
  Session& self = session_of(user);
  const StreamId id = id_of(stream);
  self.in_head_ = false;
  self.reader_.closed(id);
  self.requests_.erase(id);
  self.texts_.erase(id);
  std::erase(self.finishing_, id);
  return 0;
}

int Session::Callbacks::frame_written(nghttp2_session* session, const nghttp2_frame* frame,
                                      void* user) {
  Session& self = session_of(user);
  const std::uint8_t type = frame->hd.type;
  if (type == NGHTTP2_DATA) {
    self.gate_.allow(Flood::window_updates, kUpdatesForData);
    // Libraries that estimate the bandwidth send a PING when DATA comes.
    self.gate_.allow(Flood::pings, 1);
  }
  if (type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR) {
    self.over_ = self.failed_ = true;
    // By itself it says so of SETTINGS with too many entries.
    const bool calm = frame->goaway.error_code == NGHTTP2_ENHANCE_YOUR_CALM;
    if (calm && self.flood_ == Flood::none) self.flood_ = Flood::settings;
  }
  // CVE-2025-8671: a client may make the broker reset streams, over and over.
  if (type == NGHTTP2_RST_STREAM && frame->rst_stream.error_code != NGHTTP2_NO_ERROR &&
      frame->rst_stream.error_code != NGHTTP2_CANCEL && !self.admit(Flood::provoked_resets) &&
      !self.over_) {
    self.over_ = self.failed_ = true;
    nghttp2_session_terminate_session(session, NGHTTP2_ENHANCE_YOUR_CALM);
  }
  // An answer that does not wait for the rest of the request (RFC 9113 §8.1).
  const bool end = (type == NGHTTP2_DATA || type == NGHTTP2_HEADERS) &&
                   (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  if (end && nghttp2_session_get_stream_remote_close(session, frame->hd.stream_id) == 0) {
    nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_NO_ERROR);
  }
  return 0;
}

// How much goes into the next DATA; the bytes themselves follow in write_data().
ssize_t Session::Callbacks::read_body(nghttp2_session* /*session*/, std::int32_t stream,
                                      std::uint8_t* /*buffer*/, std::size_t size,
                                      std::uint32_t* flags, nghttp2_data_source* /*source*/,
                                      void* user) {
  Session& self = session_of(user);
  const StreamId id = id_of(stream);
  if (id == self.offered_stream_ && !self.offered_.empty()) {
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    return static_cast<ssize_t>(std::min(size, self.offered_.size()));
  }
  if (const auto text = self.texts_.find(id); text != self.texts_.end()) {
    const std::string_view rest = text->second.rest;
    const bool whole = text->second.body.kind == Body::Kind::whole;
    if (rest.empty() && !whole) {
      self.reader_.broken_off(id);
      return NGHTTP2_ERR_DEFERRED;
    }
    if (rest.size() <= size && whole) *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (rest.empty()) return 0;
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    return static_cast<ssize_t>(std::min(size, rest.size()));
  }
  if (std::ranges::find(self.finishing_, id) == self.finishing_.end()) return NGHTTP2_ERR_DEFERRED;
  *flags |= NGHTTP2_DATA_FLAG_EOF;
  return 0;
}

int Session::Callbacks::write_data(nghttp2_session* /*session*/, nghttp2_frame* frame,
                                   const std::uint8_t* head, std::size_t size,
                                   nghttp2_data_source* /*source*/, void* user) {
  Session& self = session_of(user);
  constexpr std::size_t kFrameHead = 9;
  const StreamId id = id_of(frame->hd.stream_id);
  const auto text = self.texts_.find(id);
  const bool offered = id == self.offered_stream_ && text == self.texts_.end();
  std::string_view& rest = offered ? self.offered_ : text->second.rest;
  self.out_->append(reinterpret_cast<const char*>(head), kFrameHead).append(rest.substr(0, size));
  rest.remove_prefix(size);
  return self.out_->size() >= self.enough_ ? static_cast<int>(NGHTTP2_ERR_PAUSE) : 0;
}

}  // namespace fanfare::h2
