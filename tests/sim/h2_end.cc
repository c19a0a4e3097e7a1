#include "tests/sim/h2_end.h"

#include <fmt/format.h>
#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <span>

#include "common/check.h"

namespace fanfare::sim {
namespace {

H2End& end_of(void* user) {
  return *static_cast<H2End*>(user);
}

std::string lower(std::string_view text) {
  std::string made(text);
  std::ranges::transform(made, made.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return made;
}

std::uint8_t* bytes_of(const std::string& text) {
  // nghttp2 only reads them.
  return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text.data()));
}

nghttp2_nv pair_of(const std::string& name, const std::string& value) {
  return {.name = bytes_of(name),
          .value = bytes_of(value),
          .namelen = name.size(),
          .valuelen = value.size(),
          .flags = NGHTTP2_NV_FLAG_NONE};
}

std::string text_of(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

std::uint32_t id_of(std::int32_t stream) {
  return static_cast<std::uint32_t>(stream);
}

std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find("\r\n");
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 2);
  return line;
}

}  // namespace

H2Windows H2Windows::drawn(Random& random) {
  constexpr std::uint32_t kStream[] = {1, 40, 300, 1000, 4000, 65'535, 65'535, 1U << 20U};
  H2Windows windows;
  windows.stream = kStream[random.below(std::size(kStream))];
  if (random.chance(0.5)) windows.connection_more = 1U << (10U + random.below(14));
  windows.in_lumps = random.chance(0.7);
  windows.coupled = random.chance(0.5);
  return windows;
}

H2Request H2Request::from_http1(std::string_view text) {
  H2Request request;
  const std::string_view line = take_line(text);
  const std::size_t space = line.find(' ');
  request.method = line.substr(0, space);
  request.target = line.substr(space + 1, line.rfind(' ') - space - 1);
  for (std::string_view field; !(field = take_line(text)).empty();) {
    const std::size_t colon = field.find(':');
    std::string name = lower(field.substr(0, colon));
    if (name == "host") continue;
    request.fields.emplace_back(std::move(name),
                                field.substr(field.find_first_not_of(' ', colon + 1)));
  }
  request.body = text;
  return request;
}

std::string_view H2News::field(std::string_view name) const {
  const auto found = std::ranges::find(fields, name, &std::pair<std::string, std::string>::first);
  return found == fields.end() ? std::string_view() : std::string_view(found->second);
}

// ---- what nghttp2 calls

struct H2End::Callbacks {
  static nghttp2_session_callbacks* make() {
    nghttp2_session_callbacks* table = nullptr;
    CHECK(nghttp2_session_callbacks_new(&table) == 0, "memory");
    nghttp2_session_callbacks_set_on_begin_frame_callback(table, begin_frame);
    nghttp2_session_callbacks_set_on_header_callback(table, header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(table, data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(table, frame_read);
    nghttp2_session_callbacks_set_on_frame_send_callback(table, frame_said);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(table, frame_unsaid);
    nghttp2_session_callbacks_set_on_stream_close_callback(table, closed);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(table, invalid);
    nghttp2_session_callbacks_set_error_callback2(table, error);
    return table;
  }

  static int begin_frame(nghttp2_session* /*session*/, const nghttp2_frame_hd* head, void* user) {
    if (head->type == NGHTTP2_DATA) end_of(user).announced(id_of(head->stream_id), head->length);
    return 0;
  }
  static int header(nghttp2_session* /*session*/, const nghttp2_frame* frame,
                    const std::uint8_t* name, std::size_t name_size, const std::uint8_t* value,
                    std::size_t value_size, std::uint8_t /*flags*/, void* user) {
    const auto stream = end_of(user).streams_.find(id_of(frame->hd.stream_id));
    if (stream == end_of(user).streams_.end()) return 0;
    if (text_of(name, name_size) == ":status") {
      stream->second.fields.clear();
      stream->second.status = std::atoi(text_of(value, value_size).c_str());
      return 0;
    }
    stream->second.fields.emplace_back(text_of(name, name_size), text_of(value, value_size));
    return 0;
  }
  static int data(nghttp2_session* /*session*/, std::uint8_t /*flags*/, std::int32_t stream,
                  const std::uint8_t* bytes, std::size_t size, void* user) {
    H2End& self = end_of(user);
    self.received(id_of(stream), static_cast<std::uint32_t>(size));
    self.add(H2News::Kind::data, id_of(stream));
    self.news_.back().bytes = text_of(bytes, size);
    return 0;
  }
  static int frame_read(nghttp2_session* /*session*/, const nghttp2_frame* frame, void* user) {
    H2End& self = end_of(user);
    const std::uint32_t id = id_of(frame->hd.stream_id);
    const auto stream = self.streams_.find(id);
    if (frame->hd.type == NGHTTP2_SETTINGS && (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0)
      self.settings_acknowledged();
    if (frame->hd.type == NGHTTP2_GOAWAY) {
      self.leaving_ = true;
      self.add(H2News::Kind::goodbye, 0, frame->goaway.error_code);
    }
    if (stream == self.streams_.end()) return 0;
    if (frame->hd.type == NGHTTP2_HEADERS) {
      self.add(H2News::Kind::head, id);
      self.news_.back().status = stream->second.status;
      self.news_.back().fields = stream->second.fields;
    }
    const bool carries = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (carries && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
      stream->second.complete = true;
      self.add(H2News::Kind::complete, id);
    }
    return 0;
  }
  static int frame_said(nghttp2_session* /*session*/, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type == NGHTTP2_HEADERS) {
      const auto stream = end_of(user).streams_.find(id_of(frame->hd.stream_id));
      if (stream != end_of(user).streams_.end()) stream->second.head_said = true;
    }
    if (frame->hd.type == NGHTTP2_WINDOW_UPDATE) {
      end_of(user).book(id_of(frame->hd.stream_id),
                        static_cast<std::uint32_t>(frame->window_update.window_size_increment));
    }
    return 0;
  }
  static int frame_unsaid(nghttp2_session* /*session*/, const nghttp2_frame* frame, int /*error*/,
                          void* user) {
    if (frame->hd.type != NGHTTP2_HEADERS) return 0;
    H2End& self = end_of(user);
    const std::uint32_t id = id_of(frame->hd.stream_id);
    const auto stream = self.streams_.find(id);
    if (stream == self.streams_.end()) return 0;
    if (!stream->second.reset_by_us) self.add(H2News::Kind::unsent, id);
    self.forget(stream);
    return 0;
  }
  static int closed(nghttp2_session* /*session*/, std::int32_t number, std::uint32_t error,
                    void* user) {
    H2End& self = end_of(user);
    const auto stream = self.streams_.find(id_of(number));
    if (stream == self.streams_.end()) return 0;
    const bool over = stream->second.complete || stream->second.reset_by_us;
    if (!over) self.add(H2News::Kind::reset, id_of(number), error);
    self.forget(stream);
    return 0;
  }
  static int invalid(nghttp2_session* /*session*/, const nghttp2_frame* frame, int error,
                     void* user) {
    end_of(user).wrong(fmt::format("a frame of type {} that is invalid: {}", frame->hd.type,
                                   nghttp2_strerror(error)));
    return 0;
  }
  static int error(nghttp2_session* /*session*/, int /*code*/, const char* text, std::size_t size,
                   void* user) {
    end_of(user).wrong(std::string(text, size));
    return 0;
  }
  static ssize_t body(nghttp2_session* /*session*/, std::int32_t number, std::uint8_t* into,
                      std::size_t size, std::uint32_t* flags, nghttp2_data_source* /*source*/,
                      void* user) {
    Stream& stream = end_of(user).streams_.at(id_of(number));
    const std::size_t taken = std::min(size, stream.body.size() - stream.said);
    std::memcpy(into, stream.body.data() + stream.said, taken);
    stream.said += taken;
    if (stream.said == stream.body.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(taken);
  }
};

// ---- the session

H2End::H2End(const H2Windows& windows) : windows_(windows) {
  static const nghttp2_session_callbacks* const kTable = Callbacks::make();
  static const nghttp2_option* const kOption = [] {
    nghttp2_option* option = nullptr;
    CHECK(nghttp2_option_new(&option) == 0, "memory");
    nghttp2_option_set_no_auto_window_update(option, 1);
    return option;
  }();
  CHECK(nghttp2_session_client_new2(&session_, kTable, this, kOption) == 0, "memory");
  resize(windows_.stream);
  if (windows_.connection_more > 0)
    nghttp2_submit_window_update(session_, NGHTTP2_FLAG_NONE, 0,
                                 static_cast<std::int32_t>(windows_.connection_more));
}

H2End::~H2End() {
  nghttp2_session_del(session_);
}

std::uint32_t H2End::ask(const H2Request& request) {
  if (leaving_) return 0;
  constexpr std::array<std::string_view, 4> kNames = {":method", ":scheme", ":path", ":authority"};
  std::vector<std::pair<std::string, std::string>> fields;
  const std::array<std::string_view, 4> values = {request.method, "http", request.target, "broker"};
  for (std::size_t i = 0; i < kNames.size(); ++i) fields.emplace_back(kNames[i], values[i]);
  fields.insert(fields.end(), request.fields.begin(), request.fields.end());
  std::vector<nghttp2_nv> pairs;
  pairs.reserve(fields.size());
  for (const auto& [name, value] : fields) pairs.push_back(pair_of(name, value));
  const nghttp2_data_provider provider{.source = {.fd = 0}, .read_callback = Callbacks::body};
  const std::int32_t id =
      nghttp2_submit_request(session_, nullptr, pairs.data(), pairs.size(),
                             request.body.empty() ? nullptr : &provider, nullptr);
  if (id < 0) return 0;
  Stream& stream = streams_[id_of(id)];
  stream.body = request.body;
  stream.left = stream_window_;
  return id_of(id);
}

void H2End::reset(std::uint32_t number) {
  const auto stream = streams_.find(number);
  if (stream == streams_.end()) return;
  stream->second.reset_by_us = true;
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, static_cast<std::int32_t>(number),
                            kCancel);
}

bool H2End::has_said(std::uint32_t number) const {
  const auto stream = streams_.find(number);
  return stream != streams_.end() && stream->second.head_said &&
         stream->second.said == stream->second.body.size();
}

void H2End::ping() {
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
}

void H2End::say_goodbye() {
  leaving_ = true;
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, 0, NGHTTP2_NO_ERROR, nullptr, 0);
}

std::vector<H2News> H2End::hear(std::string_view bytes) {
  const auto* const text = reinterpret_cast<const std::uint8_t*>(bytes.data());
  const ssize_t taken = nghttp2_session_mem_recv(session_, text, bytes.size());
  if (taken < 0) wrong(nghttp2_strerror(static_cast<int>(taken)));
  return std::exchange(news_, {});
}

std::string H2End::say() {
  std::string out;
  const std::uint8_t* bytes = nullptr;
  for (ssize_t size; (size = nghttp2_session_mem_send(session_, &bytes)) > 0;)
    out.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  return out;
}

void H2End::add(H2News::Kind kind, std::uint32_t stream, std::uint32_t error) {
  news_.push_back({.kind = kind, .stream = stream, .error = error});
}

void H2End::wrong(std::string what) {
  add(H2News::Kind::wrong, 0);
  news_.back().bytes = std::move(what);
}

// ---- windows

void H2End::resize(std::uint32_t stream_window) {
  windows_.stream = stream_window;
  const nghttp2_settings_entry entry{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, stream_window};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, &entry, 1);
  unacknowledged_.push_back(stream_window);
}

// The broker says it before all that it sends by the new size (RFC 9113 §6.5.3).
void H2End::settings_acknowledged() {
  if (unacknowledged_.empty()) return wrong("an ACK for SETTINGS that were not said");
  const std::int64_t change = std::int64_t{unacknowledged_.front()} - stream_window_;
  unacknowledged_.erase(unacknowledged_.begin());
  stream_window_ += change;
  for (auto& [number, stream] : streams_) {
    stream.left += change;
    pay(number, stream.owed, windows_.stream);  // it may be more than half of a smaller one
  }
}

void H2End::book(std::uint32_t number, std::uint32_t more) {
  if (windows_.booked_short) more /= 2;
  if (number == 0) left_ += more;
  if (const auto stream = streams_.find(number); stream != streams_.end())
    stream->second.left += more;
}

// A DATA frame of so many bytes has begun.
void H2End::announced(std::uint32_t number, std::size_t bytes) {
  const auto size = static_cast<std::int64_t>(bytes);
  left_ -= size;
  if (size > 0 && left_ < 0)
    wrong(fmt::format("{} bytes more than the window of the connection", -left_));
  const auto stream = streams_.find(number);
  if (stream == streams_.end()) return;
  stream->second.left -= size;
  if (size > 0 && stream->second.left < 0)
    wrong(fmt::format("{} bytes more than the window of stream {}", -stream->second.left, number));
}

void H2End::received(std::uint32_t number, std::uint32_t bytes) {
  const auto stream = streams_.find(number);
  const bool held = windows_.coupled && withheld_.contains(number);
  if (stream != streams_.end()) {
    stream->second.owed += bytes;
    if (held) stream->second.held += bytes;
    pay(number, stream->second.owed, windows_.stream);
  }
  if (stream == streams_.end() || !held) owed_ += bytes;
  pay(0, owed_, 65'535 + windows_.connection_more);
}

// What it has not read is dropped with it.
void H2End::forget(std::map<std::uint32_t, Stream>::iterator stream) {
  owed_ += stream->second.held;
  withheld_.erase(stream->first);
  streams_.erase(stream);
  pay(0, owed_, 65'535 + windows_.connection_more);
}

void H2End::pay(std::uint32_t number, std::uint32_t& owed, std::uint32_t window) {
  if (owed == 0 || withheld_.contains(number)) return;
  if (number == 0) {
    // nghttp2 adds what comes on streams that were reset, and says it when that is half of all.
    nghttp2_session_consume_connection(session_, std::exchange(owed, 0));
    return;
  }
  if (windows_.in_lumps && owed < window / 2) return;
  nghttp2_submit_window_update(session_, NGHTTP2_FLAG_NONE, static_cast<std::int32_t>(number),
                               static_cast<std::int32_t>(std::exchange(owed, 0)));
}

void H2End::give_back(std::uint32_t number) {
  withheld_.erase(number);
  if (const auto stream = streams_.find(number); stream != streams_.end()) {
    owed_ += std::exchange(stream->second.held, 0);
    pay(number, stream->second.owed, 0);
  }
  pay(0, owed_, 0);
}

void H2End::widen() {
  const H2Windows wide = H2Windows::wide();
  withheld_.clear();
  windows_.in_lumps = true;
  if (windows_.stream < wide.stream) resize(wide.stream);
  if (windows_.connection_more < wide.connection_more) {
    const std::uint32_t more =
        wide.connection_more - std::exchange(windows_.connection_more, wide.connection_more);
    nghttp2_submit_window_update(session_, NGHTTP2_FLAG_NONE, 0, static_cast<std::int32_t>(more));
  }
  for (const auto& [number, stream] : streams_) give_back(number);
  give_back(0);
}

}  // namespace fanfare::sim
