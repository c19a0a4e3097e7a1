#include "broker/wire/ingest/ndjson_line.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <utility>

#include "broker/wire/ingest/json_text.h"
#include "broker/wire/ingest/text.h"

#include "common/quotable.h"
#include "common/utf8.h"

namespace fanfare::ingest {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr std::size_t kChannelsMax = 128;   // of one line; each is an event
constexpr std::size_t kReferenceMax = 256;  // bytes of "ref"
constexpr std::size_t kDepthMax = 128;      // of data: what is walked by recursion
constexpr std::size_t kCapacityMin = 1024;  // of the parser; grows by doubling
constexpr std::string_view kBlanks = " \t\r";
constexpr std::string_view kFollows = "there is more after the object: write one object per line";

enum Name : std::size_t {
  channel,
  data,
  event,
  retry,
  id,
  key,
  ref,
  op,
  channels,
  expires,
  sub,
  life,
  token,  // of auth
  limit,
  after,
};
constexpr std::array<std::string_view, 15> kNames = {
    "channel",  "data",    "event", "retry", "id",    "key",   "ref",  "op",
    "channels", "expires", "sub",   "life",  "token", "limit", "after"};
constexpr unsigned bit(Name name) {
  return 1U << name;
}
// What an operation may have in addition to "op" and "ref".
constexpr unsigned kOfPublish =
    bit(channel) | bit(data) | bit(event) | bit(retry) | bit(id) | bit(key);

struct Operation {
  std::string_view name;
  LineRequest::Op op;
  unsigned takes;  // in addition to op and ref
};
constexpr auto kOperations = std::to_array<Operation>({
    {"publish", LineRequest::Op::publish, kOfPublish},
    {"finish", LineRequest::Op::finish, bit(channel)},
    {"delete", LineRequest::Op::erase, bit(channel)},
    {"info", LineRequest::Op::report, bit(channel)},
    {"watch", LineRequest::Op::watch, bit(channel) | bit(channels)},
    {"subscribers", LineRequest::Op::subscribers, bit(channel) | bit(limit) | bit(after)},
    {"ticket", LineRequest::Op::ticket,
     bit(channel) | bit(channels) | bit(expires) | bit(sub) | bit(life)},
    {"auth", LineRequest::Op::auth, bit(token)},
});

std::string_view without_blanks_behind(std::string_view text) {
  const std::size_t last = text.find_last_not_of(" \t\r\n");
  return last == std::string_view::npos ? std::string_view{} : text.substr(0, last + 1);
}

}  // namespace

struct NdjsonLine::Impl {
  ondemand::parser parser;
  ondemand::document document;
  std::string padded;  // the line, when it lies too close to the end of what may be read
  std::string_view line;
  LineRequest request;
  std::string problem;
  std::string default_channel;
  std::string_view operation;
  bool for_ticket = false;  // what a line without "op" is
  unsigned seen = 0;        // names, as bits

  void forget();
  bool parse(std::string_view text, std::size_t readable);
  bool read_fields(ondemand::object object);
  bool read_field(ondemand::field& field);
  bool read_value(Name name, ondemand::value& value);
  bool read_channels(Name name, ondemand::value& value);
  bool read_string(Name name, ondemand::value& value, std::string_view& text);
  bool read_data(ondemand::value& value);
  bool read_retry(ondemand::value& value);
  bool read_reference(ondemand::value& value);
  bool read_limit(ondemand::value& value);
  bool read_after(ondemand::value& value);
  bool check_value(ondemand::value& value, std::size_t depth);
  bool check_string(std::string_view token);
  bool check_text(std::string_view raw);
  bool check_key(const ondemand::field& field);
  bool check_meaning();
  bool check_ticket();

  // The first problem counts. note(): go on, to find "ref"; stop(): nothing after it can be read.
  void note(std::size_t column, std::string sentence);
  bool stop(std::size_t column, std::string sentence);
  bool stop_at_syntax(simdjson::error_code error);
  bool stop_at_bytes(simdjson::error_code error);

  // Counted in bytes from 1.
  std::size_t column_of(const char* place) const {
    return static_cast<std::size_t>(place - line.data()) + 1;
  }
  std::size_t column_of(std::string_view token) const { return column_of(&token.front()); }
};

void NdjsonLine::Impl::note(std::size_t column, std::string sentence) {
  if (!problem.empty()) return;
  problem = std::move(sentence);
  if (column != 0) problem += fmt::format(" (column {})", column);
}

bool NdjsonLine::Impl::stop(std::size_t column, std::string sentence) {
  note(column, std::move(sentence));
  return false;
}

// simdjson's first pass sees bytes, not places.
bool NdjsonLine::Impl::stop_at_bytes(simdjson::error_code error) {
  if (error == simdjson::UTF8_ERROR) {
    const std::size_t at = utf8_prefix_size(line);
    return stop(at + 1, fmt::format("not UTF-8: byte 0x{:02x}; publish binary as base64",
                                    static_cast<unsigned char>(line[at])));
  }
  const std::size_t at = broken_string(line);
  if (error == simdjson::UNESCAPED_CHARS && at != std::string_view::npos) {
    return stop(at + 1, fmt::format("control character 0x{:02x} inside a string: write it as an "
                                    "escape",
                                    static_cast<unsigned char>(line[at])));
  }
  if (error == simdjson::UNCLOSED_STRING && at != std::string_view::npos) {
    return stop(at + 1, "the string that begins here is not closed on this line");
  }
  return stop(1, fmt::format("not JSON: {}", simdjson::error_message(error)));
}

bool NdjsonLine::Impl::stop_at_syntax(simdjson::error_code error) {
  const char* place = nullptr;
  if (error == simdjson::INCOMPLETE_ARRAY_OR_OBJECT) {
    // simdjson reports this for everything whose last character is not a brace.
    const std::size_t behind = line.find_first_not_of(kBlanks, object_size(line));
    if (behind != std::string_view::npos) return stop(behind + 1, std::string(kFollows));
  }
  if (error == simdjson::INCOMPLETE_ARRAY_OR_OBJECT ||
      document.current_location().get(place) != simdjson::SUCCESS) {
    return stop(line.size() + 1, "not a JSON object: the line ends too early");
  }
  const std::size_t column = std::min(column_of(place), line.size() + 1);
  return stop(column, "not a JSON object: this is not allowed here");
}

void NdjsonLine::Impl::forget() {
  request.op = LineRequest::Op::publish;
  request.channels.clear();
  request.type = request.data = request.key = request.idempotency_key = {};
  request.reference = operation = {};
  request.subject = request.expires = request.life = request.token = {};
  request.limit = kRollDefault;
  request.after = {};
  request.retry_ms.reset();
  problem.clear();
  seen = 0;
}

bool NdjsonLine::Impl::parse(std::string_view text, std::size_t readable) {
  forget();
  line = text;
  if (readable < text.size() + kPadding) {
    padded.assign(text);
    padded.append(kPadding, ' ');
    line = std::string_view(padded).substr(0, text.size());
    readable = padded.size();
  }
  const std::size_t first = line.find_first_not_of(kBlanks);
  if (line[first] == '[') {
    return stop(first + 1, "a line must be one object, not an array: write one {...} per line");
  }
  if (line.substr(first).starts_with(kUtf8Mark)) {
    return stop(first + 1,
                "this line begins with a byte order mark: only the first line may have one");
  }
  if (line[first] != '{') {
    return stop(first + 1,
                R"(a line must be one JSON object, as in {"channel":"c","data":"hello"})");
  }
  if (parser.capacity() < line.size() &&
      parser.allocate(std::bit_ceil(std::max(line.size(), kCapacityMin))) != simdjson::SUCCESS) {
    return stop(0, "out of memory");
  }
  if (const simdjson::error_code error =
          parser.iterate(line.data(), line.size(), readable).get(document)) {
    return stop_at_bytes(error);
  }
  ondemand::object object;
  if (const simdjson::error_code error = document.get_object().get(object))
    return stop_at_syntax(error);
  return read_fields(object) && check_meaning();
}

bool NdjsonLine::Impl::read_fields(ondemand::object object) {
  for (auto result : object) {
    ondemand::field field;
    if (const simdjson::error_code error = std::move(result).get(field))
      return stop_at_syntax(error);
    if (!read_field(field)) return false;
  }
  const char* behind = nullptr;
  if (document.current_location().get(behind) == simdjson::SUCCESS) {
    return stop(column_of(behind), std::string(kFollows));
  }
  return true;
}

bool NdjsonLine::Impl::read_field(ondemand::field& field) {
  const char* raw = field.key().raw();
  std::string_view name(raw, line.data() + line.size());
  name = name.substr(0, name.find('"'));
  const std::size_t column = column_of(raw) - 1;  // of the quote
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (name != kNames[i]) continue;
    const auto known = static_cast<Name>(i);
    if ((seen & bit(known)) != 0) {
      note(column, fmt::format("\"{}\" occurs twice", name));
      return true;
    }
    seen |= bit(known);
    return read_value(known, field.value());
  }
  note(column,
       fmt::format(
           "unknown field \"{}\": the fields are channel, data, event, retry, id, key, ref, op",
           quotable(name)));
  return true;
}

bool NdjsonLine::Impl::read_value(Name name, ondemand::value& value) {
  switch (name) {
    case Name::channel:
    case Name::channels:
      return read_channels(name, value);
    case Name::data:
      return read_data(value);
    case Name::event:
      return read_string(name, value, request.type);
    case Name::retry:
      return read_retry(value);
    case Name::id:
      return read_string(name, value, request.idempotency_key);
    case Name::key:
      return read_string(name, value, request.key);
    case Name::ref:
      return read_reference(value);
    case Name::op:
      return read_string(name, value, operation);
    case Name::expires:
      return read_string(name, value, request.expires);
    case Name::sub:
      return read_string(name, value, request.subject);
    case Name::life:
      return read_string(name, value, request.life);
    case Name::token:
      return read_string(name, value, request.token);
    case Name::limit:
      return read_limit(value);
    case Name::after:
      return read_after(value);
  }
  return true;
}

bool NdjsonLine::Impl::read_channels(Name key, ondemand::value& value) {
  const std::string_view token = value.raw_json_token();
  if (token[0] != '[') {
    std::string_view name;
    if (!read_string(key, value, name)) return false;
    request.channels.push_back(name);
    return true;
  }
  ondemand::array array;
  if (const simdjson::error_code error = value.get_array().get(array)) return stop_at_syntax(error);
  for (auto result : array) {
    ondemand::value element;
    if (const simdjson::error_code error = std::move(result).get(element))
      return stop_at_syntax(error);
    std::string_view name;
    if (!read_string(key, element, name)) return false;
    if (request.channels.size() == kChannelsMax) {
      note(column_of(token), fmt::format("more than {} channels", kChannelsMax));
    } else {
      request.channels.push_back(name);
    }
  }
  if (request.channels.empty())
    note(column_of(token), fmt::format("\"{}\" is an empty array", kNames[key]));
  return true;
}

// simdjson has made sure that it is closed, UTF-8 and without control characters. A string without
// escapes is not copied.
bool NdjsonLine::Impl::read_string(Name name, ondemand::value& value, std::string_view& text) {
  const std::string_view raw = value.raw_json_token();
  const std::string_view token = without_blanks_behind(raw);
  if (token[0] != '"') {
    note(column_of(token), fmt::format("\"{}\" must be a string", kNames[name]));
    return true;
  }
  if (!check_text(raw)) return false;
  const std::string_view inside = token.substr(1, token.size() - 2);
  if (inside.find('\\') == std::string_view::npos) {
    text = inside;
    return true;
  }
  if (const simdjson::error_code error = value.get_string().get(text)) return stop_at_syntax(error);
  return true;
}

bool NdjsonLine::Impl::check_string(std::string_view token) {
  if (token.size() < 2 || token.back() != '"') {
    return stop(column_of(token), "this string is not closed");
  }
  const std::size_t bad = bad_escape(token.substr(1, token.size() - 2));
  if (bad == std::string_view::npos) return true;
  return stop(column_of(token) + 1 + bad,
              R"(not a JSON escape, or half a surrogate pair (such as \ud83d alone), which is )"
              "not a character");
}

// A string that is a value. simdjson takes an unread one as a key if a colon follows, and skips
// what comes after it.
bool NdjsonLine::Impl::check_text(std::string_view raw) {
  if (!check_string(without_blanks_behind(raw))) return false;
  if (*raw.end() != ':') return true;  // of the next token; the line is padded
  return stop(column_of(raw.end()),
              "unexpected colon after a value: a comma or the end must follow");
}

bool NdjsonLine::Impl::check_key(const ondemand::field& field) {
  const char* raw = field.key().raw();
  const std::string_view rest(raw, line.data() + line.size());
  std::size_t end = 0;
  while (rest[end] != '"') end += rest[end] == '\\' ? 2 : 1;  // simdjson saw that it is closed
  return check_string({raw - 1, end + 2});
}

// A string is the data itself; anything else is forwarded as it was written, and so must be walked
// to its end, because simdjson checks only what is read.
bool NdjsonLine::Impl::read_data(ondemand::value& value) {
  const std::string_view token = value.raw_json_token();
  if (token[0] == '"') return read_string(Name::data, value, request.data);
  const bool container = token[0] == '{' || token[0] == '[';
  if (!check_value(value, 1)) return false;
  if (!container) {
    request.data = without_blanks_behind(token);
    return true;
  }
  const char* next = nullptr;
  if (const simdjson::error_code error = document.current_location().get(next))
    return stop_at_syntax(error);
  request.data = without_blanks_behind(std::string_view(token.begin(), next));
  return true;
}

bool NdjsonLine::Impl::check_value(ondemand::value& value, std::size_t depth) {
  const std::string_view raw = value.raw_json_token();
  const std::string_view token = without_blanks_behind(raw);
  if (depth > kDepthMax) {
    return stop(column_of(token),
                fmt::format("data is nested more than {} levels deep", kDepthMax));
  }
  if (token[0] == '"') return check_text(raw);
  if (token[0] == '{') {
    ondemand::object object;
    if (const simdjson::error_code error = value.get_object().get(object))
      return stop_at_syntax(error);
    for (auto result : object) {
      ondemand::field field;
      if (const simdjson::error_code error = std::move(result).get(field))
        return stop_at_syntax(error);
      if (!check_key(field)) return false;
      if (!check_value(field.value(), depth + 1)) return false;
    }
    return true;
  }
  if (token[0] == '[') {
    ondemand::array array;
    if (const simdjson::error_code error = value.get_array().get(array))
      return stop_at_syntax(error);
    for (auto result : array) {
      ondemand::value element;
      if (const simdjson::error_code error = std::move(result).get(element))
        return stop_at_syntax(error);
      if (!check_value(element, depth + 1)) return false;
    }
    return true;
  }
  if (is_json_number(token) || is_json_literal(token)) return true;
  return stop(column_of(token), "not a JSON value; if it is a string, put it in double quotes");
}

bool NdjsonLine::Impl::read_retry(ondemand::value& value) {
  const std::string_view token = without_blanks_behind(value.raw_json_token());
  request.retry_ms = parse_retry(token);
  if (!request.retry_ms) {
    note(column_of(token), R"("retry" must be a number of milliseconds, as in 2000)");
  }
  return true;
}

bool NdjsonLine::Impl::read_limit(ondemand::value& value) {
  const std::string_view token = without_blanks_behind(value.raw_json_token());
  const auto [stop, error] = std::from_chars(token.begin(), token.end(), request.limit);
  if (error != std::errc{} || stop != token.end() || request.limit > kRollMax) {
    note(column_of(token), fmt::format("\"limit\" must be a number up to {}", kRollMax));
  }
  return true;
}

bool NdjsonLine::Impl::read_after(ondemand::value& value) {
  const std::string_view token = value.raw_json_token();
  std::string_view text;
  if (!read_string(Name::after, value, text)) return false;
  if (const auto place = RollPlace::parse(text)) {
    request.after = *place;
  } else {
    note(column_of(token), R"("after" must be the "next" of the page before)");
  }
  return true;
}

bool NdjsonLine::Impl::read_reference(ondemand::value& value) {
  const std::string_view raw = value.raw_json_token();
  const std::string_view token = without_blanks_behind(raw);
  const bool text = token[0] == '"';
  if (text && !check_text(raw)) return false;
  if (!text && !is_json_number(token)) {
    note(column_of(token), R"("ref" must be a string or a number)");
  } else if (token.size() > kReferenceMax) {
    note(column_of(token), fmt::format("\"ref\" has more than {} bytes", kReferenceMax));
  } else {
    request.reference = token;
  }
  return true;
}

// All fields are read. Reports what is missing or too much.
bool NdjsonLine::Impl::check_meaning() {
  if (!problem.empty()) return false;
  unsigned takes = kOfPublish;
  if (for_ticket && (seen & bit(Name::op)) == 0) operation = "ticket";
  if (!operation.empty() || (seen & bit(Name::op)) != 0) {
    const auto* found = std::ranges::find(kOperations, operation, &Operation::name);
    if (found == kOperations.end()) {
      return stop(0, fmt::format("unknown op \"{}\": the ops are publish, finish, delete, info, "
                                 "watch, subscribers, ticket and auth",
                                 quotable(operation)));
    }
    request.op = found->op;
    takes = found->takes;
  }
  const unsigned excess = seen & ~(takes | bit(Name::op) | bit(Name::ref));
  if (excess != 0) {
    const auto name = static_cast<std::size_t>(std::countr_zero(excess));
    return stop(0, fmt::format("\"{}\" is not allowed with \"op\":\"{}\"", kNames[name],
                               operation.empty() ? "publish" : operation));
  }
  if ((seen & bit(Name::channel)) != 0 && (seen & bit(Name::channels)) != 0) {
    return stop(0, R"("channel" and "channels" mean the same: give only one)");
  }
  if (request.op == LineRequest::Op::ticket) return check_ticket();
  if (request.op == LineRequest::Op::auth && request.token.empty()) {
    return stop(0, R"("token" is missing: the publisher's token)");
  }
  if (request.op == LineRequest::Op::watch) return true;
  const bool needs_channel =
      request.op != LineRequest::Op::report && request.op != LineRequest::Op::auth;
  if (needs_channel && request.channels.empty()) {
    if (default_channel.empty()) return stop(0, R"("channel" is missing)");
    request.channels.push_back(default_channel);
  }
  if (request.op != LineRequest::Op::publish) {
    if (request.channels.size() <= 1) return true;
    return stop(0, fmt::format("\"op\":\"{}\" accepts only one channel", operation));
  }
  if ((seen & bit(Name::key)) != 0 && request.key.empty()) {
    return stop(0, R"("key" is empty: name what this is the latest value of, or leave it out)");
  }
  if ((seen & bit(Name::data)) == 0 && request.key.empty()) {
    return stop(
        0, R"("data" is missing: browsers drop an event without data; for an empty event, write )"
           R"("data":"")");
  }
  return true;
}

bool NdjsonLine::Impl::check_ticket() {
  if (!request.channels.empty()) return true;
  return stop(0, R"("channels" is missing: those that the ticket grants, as in ["chat/1"])");
}

NdjsonLine::NdjsonLine(std::string_view default_channel) : impl_(std::make_unique<Impl>()) {
  impl_->default_channel = default_channel;
}
NdjsonLine::~NdjsonLine() = default;

bool NdjsonLine::parse(std::string_view line, std::size_t readable) {
  return impl_->parse(line, readable);
}
bool NdjsonLine::parse_ticket(std::string_view body) {
  // Inside a string a line feed is an error, written as it is; outside it is a blank.
  std::string line(body);
  std::ranges::replace(line, '\n', ' ');
  if (line.find_first_not_of(kBlanks) == std::string::npos) line = "{}";
  impl_->for_ticket = true;
  return impl_->parse(line, 0);  // copied: the request's views are of that
}
void NdjsonLine::forget() {
  impl_->forget();
}
const LineRequest& NdjsonLine::request() const {
  return impl_->request;
}
const std::string& NdjsonLine::problem() const {
  return impl_->problem;
}

}  // namespace fanfare::ingest
