#include "algotrader/cash_factor.hpp"

#include <algorithm>
#include <cmath>

#include "algotrader/costs.hpp"

namespace algotrader {

namespace {

double total_cost(std::span<const Increase> increases, double factor) noexcept {
  double sum = 0.0;
  for (const Increase& increase : increases) sum += increase.cost(factor);
  return sum;
}

// Slope of the sum of costs just below `factor`; a binding minimum adds nothing.
double slope(std::span<const Increase> increases, double factor) noexcept {
  double sum = 0.0;
  for (const Increase& increase : increases) {
    sum += increase.principal;
    const double raw = increase.fee_sum + factor * increase.fee_base * increase.fee_rate;
    const bool minimum_binds = increase.fee_rate > 0.0 && raw <= increase.fee_minimum;
    if (!minimum_binds) sum += increase.fee_base * increase.fee_rate;
  }
  return sum;
}

}  // namespace

double Increase::cost(double factor) const noexcept {
  if (fee_base == 0.0) return factor * principal;
  if (fee_rate <= 0.0) return factor * (principal + fee_base * fee_rate);
  const double raw = fee_sum + factor * fee_base * fee_rate;
  return factor * principal + order_fee(raw, fee_rate, fee_minimum) - fee_charged;
}

bool is_paid(std::span<const Increase> increases, double free) noexcept {
  return total_cost(increases, 1.0) <= free + 1e-9 * std::max(1.0, std::abs(free));
}

bool affordable(std::span<const Increase> increases, double free) noexcept {
  return total_cost(increases, 1.0) <= free + 1e-12 * std::abs(free);
}

double cash_factor(std::span<const Increase> increases, double free) noexcept {
  if (increases.empty() || affordable(increases, free)) return 1.0;
  if (total_cost(increases, 0.0) > free) return 0.0;
  // The sum is convex and rising, so Newton's steps come down to the root and end on its piece.
  double factor = 1.0;
  for (int step = 0; step < 64; ++step) {
    const double gap = total_cost(increases, factor) - free;
    if (gap <= 0.0) break;
    const double next = factor - gap / slope(increases, factor);
    if (!(next < factor)) break;
    factor = next;
  }
  return std::clamp(factor, 0.0, 1.0);
}

}  // namespace algotrader
