#include "algotrader/metrics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "algotrader/parallel.hpp"
#include "metrics_passes.hpp"

namespace algotrader::metrics {
namespace {

constexpr double NOT_DEFINED = std::numeric_limits<double>::quiet_NaN();

double fold(const double* v) {
  return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
}

template <std::size_t W>
ALGOTRADER_INLINE void range_body(const double* r, std::size_t count, Moments& m) {
  const double inf = std::numeric_limits<double>::infinity();
  Registers<W> sums(0.0), lows(inf), highs(-inf);
  std::size_t i = 0;
  for (; i + LANES <= count; i += LANES) {
    sums.each(r + i, [](auto lane, auto x) { return lane + x; });
    lows.each(r + i, [](auto lane, auto x) { return x < lane ? x : lane; });
    highs.each(r + i, [](auto lane, auto x) { return x > lane ? x : lane; });
  }
  double sum[LANES], low[LANES], high[LANES];
  sums.store(sum);
  lows.store(low);
  highs.store(high);
  for (std::size_t k = 0; i < count; ++i, ++k) {
    sum[k] += r[i];
    low[k] = r[i] < low[k] ? r[i] : low[k];
    high[k] = r[i] > high[k] ? r[i] : high[k];
  }
  m.mean = fold(sum) / static_cast<double>(count);
  m.low = *std::min_element(low, low + LANES);
  m.high = *std::max_element(high, high + LANES);
}

template <std::size_t W>
ALGOTRADER_INLINE void power_body(const double* r, std::size_t count, Moments& m) {
  Registers<W> squares(0.0), cubes(0.0), fourths(0.0), downsides(0.0);
  const double mean = m.mean;
  std::size_t i = 0;
  for (; i + LANES <= count; i += LANES) {
    squares.each(r + i, [=](auto lane, auto x) { return lane + (x - mean) * (x - mean); });
    cubes.each(r + i, [=](auto lane, auto x) {
      return lane + (x - mean) * (x - mean) * (x - mean);
    });
    fourths.each(r + i, [=](auto lane, auto x) {
      const auto square = (x - mean) * (x - mean);
      return lane + square * square;
    });
    downsides.each(r + i, [](auto lane, auto x) {
      const auto zero = x - x;
      const auto less = x < zero ? x : zero;
      return lane + less * less;
    });
  }
  double square[LANES], cube[LANES], fourth[LANES], downside[LANES];
  squares.store(square);
  cubes.store(cube);
  fourths.store(fourth);
  downsides.store(downside);
  for (std::size_t k = 0; i < count; ++i, ++k) {
    const double d = r[i] - mean, d2 = d * d, less = std::min(r[i], 0.0);
    square[k] += d2;
    cube[k] += d2 * d;
    fourth[k] += d2 * d2;
    downside[k] += less * less;
  }
  m.square = fold(square);
  m.cube = fold(cube);
  m.fourth = fold(fourth);
  m.downside = fold(downside);
}

template <std::size_t W>
ALGOTRADER_INLINE void moment_body(const double* r, std::size_t count, Moments& m) {
  range_body<W>(r, count, m);
  power_body<W>(r, count, m);
}

void moments_baseline(const double* r, std::size_t n, Moments& m) { moment_body<2>(r, n, m); }
#if defined(__x86_64__)
ALGOTRADER_AVX2 void moments_avx2(const double* r, std::size_t n, Moments& m) {
  moment_body<4>(r, n, m);
}
ALGOTRADER_AVX512 void moments_avx512(const double* r, std::size_t n, Moments& m) {
  moment_body<8>(r, n, m);
}
#endif

void moment_pass(const double* r, std::size_t count, SimdLevel simd, Moments& m) {
#if defined(__x86_64__)
  if (simd == SimdLevel::Avx512) return moments_avx512(r, count, m);
  if (simd == SimdLevel::Avx2) return moments_avx2(r, count, m);
#else
  (void)simd;
#endif
  moments_baseline(r, count, m);
}

void ratios(std::size_t count, Annual annual, const Moments& m, const Path& path, double* row) {
  const double n = static_cast<double>(count);
  const bool varies = m.low < m.high;
  const double deviation = varies ? std::sqrt(m.square / (n - 1.0)) : 0.0;
  const double downside = std::sqrt(m.downside / n);
  const double scale = std::sqrt(annual.periods);
  const double years = annual.years > 0.0 ? annual.years : n / annual.periods;
  const double yearly = path.equity > 0.0 ? std::pow(path.equity, 1.0 / years) - 1.0 : -1.0;
  row[ANNUAL_RETURN] = std::isfinite(yearly) ? yearly : NOT_DEFINED;
  row[VOLATILITY] = deviation * scale;
  row[SHARPE] = varies ? m.mean / deviation * scale : NOT_DEFINED;
  row[SORTINO] = downside > 0.0 ? m.mean * scale / downside : NOT_DEFINED;
  row[CALMAR] = path.worst < 1.0 ? row[ANNUAL_RETURN] / (1.0 - path.worst) : NOT_DEFINED;
  const double m2 = m.square / n;
  row[SKEW] = varies ? m.cube / n / (m2 * std::sqrt(m2)) : NOT_DEFINED;
  row[KURTOSIS] = varies ? m.fourth / n / (m2 * m2) : NOT_DEFINED;
}

void one_series(const double* r, std::size_t count, Annual annual, SimdLevel simd, Scratch& scratch,
                double* row) {
  std::fill_n(row, static_cast<std::size_t>(COLUMNS), NOT_DEFINED);
  if (count == 0) return;
  Moments m{};
  moment_pass(r, count, simd, m);
  if (!std::isfinite(m.mean)) return;
  Path path;
  path_pass(r, count, simd, path);
  row[TOTAL_RETURN] = path.equity - 1.0;
  row[MAX_DRAWDOWN] = path.worst - 1.0;
  row[UNDERWATER] = static_cast<double>(path.longest);
  row[UNDERWATER_PEAK] = static_cast<double>(path.from);
  row[UNDERWATER_END] = static_cast<double>(path.to);
  row[BEST_DAY] = m.high;
  row[WORST_DAY] = m.low;
  if (count < 2) return;
  ratios(count, annual, m, path, row);
  tail_pass(r, count, simd, m, scratch, row);
}

}  // namespace

void main_metrics(const double* returns, std::size_t series, std::size_t count, Annual annual,
                  unsigned threads, double* rows) {
  const SimdLevel simd = simd_level();
  // A thread costs some 20 us to start: worth it from about that much work on.
  if (series * count < 100'000) threads = 1;
  parallel_ranges(series, threads, [=](std::size_t first, std::size_t last) {
    Scratch scratch(count);
    for (std::size_t s = first; s < last; ++s) {
      one_series(returns + s * count, count, annual, simd, scratch, rows + s * COLUMNS);
    }
  });
}

}  // namespace algotrader::metrics
