#include "tests/sim/text.h"

#include <fmt/format.h>

#include <cctype>
#include <charconv>
#include <vector>

namespace fanfare::sim {
namespace {

std::string json_text(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (c == '\n') {
      quoted += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      quoted += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

std::string resp_command(const std::vector<std::string_view>& words) {
  std::string command = fmt::format("*{}\r\n", words.size());
  for (const std::string_view word : words)
    command += fmt::format("${}\r\n{}\r\n", word.size(), word);
  return command;
}

// Never PUBLISH: its publisher would not be told where the event lies.
std::string resp_publish_keyed(const Publication& publication, std::string_view channel) {
  std::vector<std::string_view> words = {"XADD", channel, "*"};
  const auto add = [&words](std::string_view field, std::string_view value) {
    words.insert(words.end(), {field, value});
  };
  if (!publication.type.empty()) add("event", publication.type);
  if (!publication.key->empty()) add("key", *publication.key);
  add("data", publication.data);
  return resp_command(words);
}

std::string chunked(std::string_view body, Random& random) {
  std::string chunks;
  while (!body.empty()) {
    const std::size_t size = 1 + random.below(body.size());
    chunks += fmt::format("{:x}\r\n{}\r\n", size, body.substr(0, size));
    body.remove_prefix(size);
  }
  return chunks + "0\r\n\r\n";
}

}  // namespace

std::string http_publish(const Publication& publication, std::string_view channel,
                         std::string_view key, Random& random) {
  std::string query;
  const auto add = [&query](std::string_view name, std::string_view value) {
    query += fmt::format("{}{}={}", query.empty() ? '?' : '&', name, percent_encoded(value, false));
  };
  if (!publication.type.empty()) add("event", publication.type);
  if (!key.empty()) add("id", key);
  std::string fields =
      random.chance(0.5) ? "Content-Type: application/x-www-form-urlencoded\r\n" : "";
  if (publication.key && !publication.key->empty()) {
    if (random.chance(0.5)) {
      add("key", *publication.key);
    } else {
      fields += fmt::format("X-Event-Key: {}\r\n", *publication.key);
    }
  }
  const std::string line = fmt::format("POST /publish/{}{} HTTP/1.1\r\nHost: x\r\n{}",
                                       percent_encoded(channel, random.chance(0.5)), query, fields);
  if (random.chance(0.2))
    return line + "Transfer-Encoding: chunked\r\n\r\n" + chunked(publication.data, random);
  return line + fmt::format("{}Content-Length: {}\r\n\r\n{}",
                            random.chance(0.05) ? "Expect: 100-continue\r\n" : "",
                            publication.data.size(), publication.data);
}

std::string http_batch(std::string_view lines) {
  return fmt::format(
      "POST /publish HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
      "Content-Length: {}\r\n\r\n{}",
      lines.size(), lines);
}

std::string http_control(std::string_view verb, std::string_view channel) {
  if (verb == "finish")
    return fmt::format("POST /finish/{} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
                       percent_encoded(channel, true));
  return fmt::format("DELETE /channels/{} HTTP/1.1\r\nHost: x\r\n\r\n",
                     percent_encoded(channel, true));
}

std::string resp_publish(const Publication& publication, std::string_view channel, Random& random) {
  if (publication.key) return resp_publish_keyed(publication, channel);
  if (!publication.type.empty())
    return resp_command(
        {"XADD", channel, "*", "event", publication.type, "data", publication.data});
  if (random.chance(0.5)) return resp_command({"XADD", channel, "*", "data", publication.data});
  return resp_command({"PUBLISH", channel, publication.data});
}

std::string resp_word(std::string_view word) {
  return resp_command({word});
}

std::string resp_control(std::string_view verb, std::string_view channel) {
  return resp_command({verb == "finish" ? "SSE.FINISH" : "DEL", channel});
}

std::string ndjson_publish(const Publication& publication, std::string_view channel,
                           std::string_view key, Random& random) {
  std::string line = fmt::format("{{\"channel\":{}", json_text(channel));
  if (!publication.type.empty()) line += ",\"event\":" + json_text(publication.type);
  if (!key.empty()) line += ",\"id\":" + json_text(key);
  if (publication.key && !publication.key->empty()) {
    line += ",\"key\":" + json_text(*publication.key);
    if (publication.removes && random.chance(0.5)) return line + "}\n";
  }
  return line + ",\"data\":" + json_text(publication.data) +
         (random.chance(0.2) ? fmt::format(",\"ref\":{}}}\r\n", publication.number) : "}\n");
}

std::string ndjson_control(std::string_view verb, std::string_view channel) {
  return fmt::format("{{\"op\":\"{}\",\"channel\":{}}}\n", verb == "finish" ? "finish" : "delete",
                     json_text(channel));
}

std::string percent_encoded(std::string_view text, bool keep_slash) {
  std::string encoded;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.' || c == '_' ||
        (keep_slash && c == '/')) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

std::optional<std::uint32_t> reference_in(std::string_view answer) {
  constexpr std::string_view kMember = "\"ref\":";
  const std::size_t at = answer.find(kMember);
  if (at == std::string_view::npos) return std::nullopt;
  std::uint32_t number = 0;
  const std::string_view digits = answer.substr(at + kMember.size());
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

std::string escaped_key(std::string_view key) {
  std::string escaped;
  for (const char c : key) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                       std::string_view("._~:@/-").find(c) != std::string_view::npos;
    escaped += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return escaped;
}

std::string removal_text(std::string_view channel, const std::optional<std::string>& key) {
  std::string text = fmt::format("{{\"channel\":{}", json_text(channel));
  if (key) text += ",\"key\":" + json_text(*key);
  return text + '}';
}

std::string excerpt(std::string_view text) {
  std::string shown;
  for (const char c : text.substr(0, 120)) {
    if (c >= ' ' && c <= '~') {
      shown += c;
    } else {
      shown += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  return shown;
}

std::optional<std::string> member_of(std::string_view json, std::string_view name) {
  const std::string key = fmt::format("\"{}\":\"", name);
  const std::size_t at = json.find(key);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view rest = json.substr(at + key.size());
  const std::size_t quote = rest.find('"');
  if (quote == std::string_view::npos) return std::nullopt;
  return std::string(rest.substr(0, quote));
}

}  // namespace fanfare::sim
