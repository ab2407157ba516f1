#include "algotrader/indicators_runs.hpp"

#include "algotrader/simd.hpp"

namespace algotrader::indicators {

namespace {

// The top bit of the result is set when the exponent is all ones: NaN or an infinity.
inline __attribute__((always_inline)) std::uint64_t not_finite_bit(double value) noexcept {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  return (bits & 0x7fffffffffffffffULL) + 0x0010000000000000ULL;
}

constexpr Size SCANNED = 128;  // rows tested at once

inline __attribute__((always_inline)) Size finite_blocks(const double* values, Size begin,
                                                         Size end) noexcept {
  constexpr std::uint64_t top = 0x8000000000000000ULL;
  Size row = begin;
  for (; row + SCANNED <= end; row += SCANNED) {
    std::uint64_t seen = 0;
    for (Size k = 0; k < SCANNED; ++k) seen |= not_finite_bit(values[row + k]);
    if ((seen & top) != 0) break;
  }
  return row;
}

Size finite_blocks_plain(const double* values, Size begin, Size end) noexcept {
  return finite_blocks(values, begin, end);
}

#if defined(__x86_64__)
// The same test in wider registers; it only looks at bits, so the answer is the same.
__attribute__((target("avx2"))) Size finite_blocks_avx2(const double* values, Size begin,
                                                        Size end) noexcept {
  return finite_blocks(values, begin, end);
}

Size scan(const double* values, Size begin, Size end) noexcept {
  if (simd_level() >= SimdLevel::Avx2) return finite_blocks_avx2(values, begin, end);
  return finite_blocks_plain(values, begin, end);
}
#else
Size scan(const double* values, Size begin, Size end) noexcept {
  return finite_blocks_plain(values, begin, end);
}
#endif

Size first_from(const double* values, Size row, Size end) noexcept {
  for (; row < end; ++row) {
    if ((not_finite_bit(values[row]) >> 63) != 0) return row;
  }
  return end;
}

}  // namespace

Size first_not_finite(const double* values, Size begin, Size end) noexcept {
  return first_from(values, scan(values, begin, end), end);
}

Size first_not_finite_plain(const double* values, Size begin, Size end) noexcept {
  return first_from(values, finite_blocks_plain(values, begin, end), end);
}

}  // namespace algotrader::indicators
