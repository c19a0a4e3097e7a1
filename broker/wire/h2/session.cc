#include "broker/wire/h2/session.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "broker/wire/h2/session_callbacks.h"

#include "common/check.h"

namespace fanfare::h2 {
namespace {

// What nghttp2 bounds as well is set above our own bounds, which say why.
constexpr std::uint64_t kResetBurst = 10'000;
constexpr std::uint64_t kResetRate = 1'000;
constexpr std::size_t kUnreadAcks = 200;
constexpr std::size_t kContinuations = 128;
constexpr std::size_t kSettingsEntries = 32;

void check(int result, const char* what) {
  CHECK(result == 0 || result == NGHTTP2_ERR_NOMEM, what);
}

nghttp2_option* make_option() {
  nghttp2_option* option = nullptr;
  check(nghttp2_option_new(&option), "memory");
  // Our heads are alike, and short: each is written without a table to be kept for it.
  nghttp2_option_set_max_deflate_dynamic_table_size(option, 0);
  nghttp2_option_set_stream_reset_rate_limit(option, kResetBurst, kResetRate);
  nghttp2_option_set_max_outbound_ack(option, kUnreadAcks);
  nghttp2_option_set_max_continuations(option, kContinuations);
  nghttp2_option_set_max_settings(option, kSettingsEntries);
  // RFC 9113 §5.3: priorities have no meaning here, and their tree would be the client's to grow.
  nghttp2_option_set_server_fallback_rfc7540_priorities(option, 0);
  nghttp2_option_set_no_closed_streams(option, 1);
  return option;
}

std::uint8_t* bytes_of(std::string_view text) {
  // nghttp2 only reads them.
  return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text.data()));
}

nghttp2_nv pair_of(std::string_view name, std::string_view value) {
  return {.name = bytes_of(name),
          .value = bytes_of(value),
          .namelen = name.size(),
          .valuelen = value.size(),
          .flags = NGHTTP2_NV_FLAG_NONE};
}

std::int32_t number(StreamId stream) {
  return static_cast<std::int32_t>(stream);
}

}  // namespace

Session::Session(const Options& options, Memory& memory, Reader& reader)
    : options_(options), reader_(reader), heap_(memory) {
  static const nghttp2_option* const kOption = make_option();
  nghttp2_mem functions{.mem_user_data = &heap_,
                        .malloc = Heap::allocate,
                        .free = Heap::release,
                        .calloc = Heap::allocate_zeroed,
                        .realloc = Heap::reallocate};
  const int made =
      nghttp2_session_server_new3(&session_, Callbacks::table(), this, kOption, &functions);
  CHECK(made == 0, "a session is made if there is memory for it");
  const std::array<nghttp2_settings_entry, 3> settings{{
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options.streams_max},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, options.limits.head_bytes},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
  }};
  check(nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size()),
        "settings");
}

Session::~Session() {
  nghttp2_session_del(session_);
}

void Session::read(std::string_view bytes, TimePoint now) {
  if (over_) return;
  gate_.time_is(now);
  while (!over_ && !bytes.empty()) {
    const FrameWatch::Passed passed = watch_.pass(bytes, gate_);
    const ssize_t taken = nghttp2_session_mem_recv(session_, bytes_of(bytes), passed.size);
    bytes.remove_prefix(passed.size);
    if (taken < 0) return fail(static_cast<int>(taken));
    if (passed.flood != Flood::none || passed.invalid) {
      flood_ = passed.flood;
      return fail(NGHTTP2_ERR_PROTO);
    }
    // The client has said GOAWAY, and no stream is left.
    if (nghttp2_session_want_read(session_) == 0) goodbye();
  }
}

// The client has broken the protocol so that nothing after it can be read, or was stopped by us.
void Session::fail(int error) {
  if (flood_ == Flood::none && error == NGHTTP2_ERR_FLOODED) flood_ = Flood::unread_answers;
  if (flood_ == Flood::none && error == NGHTTP2_ERR_TOO_MANY_SETTINGS) flood_ = Flood::settings;
  const bool calm = flood_ != Flood::none;
  over_ = failed_ = true;
  nghttp2_session_terminate_session(session_,
                                    calm ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_PROTOCOL_ERROR);
}

bool Session::admit(Flood kind) {
  if (gate_.admit(kind)) return true;
  if (flood_ == Flood::none) flood_ = kind;
  return false;
}

bool Session::has_output() const {
  return nghttp2_session_want_write(session_) != 0;
}

void Session::write(std::string& out, std::size_t enough) {
  out_ = &out;
  enough_ = enough;
  while (out.size() < enough) {
    const std::uint8_t* frame = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &frame);
    if (size <= 0) {
      if (size < 0) over_ = failed_ = true;
      break;
    }
    out.append(reinterpret_cast<const char*>(frame), static_cast<std::size_t>(size));
  }
  out_ = nullptr;
}

const http::RequestHead& Session::head(StreamId stream) const {
  const auto found = requests_.find(stream);
  CHECK(found != requests_.end(), "a request is there until it is answered");
  return found->second.head();
}

std::size_t Session::head_bytes(StreamId stream) const {
  const auto found = requests_.find(stream);
  return found == requests_.end() ? 0 : found->second.kept_bytes();
}

void Session::go_on(StreamId stream) {
  const nghttp2_nv status = pair_of(":status", "100");
  nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, number(stream), nullptr, &status, 1, nullptr);
}

void Session::answer(StreamId stream, int status, std::span<const http::Field> fields, Body body) {
  std::array<char, 3> digits{};
  std::to_chars(digits.data(), digits.data() + digits.size(), status);
  std::vector<nghttp2_nv> pairs;
  pairs.reserve(fields.size() + 1);
  pairs.push_back(pair_of(":status", {digits.data(), digits.size()}));
  for (const http::Field& field : fields) pairs.push_back(pair_of(field.name, field.value));
  nghttp2_data_provider provider{.source = {.fd = 0}, .read_callback = Callbacks::read_body};
  const bool has_body = body.kind != Body::Kind::none;
  if (body.kind == Body::Kind::whole || body.kind == Body::Kind::broken) {
    Text& text = texts_[stream];
    text.body = std::move(body);
    text.rest = text.body.fixed.empty() ? std::string_view(text.body.text) : text.body.fixed;
  }
  requests_.erase(stream);
  nghttp2_submit_response(session_, number(stream), pairs.data(), pairs.size(),
                          has_body ? &provider : nullptr);
}

std::size_t Session::unsaid(StreamId stream) const {
  const auto found = texts_.find(stream);
  return found == texts_.end() ? 0 : found->second.rest.size();
}

std::size_t Session::offer(StreamId stream, std::string_view bytes, std::string& out,
                           std::size_t enough) {
  offered_stream_ = stream;
  offered_ = bytes;
  nghttp2_session_resume_data(session_, number(stream));
  write(out, enough);
  const std::size_t left = std::exchange(offered_, {}).size();
  offered_stream_ = 0;
  return bytes.size() - left;
}

void Session::finish(StreamId stream) {
  finishing_.push_back(stream);
  nghttp2_session_resume_data(session_, number(stream));
}

void Session::reset(StreamId stream, ErrorCode code) {
  requests_.erase(stream);
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, number(stream),
                            static_cast<std::uint32_t>(code));
}

std::int32_t Session::window(StreamId stream) const {
  return nghttp2_session_get_stream_remote_window_size(session_, number(stream));
}

std::int32_t Session::window() const {
  return nghttp2_session_get_remote_window_size(session_);
}

std::int32_t Session::initial_window() const {
  return static_cast<std::int32_t>(
      nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE));
}

void Session::announce_goodbye() {
  if (!over_) nghttp2_submit_shutdown_notice(session_);
}

void Session::goodbye() {
  if (std::exchange(over_, true)) return;
  nghttp2_session_terminate_session(session_, NGHTTP2_NO_ERROR);
}

}  // namespace fanfare::h2
