// A strict reader of the Prometheus text format 0.0.4: what it accepts, a scraper accepts. Every
// line must be understood; the first that is not, is named.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fanfare::admin {

struct Sample {
  std::string name;  // with its suffix
  std::map<std::string, std::string> labels;
  double value = 0;
};

struct Family {
  std::string type, help;
  std::vector<Sample> samples;
};

// By family name. `problem` is empty, or the first line that is wrong and why.
struct ParsedExposition {
  std::map<std::string, Family> families;
  std::string problem;

  // The sample of that name with exactly these labels; throws if there is none.
  double value(const std::string& name,
               const std::map<std::string, std::string>& labels = {}) const;
};

ParsedExposition parse_exposition(std::string_view text);

}  // namespace fanfare::admin
