#include "algotrader/run.hpp"

#include <algorithm>

namespace algotrader {

void record_row(const Simulator& simulator, std::size_t row, const Recording& recording) {
  const std::size_t columns = simulator.panel().columns;
  if (recording.equity != nullptr) recording.equity[row] = simulator.equity();
  if (recording.cash != nullptr) recording.cash[row] = simulator.cash();
  if (recording.position != nullptr) {
    std::copy_n(simulator.quantities().data(), columns, recording.position + row * columns);
  }
  if (recording.funding != nullptr) {
    for (const std::int64_t column : simulator.funded_columns()) {
      const auto k = static_cast<std::size_t>(column);
      recording.funding[row * columns + k] = simulator.funding_of_bar()[k];
    }
  }
}

void run_rows(Simulator& simulator, const double* targets, const Script& script,
              const Recording& recording) {
  const std::size_t rows = simulator.panel().rows;
  const std::size_t columns = simulator.panel().columns;
  std::size_t next = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    simulator.step(row);
    record_row(simulator, row, recording);
    while (next < script.size() && script[next].first == row) {
      simulator.request(row, script[next++].second);
    }
    simulator.decide(row, targets == nullptr ? nullptr : targets + row * columns);
  }
}

}  // namespace algotrader
