#include "broker/config/value.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <limits>
#include <utility>

#include "common/json_text.h"
#include "common/units.h"

namespace fanfare::config {
namespace {

using Result = std::expected<Value, Wrong>;

constexpr std::uint64_t kNoBound = std::numeric_limits<std::uint64_t>::max();

// A number of the key's kind, in the key's own spelling.
std::string spelled_number(const Facts& key, std::uint64_t number) {
  switch (key.kind) {
    case Kind::size:
      return format_size(number);
    case Kind::duration:
      return format_duration(Duration(static_cast<std::int64_t>(number)));
    case Kind::mode:
      return fmt::format("{:04o}", number);
    default:
      return fmt::format("{}", number);
  }
}

std::string or_zero(const Facts& key) {
  return key.zero.empty() ? "" : fmt::format(", or \"{}\"", key.zero);
}

std::string bounds(const Facts& key) {
  if (key.at_most == kNoBound) {
    return key.at_least == 0 ? "" : fmt::format("at least {}", spelled_number(key, key.at_least));
  }
  if (key.at_least == 0) return fmt::format("at most {}", spelled_number(key, key.at_most));
  return fmt::format("{} to {}", spelled_number(key, key.at_least),
                     spelled_number(key, key.at_most));
}

bool allowed(const Facts& key, std::uint64_t number) {
  return number >= key.at_least && number <= key.at_most;
}

std::expected<std::uint64_t, Wrong> within_bounds(const Facts& key, std::uint64_t number) {
  if (allowed(key, number)) return number;
  return std::unexpected(
      Wrong{.what = fmt::format("is {}, which is too {}", spelled_number(key, number),
                                number < key.at_least ? "small" : "large"),
            .remedy = "it must be " + bounds(key) + or_zero(key)});
}

std::string quoted_words(const Facts& key) {
  std::string text;
  for (const std::string_view word : key.words) {
    if (!text.empty()) text += ", ";
    text += fmt::format("\"{}\"", word);
  }
  return text;
}

std::string_view article_and_kind(Kind kind) {
  switch (kind) {
    case Kind::flag:
      return "true or false";
    case Kind::count:
      return "a whole number";
    case Kind::size:
      return "a size with its unit, like \"64KiB\"";
    case Kind::duration:
      return "a duration with its unit, like \"15s\"";
    case Kind::mode:
      return "permissions as an octal string, like \"0660\"";
    case Kind::word:
    case Kind::text:
      return "a string";
    case Kind::texts:
      return "a list of strings, like [\"one\", \"two\"]";
  }
  return {};
}

Result wrong_kind(const Facts& key, std::string_view found) {
  const bool word = key.kind == Kind::word;
  const std::string remedy = word ? "write one of " + quoted_words(key)
                                  : fmt::format("write {}", article_and_kind(key.kind));
  return std::unexpected(
      Wrong{.what = fmt::format("is {}", found), .remedy = remedy + or_zero(key)});
}

// A value that the key takes, written out: what a number without a unit probably meant, or else an
// example.
std::string with_unit(const Facts& key, std::int64_t number) {
  constexpr std::uint64_t kKib = 1024;
  const auto nanoseconds = [](Duration time) { return static_cast<std::uint64_t>(time.count()); };
  std::vector<std::uint64_t> guesses;
  if (number > 0 && number <= std::numeric_limits<std::uint32_t>::max()) {
    const auto count = static_cast<std::uint64_t>(number);
    if (key.kind == Kind::duration) {
      guesses = {nanoseconds(std::chrono::seconds(number)),
                 nanoseconds(std::chrono::milliseconds(number))};
    } else if (count < kKib) {
      guesses = {count * kKib, count, count * kKib * kKib};
    } else {
      guesses = {count, count * kKib};
    }
  }
  guesses.push_back(key.kind == Kind::size ? 64 * kKib : nanoseconds(std::chrono::seconds(15)));
  for (const std::uint64_t guess : guesses) {
    if (allowed(key, guess)) return spelled_number(key, guess);
  }
  return spelled_number(key, key.at_least);
}

// A number without a unit where a unit is required: people disagree about which one is meant.
Result bare_number(const Facts& key, const Node& node) {
  const auto* integer = std::get_if<std::int64_t>(&node.value);
  return std::unexpected(
      Wrong{.what = "is a bare number",
            .remedy = fmt::format("write a {} with its unit, as a string, like \"{}\"",
                                  key.kind == Kind::size ? "size" : "duration",
                                  with_unit(key, integer != nullptr ? *integer : 0))});
}

Result negative(const Facts& key, std::string_view text) {
  return std::unexpected(Wrong{.what = fmt::format("is {}, which is negative", text),
                               .remedy = key.at_most == kNoBound
                                             ? fmt::format("write {} or more", key.at_least)
                                             : fmt::format("it must be {} to {}{}", key.at_least,
                                                           key.at_most, or_zero(key))});
}

bool is_whole_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// As --set writes it.
Result count_of(const Facts& key, std::string_view text) {
  const bool minus = text.starts_with('-');
  const std::string_view digits = text.substr(minus ? 1 : 0);
  if (!is_whole_number(digits)) {
    if (!key.zero.empty() && text == key.zero) return std::uint64_t{0};
    return wrong_kind(key, fmt::format("\"{}\"", text));
  }
  if (minus && digits.find_first_not_of('0') != std::string_view::npos) return negative(key, text);
  std::uint64_t count = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  if (read.ec != std::errc{}) {
    return std::unexpected(Wrong{.what = fmt::format("is {}, which is too large", text),
                                 .remedy = "it must be " + bounds(key) + or_zero(key)});
  }
  return within_bounds(key, count);
}

Result mode_of(const Facts& key, std::string_view text) {
  std::uint64_t mode = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
  if (error != std::errc{} || end != text.data() + text.size()) {
    return wrong_kind(key, fmt::format("\"{}\"", text));
  }
  return within_bounds(key, mode);
}

Result word_of(const Facts& key, std::string_view text) {
  for (std::uint64_t index = 0; index < key.words.size(); ++index) {
    if (key.words[index] == text) return index;
  }
  return wrong_kind(key, fmt::format("\"{}\"", text));
}

Result duration_of(const Facts& key, std::string_view text) {
  const auto parsed = parse_duration(text);
  if (!parsed) return std::unexpected(Wrong{.what = "is wrong: " + parsed.error(), .remedy = {}});
  const auto bounded = within_bounds(key, static_cast<std::uint64_t>(parsed->count()));
  if (!bounded) return std::unexpected(bounded.error());
  return *parsed;
}

Result size_of(const Facts& key, std::string_view text) {
  const auto parsed = parse_size(text);
  if (!parsed) return std::unexpected(Wrong{.what = "is wrong: " + parsed.error(), .remedy = {}});
  return within_bounds(key, *parsed);
}

// As TOML has it: 5.0 is not 5.
std::string spelled_fraction(double fraction) {
  std::string text = fmt::format("{}", fraction);
  if (text.find_first_of(".en") == std::string::npos) text += ".0";
  return text;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) append_json_byte(out, c);  // TOML escapes as JSON does
  return out + '"';
}

// What a string can mean for each kind.
Result value_of_string(const Facts& key, const std::string& text) {
  switch (key.kind) {
    case Kind::count:
      if (!key.zero.empty() && text == key.zero) return std::uint64_t{0};
      if (is_whole_number(text)) {
        return std::unexpected(Wrong{.what = fmt::format("is the string \"{}\"", text),
                                     .remedy = "write it without the quotes: " + text});
      }
      return wrong_kind(key, fmt::format("the string \"{}\"", text));
    case Kind::size:
      return size_of(key, text);
    case Kind::duration:
      return duration_of(key, text);
    case Kind::mode:
      return mode_of(key, text);
    case Kind::word:
      return word_of(key, text);
    case Kind::text:
      if (text.size() >= key.at_least) return text;
      return std::unexpected(Wrong{.what = "is empty", .remedy = {}});
    case Kind::texts:
      return std::unexpected(
          Wrong{.what = "is a string",
                .remedy = fmt::format("write a list of strings: [{}]", quoted(text))});
    default:
      return wrong_kind(key, "a string");
  }
}

Result value_of_integer(const Facts& key, std::int64_t integer, const Node& node) {
  if (key.kind == Kind::size || key.kind == Kind::duration) return bare_number(key, node);
  if (key.kind != Kind::count) return wrong_kind(key, "a number");
  if (integer < 0) return negative(key, fmt::format("{}", integer));
  return within_bounds(key, static_cast<std::uint64_t>(integer));
}

Result list_within_bounds(const Facts& key, std::vector<std::string> texts) {
  if (texts.size() < key.at_least) {
    return std::unexpected(Wrong{.what = "is empty", .remedy = "it needs at least one entry"});
  }
  if (texts.size() > key.at_most) {
    return std::unexpected(Wrong{.what = fmt::format("has {} entries", texts.size()),
                                 .remedy = fmt::format("at most {} are allowed", key.at_most)});
  }
  return texts;
}

Result value_of_list(const Facts& key, const Node::Array& items) {
  if (key.kind != Kind::texts) return wrong_kind(key, "a list");
  std::vector<std::string> texts;
  for (const Node& item : items) {
    const auto* text = std::get_if<std::string>(&item.value);
    if (text == nullptr) return wrong_kind(key, fmt::format("a list with {} in it", item.kind()));
    texts.push_back(*text);
  }
  return list_within_bounds(key, std::move(texts));
}

std::vector<std::string> split_at_commas(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    std::string_view part = text.substr(0, comma);
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    parts.emplace_back(part);
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  }
  return parts;
}

}  // namespace

Result value_of(const Facts& key, const Node& node) {
  if (const Node::Array* items = node.array()) return value_of_list(key, *items);
  if (const auto* text = std::get_if<std::string>(&node.value)) return value_of_string(key, *text);
  if (const auto* integer = std::get_if<std::int64_t>(&node.value)) {
    return value_of_integer(key, *integer, node);
  }
  if (const auto* flag = std::get_if<bool>(&node.value)) {
    if (key.kind == Kind::flag) return *flag;
    return wrong_kind(key, fmt::format("{}", *flag));
  }
  const bool unit = key.kind == Kind::size || key.kind == Kind::duration;
  if (unit && std::holds_alternative<double>(node.value)) return bare_number(key, node);
  if (const auto* fraction = std::get_if<double>(&node.value);
      fraction != nullptr && key.kind == Kind::count) {
    return wrong_kind(key, fmt::format("{}, not a whole number", spelled_fraction(*fraction)));
  }
  return wrong_kind(key, node.kind());
}

Result value_of(const Facts& key, std::string_view text) {
  // Text in quotes or brackets is TOML already.
  if (!text.empty() && (text.front() == '"' || text.front() == '[')) {
    const auto parsed = parse_document(fmt::format("value = {}", text));
    const Node::Table* table = parsed ? parsed->table() : nullptr;
    if (table == nullptr || table->size() != 1) {
      return wrong_kind(key, fmt::format("not TOML: {}", text));
    }
    return value_of(key, table->front().value);
  }
  switch (key.kind) {
    case Kind::flag:
      if (text == "true" || text == "false") return text == "true";
      return wrong_kind(key, fmt::format("\"{}\"", text));
    case Kind::count:
      return count_of(key, text);
    case Kind::texts:
      return list_within_bounds(key, split_at_commas(text));
    default:
      break;
  }
  return value_of_string(key, std::string(text));
}

std::string spelled(const Facts& key, const Value& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* text = std::get_if<std::string>(&value)) return quoted(*text);
  if (const auto* texts = std::get_if<std::vector<std::string>>(&value)) {
    std::string list;
    for (const std::string& text : *texts) list += (list.empty() ? "" : ", ") + quoted(text);
    return '[' + list + ']';
  }
  if (const auto* duration = std::get_if<Duration>(&value))
    return quoted(format_duration(*duration));
  const std::uint64_t number = std::get<std::uint64_t>(value);
  if (key.kind == Kind::word) return quoted(key.words[number]);
  if (key.kind == Kind::count && number == 0 && !key.zero.empty()) return quoted(key.zero);
  const std::string spelling = spelled_number(key, number);
  return key.kind == Kind::count ? spelling : quoted(spelling);
}

std::string described(const Facts& key) {
  switch (key.kind) {
    case Kind::flag:
      return "`true` or `false`";
    case Kind::word: {
      std::string text;
      for (const std::string_view word : key.words) {
        text += fmt::format("{}`\"{}\"`", text.empty() ? "" : ", ", word);
      }
      return text;
    }
    case Kind::text:
      return "string";
    case Kind::texts:
      return "list of strings";
    case Kind::mode:
      return "octal permissions";
    case Kind::count:
    case Kind::size:
    case Kind::duration:
      break;
  }
  std::string text(key.kind == Kind::count  ? "number"
                   : key.kind == Kind::size ? "size"
                                            : "duration");
  const std::string limits = bounds(key);
  if (!limits.empty()) text += ", " + limits;
  if (!key.zero.empty()) text += fmt::format(", or `\"{}\"`", key.zero);
  return text;
}

}  // namespace fanfare::config
