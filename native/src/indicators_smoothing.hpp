// The recursion v[t] = weight x[t] + (1 - weight) v[t-1], four rows at a time.
//
// Within a group of four the rows' own share is summed first and the value before the group added
// last, so the next group waits for one addition instead of four. The grouping begins at the first
// row ever given, so a row's bits do not depend on how many rows follow.
#pragma once

#include "algotrader/indicators.hpp"

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

}  // namespace algotrader::indicators
