// MetricsReading: one reading of a broker's /metrics, looked up by name. Enough of the Prometheus
// text format for what Fanfare writes itself, and forgiving towards the rest.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/time.h"

namespace fanfare::cli {

class MetricsReading {
 public:
  // Lines that are not samples are left out.
  static MetricsReading parse(std::string_view text, TimePoint when);

  TimePoint when() const { return when_; }
  // Whether the text was Fanfare's at all.
  bool empty() const { return samples_.empty(); }
  // The value of the sample written as `series` ("fanfare_subscribers",
  // "fanfare_closes_total{reason=\"drained\"}"); 0 if there is none.
  double value(std::string_view series) const;
  // Label `label` of the first sample of `family`; empty if there is none.
  std::string label(std::string_view family, std::string_view label) const;
  // The values of `label` over the samples of `family`, in the order of the text.
  std::vector<std::string> labels(std::string_view family, std::string_view label) const;

 private:
  TimePoint when_;
  std::vector<std::string> order_;
  std::map<std::string, double, std::less<>> samples_;
};

// What happened between two readings of the same broker.
class MetricsInterval {
 public:
  // Both must outlive this.
  MetricsInterval(const MetricsReading& before, const MetricsReading& after)
      : before_(before), after_(after) {}

  // Per second. 0 when the counter went backwards: the broker was restarted.
  double rate(std::string_view series) const;
  // The q-quantile (0 < q <= 1), in seconds, of what histogram `family` gained; 0 if it gained
  // nothing. The upper bound of the bucket it lies in.
  double quantile(std::string_view family, double q) const;

 private:
  double gained(std::string_view series) const;

  const MetricsReading& before_;
  const MetricsReading& after_;
};

}  // namespace fanfare::cli
