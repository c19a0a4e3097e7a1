#include "broker/wire/h1/chunked_decoder.h"

#include <algorithm>

#include "broker/wire/http/characters.h"

#include "common/check.h"
#include "common/hex.h"

namespace fanfare::h1 {

namespace {

// 16 digits are 64 bits: a longer size overflows or hides behind zeros.
constexpr std::uint8_t kSizeDigitsMax = 16;

}  // namespace

void ChunkedDecoder::reset() {
  state_ = State::size_start;
  digits_ = 0;
  extension_bytes_ = trailer_bytes_ = 0;
  chunk_left_ = body_bytes_ = 0;
  refusal_ = {};
}

bool ChunkedDecoder::refuse(int status, std::string_view reason) {
  refusal_ = {.status = status, .reason = reason};
  state_ = State::refused;
  return false;
}

Step ChunkedDecoder::step(std::string_view input) {
  CHECK(state_ != State::complete, "a chunked body ends once; reset() begins the next");
  if (state_ == State::refused) return {.kind = Step::Kind::refused};
  std::size_t at = 0;
  for (; at < input.size(); ++at) {
    if (state_ == State::data) {
      const std::size_t size =
          static_cast<std::size_t>(std::min<std::uint64_t>(chunk_left_, input.size() - at));
      chunk_left_ -= size;
      if (chunk_left_ == 0) state_ = State::data_carriage_return;
      return {.kind = Step::Kind::body, .consumed = at + size, .body = input.substr(at, size)};
    }
    if (!take(input[at])) return {.kind = Step::Kind::refused, .consumed = at};
    if (state_ == State::complete) return {.kind = Step::Kind::end, .consumed = at + 1};
  }
  return {.kind = Step::Kind::more, .consumed = at};
}

bool ChunkedDecoder::take(char c) {
  switch (state_) {
    case State::size_start:
    case State::size:
      return take_size(c);
    case State::extension_due:
    case State::extension_name_start:
    case State::extension_name:
    case State::extension_name_space:
    case State::extension_value_start:
    case State::extension_value:
    case State::extension_quoted:
    case State::extension_quoted_pair:
    case State::extension_end:
      if (c != '\r' && ++extension_bytes_ > limits_->chunk_extension_bytes) {
        return refuse(413, "the chunk extensions are too long");
      }
      return state_ == State::extension_quoted || state_ == State::extension_quoted_pair
                 ? take_quoted(c)
                 : take_extension(c);
    case State::size_line_feed:
    case State::data_carriage_return:
    case State::data_line_feed:
      return take_line_end(c);
    default:
      return take_trailer(c);
  }
}

bool ChunkedDecoder::take_size(char c) {
  if (const int digit = hex_value(c); digit >= 0) {
    if (++digits_ > kSizeDigitsMax) return refuse(400, "a chunk size has too many digits");
    chunk_left_ = chunk_left_ * 16 + static_cast<unsigned>(digit);
    // The limit may have been lowered since the chunks before this one.
    if (chunk_left_ > limits_->body_bytes - std::min(body_bytes_, limits_->body_bytes)) {
      refuse(413, "the body is larger than this server accepts");
      refusal_.limit = http::Limit::body_bytes;
      return false;
    }
    state_ = State::size;
    return true;
  }
  if (state_ == State::size_start) {
    return refuse(400, "a chunk must begin with its size in hexadecimal digits");
  }
  if (lenient()) extension_bytes_ = 0;
  return take_extension(c);
}

// chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS ( token / quoted-string ) ] ). Here: the
// byte behind an element of it, or behind the size.
bool ChunkedDecoder::take_extension(char c) {
  switch (state_) {
    case State::extension_name_start:
    case State::extension_value_start:
      return take_extension_token(c);
    case State::extension_name:
    case State::extension_value:
      if (http::is(c, http::kToken)) return true;
      break;
    default:
      break;
  }
  const bool behind_name = state_ == State::extension_name || state_ == State::extension_name_space;
  if (c == ';') {
    state_ = State::extension_name_start;
  } else if (c == '=' && behind_name) {
    state_ = State::extension_value_start;
  } else if (http::is(c, http::kWhitespace)) {
    state_ = behind_name ? State::extension_name_space : State::extension_due;
  } else {
    return end_size_line(c);
  }
  return true;
}

bool ChunkedDecoder::take_extension_token(char c) {
  const bool value = state_ == State::extension_value_start;
  if (http::is(c, http::kWhitespace)) return true;
  if (http::is(c, http::kToken)) {
    state_ = value ? State::extension_value : State::extension_name;
    return true;
  }
  if (c == '"' && value) {
    state_ = State::extension_quoted;
    return true;
  }
  return refuse(400, "a chunk extension must be `;name` or `;name=value`");
}

bool ChunkedDecoder::end_size_line(char c) {
  const bool blank_before = state_ == State::extension_due || state_ == State::extension_name_space;
  if (c == '\n' && lenient()) return begin_data();
  if (c != '\r' || (blank_before && !lenient())) {
    return refuse(400, "a chunk size must be followed by CR LF, or by an extension `;name=value`");
  }
  state_ = State::size_line_feed;
  return true;
}

bool ChunkedDecoder::take_quoted(char c) {
  if (!http::is(c, http::kFieldText))
    return refuse(400, "a control character in a chunk extension");
  if (state_ == State::extension_quoted_pair) {
    state_ = State::extension_quoted;
  } else if (c == '\\') {
    state_ = State::extension_quoted_pair;
  } else if (c == '"') {
    state_ = State::extension_end;
  }
  return true;
}

bool ChunkedDecoder::begin_data() {
  body_bytes_ += chunk_left_;
  state_ = chunk_left_ == 0 ? State::trailer : State::data;
  digits_ = 0;
  return true;
}

bool ChunkedDecoder::take_line_end(char c) {
  if (state_ == State::size_line_feed) {
    return c == '\n' ? begin_data() : refuse(400, "a CR without LF after a chunk size");
  }
  if (state_ == State::data_carriage_return && c == '\r') {
    state_ = State::data_line_feed;
    return true;
  }
  if (c == '\n' && (state_ == State::data_line_feed || lenient())) {
    state_ = State::size_start;
    return true;
  }
  return refuse(400, "a chunk is not followed by CR LF: it is longer than its size");
}

bool ChunkedDecoder::take_trailer(char c) {
  if (++trailer_bytes_ > limits_->trailer_bytes) return refuse(431, "the trailers are too long");
  if (c == '\n' && lenient() && state_ != State::trailer_name) {
    const bool last = state_ == State::trailer || state_ == State::last_line_feed;
    state_ = last ? State::complete : State::trailer;
    return true;
  }
  switch (state_) {
    case State::trailer:
      if (c == '\r')
        state_ = State::last_line_feed;
      else if (http::is(c, http::kToken))
        state_ = State::trailer_name;
      else
        return refuse(400, "a trailer must begin with a name");
      return true;
    case State::trailer_name:
      if (c == ':')
        state_ = State::trailer_value;
      else if (!http::is(c, http::kToken))
        return refuse(400, "a trailer must be `name: value`");
      return true;
    case State::trailer_value:
      if (c == '\r')
        state_ = State::trailer_line_feed;
      else if (!http::is(c, http::kFieldText))
        return refuse(400, "a control character in a trailer");
      return true;
    default:
      if (c != '\n') return refuse(400, "a CR without LF in the trailers");
      state_ = state_ == State::last_line_feed ? State::complete : State::trailer;
      return true;
  }
}

}  // namespace fanfare::h1
