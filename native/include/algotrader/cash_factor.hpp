// The common factor by which increases are cut when cash does not pay for all of them (R11).
#pragma once

#include <span>

namespace algotrader {

// Cost of one increase at a factor f of its size: f * principal + the fee that f adds.
struct Increase {
  double principal;    // notional (spot) or notional / leverage (derivatives)
  double fee_base;     // notional that pays the fee; 0 when the fee is taken in the coin
  double fee_rate;
  double fee_minimum;  // of the whole order
  double fee_sum;      // what earlier fills of the order added up to, before the minimum
  double fee_charged;  // what earlier fills of the order were charged

  double cost(double factor) const noexcept;
};

// Largest f in [0, 1] at which the sum of costs, minimum fees included, is at most `free`; 0 if
// the minimum fees alone are more.
double cash_factor(std::span<const Increase> increases, double free) noexcept;

// Is what is free enough for all of them? A billionth of a thousandth is not worth a cut.
bool affordable(std::span<const Increase> increases, double free) noexcept;

// Does what is free pay for what was filled, but for the hair that truncation to lots may add?
bool is_paid(std::span<const Increase> increases, double free) noexcept;

}  // namespace algotrader
