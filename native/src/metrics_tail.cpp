#include <algorithm>
#include <cmath>
#include <limits>

#include "algotrader/reduce.hpp"
#include "metrics_passes.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace algotrader::metrics {
namespace {

// Keeps, in order, the returns up to a limit; returns how many. `kept` has room for all and a
// register more. Without branches: which returns are low cannot be foreseen.
ALGOTRADER_INLINE std::size_t keep_body(const double* r, std::size_t count, double limit,
                                        double* kept) {
  std::size_t n = 0;
  for (std::size_t i = 0; i < count; ++i) {
    kept[n] = r[i];
    n += r[i] <= limit ? 1 : 0;
  }
  return n;
}

#if defined(__x86_64__)
ALGOTRADER_AVX512 std::size_t keep_avx512(const double* r, std::size_t count, double limit,
                                          double* kept) {
  const __m512d most = _mm512_set1_pd(limit);
  std::size_t n = 0, i = 0;
  for (; i + LANES <= count; i += LANES) {
    const __m512d x = _mm512_loadu_pd(r + i);
    const __mmask8 low = _mm512_cmp_pd_mask(x, most, _CMP_LE_OQ);
    _mm512_storeu_pd(kept + n, _mm512_maskz_compress_pd(low, x));
    n += static_cast<std::size_t>(__builtin_popcount(low));
  }
  return n + keep_body(r + i, count - i, limit, kept + n);
}
#endif

std::size_t keep_low(const double* r, std::size_t count, double limit, SimdLevel simd, double* kept) {
#if defined(__x86_64__)
  if (simd == SimdLevel::Avx512) return keep_avx512(r, count, limit, kept);
#else
  (void)simd;
#endif
  return keep_body(r, count, limit, kept);
}

struct Pair {
  double at, next;  // order statistics k and k + 1
};

struct Split {
  std::size_t below, above;  // how many returns are under and over the pivot
};

// Moves what is under the pivot to the front of `values`, what is over it to `over`. Without
// branches, because a comparison with a pivot cannot be foreseen.
ALGOTRADER_INLINE Split split_body(double* values, std::size_t size, double pivot, Split so_far,
                                   std::size_t i, double* over) {
  for (; i < size; ++i) {
    const double x = values[i];
    values[so_far.below] = x;
    over[so_far.above] = x;
    so_far.below += x < pivot ? 1 : 0;
    so_far.above += x > pivot ? 1 : 0;
  }
  return so_far;
}

#if defined(__x86_64__)
ALGOTRADER_AVX512 Split split_avx512(double* values, std::size_t size, double pivot,
                                     double* over) {
  const __m512d middle = _mm512_set1_pd(pivot);
  Split found{0, 0};
  std::size_t i = 0;
  for (; i + LANES <= size; i += LANES) {
    const __m512d x = _mm512_loadu_pd(values + i);
    const __mmask8 low = _mm512_cmp_pd_mask(x, middle, _CMP_LT_OQ);
    const __mmask8 high = _mm512_cmp_pd_mask(x, middle, _CMP_GT_OQ);
    // Not past what has been read: never more is under the pivot than was seen.
    _mm512_storeu_pd(values + found.below, _mm512_maskz_compress_pd(low, x));
    _mm512_storeu_pd(over + found.above, _mm512_maskz_compress_pd(high, x));
    found.below += static_cast<std::size_t>(__builtin_popcount(low));
    found.above += static_cast<std::size_t>(__builtin_popcount(high));
  }
  return split_body(values, size, pivot, found, i, over);
}
#endif

Split split(double* values, std::size_t size, double pivot, SimdLevel simd, double* over) {
#if defined(__x86_64__)
  if (simd == SimdLevel::Avx512) return split_avx512(values, size, pivot, over);
#else
  (void)simd;
#endif
  return split_body(values, size, pivot, {0, 0}, 0, over);
}

double middle_of(double a, double b, double c) {
  return std::max(std::min(a, b), std::min(std::max(a, b), c));
}

// Order statistic k; `values` and `rest` are overwritten.
double select(double* values, std::size_t size, std::size_t k, SimdLevel simd, double* rest) {
  for (int round = 0; size > 12 && round < 64; ++round) {
    const double pivot = middle_of(values[0], values[size / 2], values[size - 1]);
    const Split found = split(values, size, pivot, simd, rest);
    if (k < found.below) {
      size = found.below;
    } else if (k < size - found.above) {
      return pivot;
    } else {
      k -= size - found.above;
      size = found.above;
      std::swap(values, rest);
    }
  }
  std::nth_element(values, values + k, values + size);
  return values[k];
}

// Order statistics k and k + 1 of the `size` returns in `values`, which are left as they are.
Pair select_pair(const double* values, std::size_t size, std::size_t k, SimdLevel simd,
                 Scratch& scratch) {
  std::copy_n(values, size, scratch.work.get());
  const double at = select(scratch.work.get(), size, k, simd, scratch.rest.get());
  std::size_t upto = 0;
  double next = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < size; ++i) {
    upto += values[i] <= at ? 1 : 0;
    const double above = values[i] > at ? values[i] : std::numeric_limits<double>::infinity();
    next = above < next ? above : next;
  }
  return {at, upto > k + 1 ? at : next};
}

struct Rank {
  std::size_t index;
  double part;
};

// Where the quantile of a tail stands among the sorted returns (type 7).
Rank rank_of(double tail, std::size_t count) {
  const double at = tail * static_cast<double>(count - 1);
  const auto index = static_cast<std::size_t>(at);
  return {index, at - static_cast<double>(index)};
}

double between(const Pair& pair, double part) {
  return part == 0.0 ? pair.at : pair.at + (pair.next - pair.at) * part;
}

}  // namespace

void tail_pass(const double* returns, std::size_t count, SimdLevel simd, const Moments& moments,
               Scratch& scratch, double* row) {
  const Rank five = rank_of(0.05, count), one = rank_of(0.01, count);
  const double deviation = std::sqrt(moments.square / static_cast<double>(count));
  double* low = scratch.low.get();
  std::size_t size = 0;
  // Only the low returns matter: those under a guess, if they are enough, else under a wider one.
  for (const double width : {1.3, 0.6}) {
    size = keep_low(returns, count, moments.mean - width * deviation, simd, low);
    if (size >= five.index + 2) break;
  }
  if (size < five.index + 2) size = keep_low(returns, count, moments.high, simd, low);
  const Pair at_five = select_pair(low, size, five.index, simd, scratch);
  row[VAR_95] = between(at_five, five.part);
  size = keep_low(low, size, row[VAR_95], simd, low);
  row[ES_95] = fixed_sum(low, size) / static_cast<double>(size);
  const bool inside = one.index + 2 <= size;
  const Pair at_one = inside ? select_pair(low, size, one.index, simd, scratch) : at_five;
  row[VAR_99] = between(at_one, one.part);
  size = keep_low(low, size, row[VAR_99], simd, low);
  row[ES_99] = fixed_sum(low, size) / static_cast<double>(size);
}

}  // namespace algotrader::metrics
