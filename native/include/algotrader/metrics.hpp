// The main metrics of a series of daily returns, and CSCV over many series.
// Definitions: docs/concepts/metrics.md. Bits: R34, whichever instruction set does the work.
#pragma once

#include <cstddef>
#include <cstdint>

namespace algotrader::metrics {

// Columns of one row of results. NaN means undefined (zero variance, no drawdown, too few days).
enum Column : std::size_t {
  TOTAL_RETURN,
  ANNUAL_RETURN,
  VOLATILITY,
  SHARPE,
  SORTINO,
  CALMAR,
  MAX_DRAWDOWN,
  UNDERWATER,  // periods of the longest time from a peak back to it, or to the end
  VAR_95,
  ES_95,
  VAR_99,
  ES_99,
  SKEW,
  KURTOSIS,
  BEST_DAY,
  WORST_DAY,
  UNDERWATER_PEAK,  // its first period; -1 is the start
  UNDERWATER_END,
  COLUMNS
};

struct Annual {
  double periods;  // per year
  double years;    // elapsed; 0: count / periods
};

// One row per series; `returns` is (series, count), row after row. Threads: 0 = all cores.
void main_metrics(const double* returns, std::size_t series, std::size_t count, Annual annual,
                  unsigned threads, double* rows);

// Number of ways to choose half of `blocks` blocks.
std::size_t cscv_splits(std::size_t blocks) noexcept;

// For every split in lexicographic order: rank out of sample of the trial that was best in
// sample (1 = worst; ties share), and its Sharpe ratios per observation on both halves.
// `count` is a multiple of `blocks`.
void cscv(const double* returns, std::size_t trials, std::size_t count, std::size_t blocks,
          unsigned threads, double* rank, double* inside, double* outside);

}  // namespace algotrader::metrics
