// What dashboards are sent, as a publisher makes it: each call is the next event of one source. The
// figures wander as measured ones do: some change with each event, some seldom, some never.
//
//   Machine   one host's metrics as JSON, 600 to 700 bytes
//   Fragment  a table as HTML, rendered again with each change, 1.9 KB
//   Delta     one changed value as JSON, 60 bytes
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/random.h"

namespace fanfare::bench {

// A figure that moves by up to `step` at a time, and stays at 0 or above.
class Figure {
 public:
  Figure(std::int64_t value, std::int64_t step) : value_(value), step_(step) {}
  std::int64_t next(Random& random) {
    const auto span = static_cast<std::uint64_t>(2 * step_ + 1);
    value_ =
        std::max<std::int64_t>(0, value_ + static_cast<std::int64_t>(random.below(span)) - step_);
    return value_;
  }
  std::int64_t value() const { return value_; }

 private:
  std::int64_t value_;
  std::int64_t step_;
};

// "12.3" of 123
inline std::string tenths(std::int64_t value) {
  return fmt::format("{}.{}", value / 10, value % 10);
}

class Machine {
 public:
  std::string next() {
    time_ms_ += 990 + static_cast<std::int64_t>(random_.below(20));
    std::string text = fmt::format(
        R"({{"host":"srv-fra-07","t":{},"cpu":{{"user":{},"nice":0.0,"system":{},"idle":{},)"
        R"("iowait":{},"irq":0.0,"softirq":{},"steal":0.0}},)",
        time_ms_, tenths(user_.next(random_)), tenths(system_.next(random_)),
        tenths(std::max<std::int64_t>(0, 1000 - user_.value() - system_.value())),
        tenths(iowait_.next(random_)), tenths(softirq_.next(random_)));
    text += fmt::format(
        R"("mem":{{"memtotal":8340119552,"memfree":{},"memavailable":{},"buffers":{},"cached":{},)"
        R"("swaptotal":2147479552,"swapfree":2147479552}},"load":[{}.{:02},0.84,0.71],)"
        R"("procs":"{}/{}",)",
        free_.next(random_) * 4096, free_.value() * 4096 + 3812917248, 214827008,
        cached_.next(random_) * 4096, load_.next(random_) / 100, load_.value() % 100,
        running_.next(random_), procs_.next(random_));
    text += fmt::format(
        R"("net":{{"lo":{{"rx":{},"tx":{},"rxp":{},"txp":{}}},"eth0":{{"rx":{},"tx":{},"rxp":{},)"
        R"("txp":{}}}}},"disk":{{"nvme0n1":{{"read":0,"write":{},"ms":{}}}}}}})",
        local_.next(random_) * 66, local_.value() * 66, local_.value(), local_.value(),
        received_.next(random_) * 731, sent_.next(random_) * 1211, received_.value(), sent_.value(),
        written_.next(random_) * 4096, busy_.next(random_));
    return text;
  }

 private:
  Random random_{1};
  std::int64_t time_ms_ = 1'795'758'172'011;
  Figure user_{123, 15}, system_{41, 9}, iowait_{3, 1}, softirq_{2, 1}, free_{310'000, 900},
      cached_{720'000, 60}, load_{112, 3}, running_{2, 1}, procs_{412, 1}, local_{120, 20},
      received_{840, 90}, sent_{1'900, 160}, written_{60, 30}, busy_{14, 6};
};

class Fragment {
 public:
  std::string next() {
    std::string text = R"(<table id="lines" class="board"><thead><tr><th>Line</th><th>State</th>)"
                       R"(<th>Output</th><th>Target</th><th>OEE</th></tr></thead><tbody>)";
    for (std::size_t line = 0; line < output_.size(); ++line) {
      const bool runs = !random_.chance(0.02);
      text += fmt::format(
          R"(<tr id="line-{0}" class="row {1}"><td class="name">Line {0}</td>)"
          R"(<td class="state"><span class="dot {1}"></span>{1}</td>)"
          R"(<td class="num">{2}</td><td class="num">4800</td><td class="num">{3}&nbsp;%</td></tr>)",
          line + 1, runs ? "running" : "stopped", output_[line] += random_.below(3),
          tenths(oee_[line].next(random_)));
    }
    return text + "</tbody></table>";
  }

 private:
  Random random_{2};
  std::array<std::uint64_t, 8> output_{4'012, 3'377, 4'591, 2'804, 3'950, 4'120, 1'733, 4'402};
  std::array<Figure, 8> oee_{Figure(871, 1), Figure(790, 1), Figure(912, 1), Figure(655, 1),
                             Figure(842, 1), Figure(880, 1), Figure(512, 1), Figure(903, 1)};
};

class Delta {
 public:
  std::string next() {
    const std::size_t point = random_.below(points_.size());
    time_ms_ += static_cast<std::int64_t>(random_.below(60));
    return fmt::format(R"({{"k":"line{}.{}","v":{},"t":{}}})", point + 1, kNames[point % 4],
                       tenths(points_[point].next(random_)), time_ms_);
  }

 private:
  static constexpr std::array<std::string_view, 4> kNames{"temp", "pressure", "speed", "torque"};
  Random random_{3};
  std::int64_t time_ms_ = 1'795'758'172'011;
  std::array<Figure, 16> points_{Figure(215, 3), Figure(43, 1), Figure(1'480, 20), Figure(77, 2),
                                 Figure(190, 3), Figure(61, 1), Figure(1'310, 20), Figure(81, 2),
                                 Figure(304, 3), Figure(38, 1), Figure(2'025, 20), Figure(59, 2),
                                 Figure(251, 3), Figure(55, 1), Figure(1'702, 20), Figure(93, 2)};
};

}  // namespace fanfare::bench
