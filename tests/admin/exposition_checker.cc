#include "tests/admin/exposition_checker.h"

#include <cmath>
#include <cstdlib>
#include <limits>
#include <optional>
#include <set>
#include <stdexcept>

namespace fanfare::admin {
namespace {

constexpr std::string_view kNameStart = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
constexpr std::string_view kNameRest =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";

std::string_view take_name(std::string_view& line) {
  if (line.empty() || kNameStart.find(line[0]) == std::string_view::npos) return {};
  std::size_t size = line.find_first_not_of(kNameRest);
  if (size == std::string_view::npos) size = line.size();
  const std::string_view name = line.substr(0, size);
  line.remove_prefix(size);
  return name;
}

bool take(std::string_view& line, std::string_view text) {
  if (!line.starts_with(text)) return false;
  line.remove_prefix(text.size());
  return true;
}

std::optional<std::string> take_quoted(std::string_view& line) {
  if (!take(line, "\"")) return std::nullopt;
  std::string value;
  while (!line.empty() && line[0] != '"') {
    if (line[0] == '\\') {
      if (line.size() < 2) return std::nullopt;
      switch (line[1]) {
        case 'n':
          value += '\n';
          break;
        case '\\':
        case '"':
          value += line[1];
          break;
        default:
          return std::nullopt;
      }
      line.remove_prefix(2);
    } else {
      value += line[0];
      line.remove_prefix(1);
    }
  }
  if (!take(line, "\"")) return std::nullopt;
  return value;
}

std::optional<double> number(std::string_view text) {
  if (text == "+Inf") return std::numeric_limits<double>::infinity();
  if (text.empty() || text.find_first_not_of("0123456789.eE+-") != std::string_view::npos) {
    return std::nullopt;
  }
  const std::string copy(text);
  char* end = nullptr;
  const double value = std::strtod(copy.c_str(), &end);
  if (*end != '\0') return std::nullopt;
  return value;
}

std::optional<Sample> parse_sample(std::string_view line) {
  Sample sample;
  sample.name = take_name(line);
  if (sample.name.empty()) return std::nullopt;
  if (take(line, "{")) {
    do {
      const std::string label(take_name(line));
      if (label.empty() || !take(line, "=")) return std::nullopt;
      const auto value = take_quoted(line);
      if (!value || !sample.labels.emplace(label, *value).second) return std::nullopt;
    } while (take(line, ","));
    if (!take(line, "}")) return std::nullopt;
  }
  if (!take(line, " ")) return std::nullopt;
  const auto value = number(line);
  if (!value) return std::nullopt;
  sample.value = *value;
  return sample;
}

bool belongs(const Sample& sample, const std::string& family, const std::string& type) {
  if (type != "histogram") return sample.name == family;
  return sample.name == family + "_sum" || sample.name == family + "_count" ||
         (sample.name == family + "_bucket" && sample.labels.contains("le"));
}

// Buckets rise in bound and count, end at +Inf, and agree with _count.
std::string histogram_problem(const Family& family) {
  double bound = -std::numeric_limits<double>::infinity();
  double below = 0;
  double count = -1;
  bool sum_seen = false;
  for (const Sample& sample : family.samples) {
    if (sample.name.ends_with("_bucket")) {
      const auto le = number(sample.labels.at("le"));
      if (!le || *le <= bound || sample.value < below) return "buckets do not rise";
      bound = *le;
      below = sample.value;
    }
    if (sample.name.ends_with("_count")) count = sample.value;
    if (sample.name.ends_with("_sum")) sum_seen = true;
  }
  if (!std::isinf(bound)) return "no +Inf bucket";
  if (count != below || !sum_seen) return "_count or _sum is missing or wrong";
  return {};
}

class Reader {
 public:
  ParsedExposition read(std::string_view text) {
    if (!text.ends_with('\n')) parsed_.problem = "the last line has no line feed";
    while (!text.empty() && parsed_.problem.empty()) {
      const std::size_t end = text.find('\n');
      const std::string_view line = text.substr(0, end);
      const std::string problem = line_problem(line);
      if (!problem.empty()) parsed_.problem = problem + ": " + std::string(line);
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    for (const auto& [name, family] : parsed_.families) {
      if (family.type != "histogram" || !parsed_.problem.empty()) continue;
      const std::string problem = histogram_problem(family);
      if (!problem.empty()) parsed_.problem = name + ": " + problem;
    }
    return std::move(parsed_);
  }

 private:
  std::string line_problem(std::string_view line) {
    if (take(line, "# HELP ")) return help_problem(line);
    if (take(line, "# TYPE ")) return type_problem(line);
    const auto sample = parse_sample(line);
    if (!sample) return "not a sample";
    Family& family = parsed_.families[current_];
    if (family.type.empty()) return "a sample before its TYPE";
    if (!belongs(*sample, current_, family.type)) return "a sample of another family";
    if (!seen_.emplace(sample->name, sample->labels).second) return "the same sample twice";
    family.samples.push_back(*sample);
    return {};
  }

  std::string help_problem(std::string_view line) {
    current_ = take_name(line);
    if (current_.empty() || !take(line, " ") || line.empty()) return "HELP without name or text";
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (line[i] != '\\') continue;
      if (i + 1 == line.size() || (line[i + 1] != '\\' && line[i + 1] != 'n')) return "bad escape";
      ++i;
    }
    if (!parsed_.families
             .emplace(current_, Family{.type = {}, .help = std::string(line), .samples = {}})
             .second) {
      return "a family twice";
    }
    return {};
  }

  std::string type_problem(std::string_view line) {
    if (take_name(line) != current_ || !take(line, " ")) return "TYPE does not follow its HELP";
    if (line != "counter" && line != "gauge" && line != "histogram") return "no such type";
    if (line == "counter" && !current_.ends_with("_total")) return "a counter not named _total";
    if (line == "gauge" && current_.ends_with("_total")) return "a gauge named _total";
    parsed_.families[current_].type = line;
    return {};
  }

  ParsedExposition parsed_;
  std::string current_;
  std::set<std::pair<std::string, std::map<std::string, std::string>>> seen_;
};

}  // namespace

double ParsedExposition::value(const std::string& name,
                               const std::map<std::string, std::string>& labels) const {
  for (const auto& [family_name, family] : families) {
    for (const Sample& sample : family.samples) {
      if (sample.name == name && sample.labels == labels) return sample.value;
    }
  }
  throw std::out_of_range("no sample " + name + " with these labels");
}

ParsedExposition parse_exposition(std::string_view text) {
  return Reader().read(text);
}

}  // namespace fanfare::admin
