// The recursion v[t] = weight x[t] + (1 - weight) v[t-1], four rows at a time.
//
// Within a group of four the rows' own share is summed first and the value before the group added
// last, so the next group waits for one addition instead of four. The grouping begins at the first
// row ever given, so a row's bits do not depend on how many rows follow.
#pragma once

#include <algorithm>

#include "algotrader/indicators.hpp"
#include "indicators_windows.hpp"

namespace algotrader::indicators {

class Smoother {
 public:
  // v[t] = weight x[t] + rest v[t-1], begun at `value`.
  Smoother(double weight, double rest, double value) noexcept
      : weight_(weight),
        rest_{rest, rest * rest, rest * rest * rest, (rest * rest) * (rest * rest)},
        value_(value) {}
  Smoother(double weight, double value) noexcept : Smoother(weight, 1.0 - weight, value) {}

  // Smooths the next `count` rows; `out` may be `x`.
  void run(const double* x, Size count, double* out) noexcept {
    Size i = 0;
    for (; i < count && place_ != 0; ++i) out[i] = step(x[i]);
    double value = value_;
    for (; i + 4 <= count; i += 4) {
      const double p0 = weight_ * x[i];
      const double p1 = weight_ * x[i + 1] + rest_[0] * p0;
      const double p2 = weight_ * x[i + 2] + rest_[0] * p1;
      const double p3 = weight_ * x[i + 3] + rest_[0] * p2;
      out[i] = p0 + rest_[0] * value;
      out[i + 1] = p1 + rest_[1] * value;
      out[i + 2] = p2 + rest_[2] * value;
      value = p3 + rest_[3] * value;
      out[i + 3] = value;
    }
    value_ = value;
    for (; i < count; ++i) out[i] = step(x[i]);
  }

 private:
  // One row of a group that is not given at once, with the same operations.
  double step(double x) noexcept {
    own_ = place_ == 0 ? weight_ * x : weight_ * x + rest_[0] * own_;
    const double value = own_ + rest_[place_] * value_;
    place_ = (place_ + 1) % 4;
    if (place_ == 0) value_ = value;
    return value;
  }

  double weight_;
  double rest_[4];    // powers 1 to 4
  double value_;      // before the group
  double own_ = 0.0;  // the rows' own share within the group
  Size place_ = 0;
};

inline double exponential_weight(Size window) noexcept {
  return 2.0 / (static_cast<double>(window) + 1.0);
}

// Plain sum in order: the start of a recursion.
inline double sum_of(const double* x, Size count) noexcept {
  double sum = 0.0;
  for (Size i = 0; i < count; ++i) sum += x[i];
  return sum;
}

// Each value becomes the sum of all up to it, with a Smoother's grouping by four.
inline void sum_up(double* x, Size count) noexcept {
  double total = 0.0;
  Size i = 0;
  for (; i + 4 <= count; i += 4) {
    const double two = x[i] + x[i + 1];
    const double three = two + x[i + 2];
    const double four = three + x[i + 3];
    x[i] += total;
    x[i + 1] = two + total;
    x[i + 2] = three + total;
    x[i + 3] = total += four;
  }
  for (double own = 0.0; i < count; ++i) x[i] = total + (own += x[i]);
}

// Sums of windows of values that are not negative, as differences of running totals that begin anew
// in every chunk: what rounding leaves is small beside a sum of the same signs, and nothing at all
// where the values are 0. For several windows of the same series at once.
//
// load(row, count, columns) writes the rows' values; emit(row, count, totals) may use
// totals[k][i] - totals[k][i - window] for every window up to `longest`.
template <Size Width, class Load, class Emit>
void running_totals(Size rows, Size longest, Load load, Emit emit) {
  const Size chunk = std::max(CHUNK, 4 * std::min(longest, rows));
  const Size reach = std::min(longest, rows);
  const Size stride = apart(reach + chunk, Width);
  const Scratch memory = scratch(Width * stride);
  Columns<Width> totals;
  for (Size k = 0; k < Width; ++k) totals[k] = memory.get() + k * stride;
  for (Size first = 0; first < rows; first += chunk) {
    const Size count = std::min(chunk, rows - first);
    const Size before = std::min(first, reach - 1);
    for (Size k = 0; k < Width; ++k) std::fill_n(totals[k], reach - before, 0.0);
    widest([&] { load(first - before, before + count, from(totals, reach - before)); });
    for (Size k = 0; k < Width; ++k) {
      double* series = totals[k] + (reach - before);
      sum_up(series, before + count);
    }
    widest([&] { emit(first, count, from(totals, reach)); });
  }
}

}  // namespace algotrader::indicators
