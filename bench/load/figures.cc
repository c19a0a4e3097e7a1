#include "bench/load/figures.h"

namespace fanfare::load {

void add_latency(Figures& figures, const Histogram& latency, const std::string& prefix) {
  for (const auto& [name, q] :
       {std::pair("p50", 0.5), {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}, {"max", 1.0}}) {
    figures.emplace_back(prefix + "latency_" + name + "_ms",
                         static_cast<double>(latency.quantile(q)) / 1e6);
  }
}

void add_faults(Figures& figures, const Board& board) {
  figures.emplace_back("lost", board.sum(&WorkerRow::lost));
  figures.emplace_back("repeated", board.sum(&WorkerRow::repeated));
  figures.emplace_back("gaps", board.sum(&WorkerRow::gaps));
  figures.emplace_back("ended", board.sum(&WorkerRow::ended));
}

}  // namespace fanfare::load
