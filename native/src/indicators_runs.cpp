#include "algotrader/indicators_runs.hpp"

namespace algotrader::indicators {

namespace {

// The top bit of the result is set when the exponent is all ones: NaN or an infinity.
std::uint64_t not_finite_bit(double value) noexcept {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  return (bits & 0x7fffffffffffffffULL) + 0x0010000000000000ULL;
}

}  // namespace

Size first_not_finite(const double* values, Size begin, Size end) noexcept {
  constexpr Size block = 64;
  constexpr std::uint64_t top = 0x8000000000000000ULL;
  Size row = begin;
  for (; row + block <= end; row += block) {
    std::uint64_t seen = 0;
    for (Size k = 0; k < block; ++k) seen |= not_finite_bit(values[row + k]);
    if ((seen & top) != 0) break;
  }
  for (; row < end; ++row) {
    if ((not_finite_bit(values[row]) & top) != 0) return row;
  }
  return end;
}

}  // namespace algotrader::indicators
