#include "broker/server/base/path_template.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace fanfare::server {
namespace {

bool is_path_text(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-._~!$&'()*+,;=:@").find(c) != std::string_view::npos;
}

using Problem = std::string;  // empty: none

// Takes `{name}` off `text`, which begins with its brace.
Problem take_variable(std::string_view& text, PathTemplate& path) {
  const std::size_t end = text.find_first_of("{}/", 1);
  if (end == std::string_view::npos || text[end] != '}') {
    return fmt::format("the brace in \"{}\" is not closed; write a variable like {{room}}", text);
  }
  const std::string_view name = text.substr(1, end - 1);
  text.remove_prefix(end + 1);
  const std::string_view source = name.substr(0, name.find('.'));
  if (source == "query" || source == "token" || source == "connection") {
    return fmt::format(
        "{{{}}} cannot stand in a path: variables of that name are for channels; "
        "choose another",
        name);
  }
  if (!is_variable_name(name)) {
    return fmt::format(
        "\"{{{}}}\" is no variable; its name is made of a-z, 0-9 and _, like {{room}}", name);
  }
  if (std::ranges::find(path.variables, name) != path.variables.end()) {
    return fmt::format("{{{}}} stands twice in it; give each variable a name of its own", name);
  }
  path.variables.emplace_back(name);
  if (path.variables.size() > kPathVariablesMax) {
    return fmt::format("it has more than {} variables", kPathVariablesMax);
  }
  return {};
}

Problem parse_segment(std::string_view text, PathTemplate& path) {
  PathSegment& segment = path.segments.emplace_back();
  segment.texts.emplace_back();
  while (!text.empty()) {
    if (text.front() == '{') {
      if (segment.variables() > 0 && segment.texts.back().empty()) {
        return "two variables stand side by side: where one ends and the next begins is not to be "
               "seen; put a character between them, like {a}-{b}";
      }
      if (Problem problem = take_variable(text, path); !problem.empty()) return problem;
      segment.texts.emplace_back();
      continue;
    }
    if (text.front() == '}') return "it has a } without a {; write a variable like {room}";
    if (!is_path_text(text.front())) {
      return "it contains characters that a path cannot have, or a query";
    }
    segment.texts.back() += text.front();
    text.remove_prefix(1);
  }
  if (segment.texts.front() == "." || segment.texts.front() == "..") {
    if (segment.fixed()) return "it has a segment of dots, which clients take out before they ask";
  }
  return {};
}

std::string_view longer(std::string_view a, std::string_view b) {
  return a.size() < b.size() ? b : a;
}

// A text that both match.
std::string common_text(const PathSegment& a, const PathSegment& b) {
  if (a.fixed()) return a.texts.front();
  if (b.fixed()) return b.texts.front();
  std::string text = fmt::format("{}x", longer(a.texts.front(), b.texts.front()));
  for (const PathSegment* segment : {&a, &b}) {
    for (std::size_t i = 1; i + 1 < segment->texts.size(); ++i) text += segment->texts[i] + "x";
  }
  return text + std::string(longer(a.texts.back(), b.texts.back()));
}

}  // namespace

std::size_t PathSegment::weight() const {
  if (fixed()) return std::numeric_limits<std::size_t>::max();
  std::size_t size = 0;
  for (const std::string& text : texts) size += text.size();
  return size;
}

bool PathSegment::match(std::string_view text, std::span<std::string_view> values) const {
  const std::string& first = texts.front();
  if (fixed()) return text == first;
  const std::string& last = texts.back();
  if (text.size() < first.size() + last.size() + variables()) return false;
  if (!text.starts_with(first) || !text.ends_with(last)) return false;
  text.remove_prefix(first.size());
  text.remove_suffix(last.size());
  for (std::size_t i = 1; i + 1 < texts.size(); ++i) {
    const std::size_t at = text.find(texts[i], 1);
    if (at == std::string_view::npos) return false;
    values[i - 1] = text.substr(0, at);
    text.remove_prefix(at + texts[i].size());
  }
  values[variables() - 1] = text;
  return !text.empty();
}

// Where both have variables, what they must begin and end with decides: between the two there is
// room for whatever else each of them wants.
bool overlap(const PathSegment& a, const PathSegment& b) {
  std::string_view values[kPathVariablesMax];
  if (a.fixed()) return b.match(a.texts.front(), values);
  if (b.fixed()) return a.match(b.texts.front(), values);
  const auto one_begins_the_other = [](std::string_view x, std::string_view y) {
    return x.starts_with(y) || y.starts_with(x);
  };
  const auto one_ends_the_other = [](std::string_view x, std::string_view y) {
    return x.ends_with(y) || y.ends_with(x);
  };
  return one_begins_the_other(a.texts.front(), b.texts.front()) &&
         one_ends_the_other(a.texts.back(), b.texts.back());
}

std::expected<PathTemplate, std::string> parse_path_template(std::string_view text) {
  if (!text.starts_with('/')) return std::unexpected("it does not begin with '/'");
  if (text.size() > kPathBytesMax) {
    return std::unexpected(fmt::format("it is longer than {} bytes", kPathBytesMax));
  }
  PathTemplate path;
  for (bool more = true; more;) {
    text.remove_prefix(1);
    const std::size_t slash = text.find('/');
    more = slash != std::string_view::npos;
    const std::string_view segment = text.substr(0, slash);
    if (segment.empty() && more) {
      return std::unexpected("it has an empty segment (//); leave one of the slashes out");
    }
    if (Problem problem = parse_segment(segment, path); !problem.empty()) {
      return std::unexpected(problem);
    }
    if (more) text.remove_prefix(slash);
  }
  return path;
}

Relation relation(const PathTemplate& a, const PathTemplate& b) {
  if (a.segments.size() != b.segments.size()) return Relation::apart;
  bool decided = false;
  bool same = true;
  for (std::size_t i = 0; i < a.segments.size(); ++i) {
    const PathSegment& x = a.segments[i];
    const PathSegment& y = b.segments[i];
    if (x == y) continue;
    if (!overlap(x, y)) return Relation::apart;
    if (same) decided = x.weight() != y.weight();
    same = false;
  }
  if (same) return Relation::same;
  return decided ? Relation::apart : Relation::unclear;
}

std::string common_path(const PathTemplate& a, const PathTemplate& b) {
  std::string path;
  for (std::size_t i = 0; i < a.segments.size(); ++i) {
    path += '/' + common_text(a.segments[i], b.segments[i]);
  }
  return path;
}

bool is_variable_name(std::string_view text) {
  return !text.empty() && text.size() <= 32 && !(text[0] >= '0' && text[0] <= '9') &&
         std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
         });
}

}  // namespace fanfare::server
