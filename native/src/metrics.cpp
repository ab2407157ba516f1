#include "algotrader/metrics.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "algotrader/parallel.hpp"

namespace algotrader::metrics {
namespace {

constexpr double NOT_DEFINED = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t LANES = 8;
constexpr std::size_t TILE = 64;  // periods whose equity stays in registers and first cache

// Eight lanes whatever the registers are: the compiler splits an operation into as many
// instructions as it needs, and every lane does the same arithmetic on each of them (R34).
typedef double Lanes __attribute__((vector_size(LANES * sizeof(double))));
typedef double LooseLanes __attribute__((vector_size(LANES * sizeof(double)), aligned(8)));

#define ALGOTRADER_INLINE inline __attribute__((always_inline))

ALGOTRADER_INLINE void load(Lanes& out, const double* from) {
  out = *reinterpret_cast<const LooseLanes*>(from);
}

double fold(const Lanes& v) {
  return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
}

struct Moments {
  double mean, low, high;        // first pass
  double square, cube, fourth;   // sums of powers of the centred returns
  double downside;               // sum of squares of the negative returns
};

struct Path {
  double equity = 1.0, peak = 1.0, worst = 1.0;  // worst: smallest equity / peak
  std::int64_t top = -1;                         // last period at the peak; -1: the start
  std::int64_t longest = 0, from = -1, to = -1;  // longest time under water
};

ALGOTRADER_INLINE void first_pass(const double* r, std::size_t count, Moments& m) {
  Lanes sum = {}, low, high;
  const double inf = std::numeric_limits<double>::infinity();
  low = sum + inf;
  high = sum - inf;
  std::size_t i = 0;
  for (; i + LANES <= count; i += LANES) {
    Lanes x;
    load(x, r + i);
    sum += x;
    low = x < low ? x : low;
    high = x > high ? x : high;
  }
  for (std::size_t k = 0; i < count; ++i, ++k) {
    sum[k] += r[i];
    low[k] = r[i] < low[k] ? r[i] : low[k];
    high[k] = r[i] > high[k] ? r[i] : high[k];
  }
  m.mean = fold(sum) / static_cast<double>(count);
  m.low = low[0];
  m.high = high[0];
  for (std::size_t k = 1; k < LANES; ++k) {
    m.low = std::min(m.low, low[k]);
    m.high = std::max(m.high, high[k]);
  }
}

ALGOTRADER_INLINE void moment_pass(const double* r, std::size_t count, Moments& m) {
  Lanes square = {}, cube = {}, fourth = {}, downside = {};
  const Lanes zero = {};
  std::size_t i = 0;
  for (; i + LANES <= count; i += LANES) {
    Lanes x;
    load(x, r + i);
    const Lanes d = x - m.mean;
    const Lanes d2 = d * d;
    const Lanes short_of = x < zero ? x : zero;
    square += d2;
    cube += d2 * d;
    fourth += d2 * d2;
    downside += short_of * short_of;
  }
  for (std::size_t k = 0; i < count; ++i, ++k) {
    const double d = r[i] - m.mean, d2 = d * d, short_of = std::min(r[i], 0.0);
    square[k] += d2;
    cube[k] += d2 * d;
    fourth[k] += d2 * d2;
    downside[k] += short_of * short_of;
  }
  m.square = fold(square);
  m.cube = fold(cube);
  m.fourth = fold(fourth);
  m.downside = fold(downside);
}

// Equity and its running peak over four periods: products and maxima are taken in pairs first,
// so that only one multiplication in four waits for the one before.
ALGOTRADER_INLINE void four(const double* r, double* equity, double* peak, Path& path) {
  const double g0 = 1.0 + r[0], g1 = 1.0 + r[1], g2 = 1.0 + r[2], g3 = 1.0 + r[3];
  const double p1 = g0 * g1, p23 = g2 * g3;
  const double e0 = path.equity * g0, e1 = path.equity * p1;
  const double e2 = path.equity * (p1 * g2), e3 = path.equity * (p1 * p23);
  const double h1 = std::max(e0, e1), h2 = std::max(h1, e2), h3 = std::max(h1, std::max(e2, e3));
  equity[0] = e0;
  equity[1] = e1;
  equity[2] = e2;
  equity[3] = e3;
  peak[0] = std::max(path.peak, e0);
  peak[1] = std::max(path.peak, h1);
  peak[2] = std::max(path.peak, h2);
  path.peak = peak[3] = std::max(path.peak, h3);
  path.equity = e3;
}

// Bit k of the result is set when equity is at its peak in period k of the tile.
ALGOTRADER_INLINE std::uint64_t tops(const double* equity, const double* peak) {
  unsigned char at_top[TILE];
  for (std::size_t k = 0; k < TILE; ++k) at_top[k] = equity[k] >= peak[k] ? 1 : 0;
  std::uint64_t bits = 0;
  for (std::size_t k = 0; k < TILE; k += 8) {
    std::uint64_t eight;
    std::memcpy(&eight, at_top + k, 8);
    bits |= ((eight * 0x0102040810204080ULL) >> 56) << k;
  }
  return bits;
}

void note_spell(Path& path, std::int64_t end) {
  if (end - path.top > path.longest) {
    path.longest = end - path.top;
    path.from = path.top;
    path.to = end;
  }
}

ALGOTRADER_INLINE void note_tops(std::uint64_t bits, std::int64_t base, Path& path) {
  while (bits) {
    const int first = __builtin_ctzll(bits);
    const std::uint64_t rest = ~(bits >> first);
    const int run = rest ? __builtin_ctzll(rest) : 64;
    if (base + first - path.top > 1) note_spell(path, base + first);
    path.top = base + first + run - 1;
    if (first + run >= 64) return;
    bits &= ~std::uint64_t{0} << (first + run);
  }
}

ALGOTRADER_INLINE void path_pass(const double* r, std::size_t count, Path& path) {
  alignas(64) double equity[TILE], peak[TILE], tail[TILE];
  Lanes worst = {};
  worst += 1.0;
  for (std::size_t base = 0; base < count; base += TILE) {
    const std::size_t filled = std::min(TILE, count - base);
    const double* from = r + base;
    if (filled < TILE) {  // periods after the last change nothing: equity stays where it is
      std::copy_n(from, filled, tail);
      std::fill(tail + filled, tail + TILE, 0.0);
      from = tail;
    }
    for (std::size_t k = 0; k < TILE; k += 4) four(from + k, equity + k, peak + k, path);
    for (std::size_t k = 0; k < TILE; k += LANES) {
      Lanes e, p;
      load(e, equity + k);
      load(p, peak + k);
      const Lanes share = e / p;
      worst = share < worst ? share : worst;
    }
    std::uint64_t bits = tops(equity, peak);
    if (filled < TILE) bits &= (std::uint64_t{1} << filled) - 1;
    note_tops(bits, static_cast<std::int64_t>(base), path);
  }
  for (std::size_t k = 0; k < LANES; ++k) path.worst = std::min(path.worst, worst[k]);
  const auto last = static_cast<std::int64_t>(count) - 1;
  if (last > path.top) note_spell(path, last);
}

// Keeps, in order, the returns up to a limit; returns how many. `kept` has room for all.
ALGOTRADER_INLINE std::size_t keep_low(const double* r, std::size_t count, double limit,
                                       double* kept) {
  std::size_t n = 0;
  for (std::size_t i = 0; i < count; ++i) {
    kept[n] = r[i];
    n += r[i] <= limit ? 1 : 0;
  }
  return n;
}

struct Scratch {
  std::vector<double> low, ordered;
  explicit Scratch(std::size_t count) : low(count + 1), ordered(count + 1) {}
};

double sum_lanes(const double* values, std::size_t count) {
  double lane[LANES] = {};
  for (std::size_t i = 0; i < count; ++i) lane[i % LANES] += values[i];
  return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

// Quantile by linear interpolation (type 7) of `count` returns of which the lowest `size` are in
// `values`; selects, never sorts. Afterwards values[0..k] are the lowest k + 1.
double quantile(double* values, std::size_t size, std::size_t count, double tail) {
  const double at = tail * static_cast<double>(count - 1);
  const auto k = static_cast<std::size_t>(at);
  const double part = at - static_cast<double>(k);
  std::nth_element(values, values + k, values + size);
  if (part == 0.0) return values[k];
  const double next = *std::min_element(values + k + 1, values + size);
  return values[k] + (next - values[k]) * part;
}

// Value at risk and the mean of what is at or below it, for the 5 % and the 1 % tail.
ALGOTRADER_INLINE void tail_pass(const double* r, std::size_t count, const Moments& m,
                                 Scratch& scratch, double* row) {
  const std::size_t needed = static_cast<std::size_t>(0.05 * static_cast<double>(count - 1)) + 2;
  const double deviation = std::sqrt(m.square / static_cast<double>(count));
  double* low = scratch.low.data();
  std::size_t size = 0;
  for (const double width : {1.3, 0.6, -1.0}) {
    size = keep_low(r, count, m.mean - width * deviation, low);
    if (size >= needed) break;
  }
  if (size < needed) size = keep_low(r, count, m.high, low);
  double* ordered = scratch.ordered.data();
  std::copy_n(low, size, ordered);
  row[VAR_95] = quantile(ordered, size, count, 0.05);
  // The lowest needed - 1 returns now come first; the 1 % tail lies among them if it is shorter.
  const std::size_t inner = static_cast<std::size_t>(0.01 * static_cast<double>(count - 1)) + 2;
  row[VAR_99] = quantile(ordered, inner < needed ? needed - 1 : size, count, 0.01);
  size = keep_low(low, size, row[VAR_95], ordered);
  row[ES_95] = sum_lanes(ordered, size) / static_cast<double>(size);
  size = keep_low(ordered, size, row[VAR_99], low);
  row[ES_99] = sum_lanes(low, size) / static_cast<double>(size);
}

void ratios(std::size_t count, Annual annual, const Moments& m, const Path& path, double* row) {
  const double n = static_cast<double>(count);
  const bool varies = m.low < m.high;
  const double deviation = varies ? std::sqrt(m.square / (n - 1.0)) : 0.0;
  const double downside = std::sqrt(m.downside / n);
  const double scale = std::sqrt(annual.periods);
  const double years = annual.years > 0.0 ? annual.years : n / annual.periods;
  const double yearly = path.equity > 0.0 ? std::pow(path.equity, 1.0 / years) - 1.0 : -1.0;
  row[TOTAL_RETURN] = path.equity - 1.0;
  row[ANNUAL_RETURN] = std::isfinite(yearly) ? yearly : NOT_DEFINED;
  row[VOLATILITY] = deviation * scale;
  row[SHARPE] = varies ? m.mean / deviation * scale : NOT_DEFINED;
  row[SORTINO] = downside > 0.0 ? m.mean * scale / downside : NOT_DEFINED;
  row[MAX_DRAWDOWN] = path.worst - 1.0;
  row[CALMAR] = path.worst < 1.0 ? row[ANNUAL_RETURN] / (1.0 - path.worst) : NOT_DEFINED;
  row[UNDERWATER] = static_cast<double>(path.longest);
  const double m2 = m.square / n;
  row[SKEW] = varies ? m.cube / n / (m2 * std::sqrt(m2)) : NOT_DEFINED;
  row[KURTOSIS] = varies ? m.fourth / n / (m2 * m2) : NOT_DEFINED;
}

ALGOTRADER_INLINE void one_series(const double* r, std::size_t count, Annual annual,
                                  Scratch& scratch, double* row) {
  std::fill_n(row, static_cast<std::size_t>(COLUMNS), NOT_DEFINED);
  if (count == 0) return;
  Moments m{};
  Path path;
  first_pass(r, count, m);
  if (!std::isfinite(m.mean)) return;
  path_pass(r, count, path);
  row[TOTAL_RETURN] = path.equity - 1.0;
  row[MAX_DRAWDOWN] = path.worst - 1.0;
  row[UNDERWATER] = static_cast<double>(path.longest);
  row[BEST_DAY] = m.high;
  row[WORST_DAY] = m.low;
  row[UNDERWATER_PEAK] = static_cast<double>(path.from);
  row[UNDERWATER_END] = static_cast<double>(path.to);
  if (count < 2) return;
  moment_pass(r, count, m);
  ratios(count, annual, m, path, row);
  tail_pass(r, count, m, scratch, row);
}

ALGOTRADER_INLINE void all_series(const double* returns, std::size_t first, std::size_t last,
                                  std::size_t count, Annual annual, double* rows) {
  Scratch scratch(count);
  for (std::size_t s = first; s < last; ++s) {
    one_series(returns + s * count, count, annual, scratch, rows + s * COLUMNS);
  }
}

using Work = void (*)(const double*, std::size_t, std::size_t, std::size_t, Annual, double*);

void baseline(const double* r, std::size_t a, std::size_t b, std::size_t n, Annual y, double* o) {
  all_series(r, a, b, n, y, o);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) void avx2(const double* r, std::size_t a, std::size_t b,
                                          std::size_t n, Annual y, double* o) {
  all_series(r, a, b, n, y, o);
}

__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))) void avx512(
    const double* r, std::size_t a, std::size_t b, std::size_t n, Annual y, double* o) {
  all_series(r, a, b, n, y, o);
}
#endif

Work work_for(Simd simd) {
#if defined(__x86_64__)
  if (simd == Simd::AVX512) return avx512;
  if (simd == Simd::AVX2) return avx2;
#else
  (void)simd;
#endif
  return baseline;
}

}  // namespace

Simd best_simd() noexcept {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    return Simd::AVX512;
  }
  if (__builtin_cpu_supports("avx2")) return Simd::AVX2;
#endif
  return Simd::BASELINE;
}

void main_metrics(const double* returns, std::size_t series, std::size_t count, Annual annual,
                  Simd simd, unsigned threads, double* rows) {
  const Work work = work_for(std::min(simd, best_simd()));
  // A thread costs some 20 us to start: worth it from about that much work on.
  if (series * count < 100'000) threads = 1;
  parallel_ranges(series, threads, [=](std::size_t first, std::size_t last) {
    work(returns, first, last, count, annual, rows);
  });
}

}  // namespace algotrader::metrics
