// Built with -ffinite-math-only -fno-signed-zeros (CMakeLists.txt): maxima become one instruction
// instead of a branch. Neither lets the compiler reorder arithmetic, so R34 holds.
#include <algorithm>
#include <cstring>

#include "metrics_passes.hpp"

namespace algotrader::metrics {
namespace {

constexpr std::size_t TILE = 64;  // periods whose equity stays in the first cache

ALGOTRADER_INLINE double higher(double a, double b) { return a > b ? a : b; }
ALGOTRADER_INLINE double lower(double a, double b) { return a < b ? a : b; }

// Equity over four periods: products are taken in pairs first, so that only one multiplication in
// four waits for the one before.
ALGOTRADER_INLINE double four(const double* r, double* equity, double level) {
  const double g0 = 1.0 + r[0], g1 = 1.0 + r[1], g2 = 1.0 + r[2], g3 = 1.0 + r[3];
  const double p1 = g0 * g1, p23 = g2 * g3;
  equity[0] = level * g0;
  equity[1] = level * p1;
  equity[2] = level * (p1 * g2);
  equity[3] = level * (p1 * p23);
  return equity[3];
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

void note_tops(std::uint64_t bits, std::int64_t base, Path& path) {
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

struct Extremes {
  double low, high;
};

template <std::size_t W>
ALGOTRADER_INLINE Extremes extremes(const double* values) {
  Registers<W> lows(values[0]), highs(values[0]);
  for (std::size_t k = 0; k < TILE; k += LANES) {
    lows.each(values + k, [](auto lane, auto x) { return x < lane ? x : lane; });
    highs.each(values + k, [](auto lane, auto x) { return x > lane ? x : lane; });
  }
  double low[LANES], high[LANES];
  lows.store(low);
  highs.store(high);
  return {*std::min_element(low, low + LANES), *std::max_element(high, high + LANES)};
}

template <std::size_t W>
ALGOTRADER_INLINE void path_body(const double* r, std::size_t count, Path& path) {
  alignas(64) double equity[TILE], peak[TILE], share[TILE], tail[TILE];
  double level = 1.0, top = 1.0, worst = 1.0;
  for (std::size_t base = 0; base < count; base += TILE) {
    const std::size_t filled = std::min(TILE, count - base);
    const double* from = r + base;
    if (filled < TILE) {  // periods after the last change nothing: equity stays where it is
      std::copy_n(from, filled, tail);
      std::fill(tail + filled, tail + TILE, 0.0);
      from = tail;
    }
    for (std::size_t k = 0; k < TILE; k += 4) level = four(from + k, equity + k, level);
    const Extremes tile = extremes<W>(equity);
    if (tile.high < top) {  // all of it under water: one peak, so the lowest is the deepest
      worst = lower(worst, tile.low / top);
      continue;
    }
    for (std::size_t k = 0; k < TILE; ++k) peak[k] = top = higher(top, equity[k]);
    for (std::size_t k = 0; k < TILE; ++k) share[k] = equity[k] / peak[k];
    worst = lower(worst, extremes<W>(share).low);
    std::uint64_t bits = tops(equity, peak);
    if (filled < TILE) bits &= (std::uint64_t{1} << filled) - 1;
    note_tops(bits, static_cast<std::int64_t>(base), path);
  }
  path.equity = level;
  path.worst = worst;
  const auto last = static_cast<std::int64_t>(count) - 1;
  if (last > path.top) note_spell(path, last);
}

void baseline(const double* r, std::size_t n, Path& path) { path_body<2>(r, n, path); }
#if defined(__x86_64__)
ALGOTRADER_AVX2 void avx2(const double* r, std::size_t n, Path& path) { path_body<4>(r, n, path); }
ALGOTRADER_AVX512 void avx512(const double* r, std::size_t n, Path& path) { path_body<8>(r, n, path); }
#endif

}  // namespace

void path_pass(const double* returns, std::size_t count, SimdLevel simd, Path& path) {
#if defined(__x86_64__)
  if (simd == SimdLevel::Avx512) return avx512(returns, count, path);
  if (simd == SimdLevel::Avx2) return avx2(returns, count, path);
#else
  (void)simd;
#endif
  baseline(returns, count, path);
}

}  // namespace algotrader::metrics
