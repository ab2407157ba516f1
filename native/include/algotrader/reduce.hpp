// Reductions in one fixed order of operations (R34): eight lanes, then a fixed tree.
// The same inputs give the same bits on every instruction set, because no compiler may
// reassociate them and every implementation keeps this very order.
#pragma once

#include <cstddef>

namespace algotrader {

// Sum of n values: lane k adds x[k], x[k+8], x[k+16], ...; then ((0+4)+(2+6)) + ((1+5)+(3+7)).
double fixed_sum(const double* values, std::size_t count) noexcept;

// The same of the products a[k] * b[k].
double fixed_dot(const double* a, const double* b, std::size_t count) noexcept;

// First k in [0, count) whose number is not NaN and differs from `acted`; count if none. `unknown`
// grows by the NaN before it.
std::size_t first_change(const double* numbers, std::size_t count, double acted,
                         std::size_t& unknown) noexcept;

// values[k] = fresh[k] where that is given.
void carry_forward(const double* fresh, double* values, std::size_t count) noexcept;

}  // namespace algotrader
