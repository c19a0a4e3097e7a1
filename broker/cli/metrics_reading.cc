#include "broker/cli/metrics_reading.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

namespace fanfare::cli {
namespace {

// The part of `series` after `family{` … `label="`, up to the quote; empty if it is not one.
std::string_view label_in(std::string_view series, std::string_view family,
                          std::string_view label) {
  if (!series.starts_with(family) || series.substr(family.size(), 1) != "{") return {};
  const std::string wanted = fmt::format("{}=\"", label);
  const auto at = series.find(wanted, family.size());
  if (at == series.npos) return {};
  const std::string_view rest = series.substr(at + wanted.size());
  return rest.substr(0, rest.find('"'));
}

}  // namespace

MetricsReading MetricsReading::parse(std::string_view text, TimePoint when) {
  MetricsReading reading;
  reading.when_ = when;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto space = line.rfind(' ');
    if (line.empty() || line[0] == '#' || space == line.npos) continue;
    const std::string number(line.substr(space + 1));
    char* parsed = nullptr;
    const double value = std::strtod(number.c_str(), &parsed);
    if (parsed == number.c_str()) continue;
    const std::string series(line.substr(0, space));
    if (reading.samples_.insert_or_assign(series, value).second) reading.order_.push_back(series);
  }
  return reading;
}

double MetricsReading::value(std::string_view series) const {
  const auto found = samples_.find(series);
  return found == samples_.end() ? 0 : found->second;
}

std::string MetricsReading::label(std::string_view family, std::string_view label) const {
  const auto all = labels(family, label);
  return all.empty() ? std::string() : all.front();
}

std::vector<std::string> MetricsReading::labels(std::string_view family,
                                                std::string_view label) const {
  std::vector<std::string> found;
  for (const std::string& series : order_) {
    if (const auto value = label_in(series, family, label); !value.empty()) {
      found.emplace_back(value);
    }
  }
  return found;
}

double MetricsInterval::gained(std::string_view series) const {
  return std::max(0.0, after_.value(series) - before_.value(series));
}

double MetricsInterval::rate(std::string_view series) const {
  const double seconds = fractional_seconds(after_.when() - before_.when());
  return seconds <= 0 ? 0 : gained(series) / seconds;
}

double MetricsInterval::quantile(std::string_view family, double q) const {
  const std::string buckets = fmt::format("{}_bucket", family);
  const double rank = q * gained(fmt::format("{}{{le=\"+Inf\"}}", buckets));
  if (rank <= 0) return 0;
  double last_finite = 0;
  for (const std::string& bound : after_.labels(buckets, "le")) {
    if (bound == "+Inf") break;
    last_finite = std::strtod(bound.c_str(), nullptr);
    if (gained(fmt::format("{}{{le=\"{}\"}}", buckets, bound)) >= rank) return last_finite;
  }
  return last_finite;
}

}  // namespace fanfare::cli
