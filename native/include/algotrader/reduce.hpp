// Reductions in one fixed order of operations (R34): eight lanes, then a fixed tree.
// The same inputs give the same bits on every instruction set, because no compiler may
// reassociate them and every implementation keeps this very order.
#pragma once

#include <cstddef>
#include <cstdint>

namespace algotrader {

// Sum of n values: lane k adds x[k], x[k+8], x[k+16], ...; then ((0+4)+(2+6)) + ((1+5)+(3+7)).
double fixed_sum(const double* values, std::size_t count) noexcept;

// The same of the products a[k] * b[k].
double fixed_dot(const double* a, const double* b, std::size_t count) noexcept;

// Bit k % 64 of words[k / 64] is set where numbers[k] has other bits than numbers[k - 1], and for
// k = 0. There are (count + 63) / 64 words; bits beyond the last number are 0.
void mark_changes(const double* numbers, std::size_t count, std::uint64_t* words) noexcept;

// Is any of the values not NaN?
bool any_given(const double* values, std::size_t count) noexcept;

struct Prices {
  const double* open;
  const double* high;
  const double* low;
  const double* close;
  const double* volume;
};

// May all of these bars be simulated? A bar is missing in all of its prices or in none, prices are
// positive and finite, high and low enclose open and close, volume is not negative.
bool bars_are_sound(const Prices& bars, std::size_t count) noexcept;

// values[k] = fresh[k] where that is given.
void carry_forward(const double* fresh, double* values, std::size_t count) noexcept;

}  // namespace algotrader
