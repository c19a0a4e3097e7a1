#include "broker/server/sockets/access_book.h"

#include <fmt/format.h>

#include <algorithm>

#include "broker/server/sockets/client.h"
#include "broker/wire/http/query.h"

#include "common/json_text.h"
#include "common/utc_text.h"

namespace fanfare::server {
namespace {

// Everything that a client chooses is cut: a line has at most some 2 KB.
constexpr std::size_t kMethodMax = 16;
constexpr std::size_t kPathMax = 256;
constexpr std::size_t kQueryMax = 512;
constexpr std::size_t kFieldMax = 256;  // User-Agent, Origin
constexpr std::size_t kTopicsMax = 10;
constexpr std::size_t kTopicsBytesMax = 512;

void append_text(std::string& out, std::string_view member, std::string_view text,
                 std::size_t most) {
  if (text.empty()) return;
  out += member;
  if (text.size() <= most) return append_json_string(out, text);
  append_json_string(out, std::string(text.substr(0, most)) + "...");
}

// The values go, however the names are spelt.
std::string without_secrets(std::string_view query, std::string_view token) {
  const std::string left = http::query_without(query, {token, "token", "ticket"});
  const bool all = left.size() == query.size();
  return all ? left : left + (left.empty() ? "(a token or ticket)" : "&(a token or ticket)");
}

}  // namespace

AccessLine AccessBook::answered(const AccessLine& asked, const Request& request, int status) const {
  AccessLine line{.text = {}, .began = asked.began};
  if (!on()) return line;
  const http::RequestHead& head = request.head;
  std::string& text = line.text;
  text = fmt::format(R"({{"time":"{}")", utc_text(clock_()));
  // A peer behind a Unix socket has no address, and is called what [fronts] trusted calls it.
  const PackedAddress client = client_of(request, settings_).address;
  const bool local = request.peer != nullptr && !client.known();
  append_text(text, R"(,"client":)", local ? "unix:" : client.host(), kFieldMax);
  append_text(text, R"(,"method":)", head.method_text, kMethodMax);
  append_text(text, R"(,"path":)", head.path, kPathMax);
  append_text(text, R"(,"query":)", without_secrets(head.query, settings_->token.query), kQueryMax);
  if (status != 0) text += fmt::format(R"(,"status":{})", status);
  append_text(text, R"(,"agent":)", head.value("user-agent"), kFieldMax);
  append_text(text, R"(,"origin":)", head.value("origin"), kFieldMax);
  return line;
}

void AccessBook::finish(AccessLine line, std::uint64_t bytes, std::string_view end) {
  if (line.text.empty()) return;
  if (bytes != 0) line.text += fmt::format(R"(,"bytes":{})", bytes);
  const double seconds = fractional_seconds(now_ - line.began);
  line.text += fmt::format(R"(,"seconds":{:.3f},"end":"{}"}})", seconds, end);
  line.text += '\n';
  write(line.text);
}

void AccessBook::stream_began(std::uint32_t member, AccessLine line,
                              const std::vector<std::string>& topics, std::string_view subject) {
  if (line.text.empty()) return;
  append_text(line.text, R"(,"subject":)", subject, kFieldMax);
  line.text += R"(,"channels":[)";
  std::size_t bytes = 0;
  std::size_t count = 0;
  for (const std::string& topic : topics) {
    bytes += topic.size();
    if (count == kTopicsMax || bytes > kTopicsBytesMax) break;
    if (count++ > 0) line.text += ',';
    append_json_string(line.text, topic);
  }
  line.text += ']';
  if (count < topics.size()) {
    line.text += fmt::format(R"(,"more_channels":{})", topics.size() - count);
  }
  line.text.shrink_to_fit();
  streams_[member] = std::move(line);
}

void AccessBook::stream_ended(std::uint32_t member, std::string_view end) {
  if (streams_.empty()) return;
  auto stream = streams_.extract(member);
  if (!stream.empty()) finish(std::move(stream.mapped()), 0, end);
}

// Out of the line that waits: within a text, quotes are escaped, so this stands nowhere else.
std::string AccessBook::agent_of(std::uint32_t member) const {
  constexpr std::string_view kMember = R"(,"agent":")";
  const auto stream = streams_.find(member);
  if (stream == streams_.end()) return {};
  const std::string& text = stream->second.text;
  std::size_t at = text.find(kMember);
  if (at == std::string::npos) return {};
  std::string agent;
  for (at += kMember.size(); at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
    agent += text[at];
  }
  return agent;
}

void AccessBook::write(std::string_view line) {
  if (lines_.size() + line.size() > settings_->access.buffer) {
    ++left_out_;
    ++counters_.access_lines_left_out_total;
    return;
  }
  if (left_out_ > 0) lines_ += fmt::format("{{\"left_out\":{}}}\n", std::exchange(left_out_, 0));
  lines_ += line;
  ++counters_.access_lines_total;
}

void AccessBook::hand_over() {
  if (lines_.empty() || sink_ == nullptr) return;
  sink_->take(shard_, lines_);
}

}  // namespace fanfare::server
