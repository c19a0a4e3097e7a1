// Exposition: writes the Prometheus text format 0.0.4. A family is begun with its HELP and TYPE and
// then gets its samples; names and label names are ours and valid, label values may be anything.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace fanfare::admin {

class Exposition {
 public:
  using Label = std::pair<std::string_view, std::string_view>;

  // `type` is "counter", "gauge" or "histogram". Each name begins once.
  void family(std::string_view name, std::string_view type, std::string_view help);
  // A sample of the family begun last; `suffix` is "_bucket", "_sum", "_count" or empty.
  void sample(std::uint64_t value, std::initializer_list<Label> labels = {},
              std::string_view suffix = {});
  void sample(double value, std::initializer_list<Label> labels = {}, std::string_view suffix = {});

  // A family with one sample and no label.
  template <class Value>
  void single(std::string_view name, std::string_view type, std::string_view help, Value value) {
    family(name, type, help);
    sample(value);
  }

  std::string take() { return std::move(text_); }

 private:
  void begin_sample(std::initializer_list<Label> labels, std::string_view suffix);

  std::string text_;
  std::string name_;
};

inline constexpr std::string_view kExpositionType = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace fanfare::admin
