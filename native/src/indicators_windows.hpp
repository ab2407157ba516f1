// Folds over sliding windows in constant time per row, without ever taking anything away.
//
// The rows are cut into blocks as long as the window. A window is the tail of one block and the
// head of the next; tails are folded from the right and heads from the left, and the two are
// joined. Nothing is subtracted, so nothing drifts, a value that left a window leaves no trace in
// its rounding, and the same code serves sums, products and extremes.
// (van Herk 1992; Gil and Werman 1993.)
#pragma once

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "algotrader/indicators.hpp"

namespace algotrader::indicators {

inline constexpr double NOT_YET = std::numeric_limits<double>::quiet_NaN();

// NaN in the first `warmup` rows; true when there are rows after them.
template <Size Out>
bool begin_after(const Outputs<Out>& out, Size rows, Size warmup) {
  for (double* series : out) std::fill(series, series + std::min(rows, warmup), NOT_YET);
  return rows > warmup;
}

// Calls emit(row, folded, origin) for every row from window - 1 on. load(row, origin) gives the
// row's value; `origin` is a row inside every window it is used for, the same for a whole block,
// so that sums can be taken about the value there. join(older, newer) must be associative.
template <class Value, class Load, class Join, class Emit>
void fold_windows(Size rows, Size window, Load load, Join join, Emit emit) {
  if (window == 0 || window > rows) return;
  Value head = load(0, 0);
  for (Size row = 1; row < window; ++row) head = join(head, load(row, 0));
  emit(window - 1, head, Size{0});
  std::vector<Value> tails(window - 1);
  for (Size start = window; start < rows; start += window) {
    if (window > 1) {
      Value tail = load(start - 1, start);
      tails[window - 2] = tail;
      for (Size back = 2; back < window; ++back) {
        tail = join(load(start - back, start), tail);
        tails[window - 1 - back] = tail;
      }
    }
    const Size end = std::min(rows, start + window);
    head = load(start, start);
    for (Size row = start;;) {
      const Size offset = row - start;
      emit(row, offset + 1 < window ? join(tails[offset], head) : head, start);
      if (++row >= end) break;
      head = join(head, load(row, start));
    }
  }
}

template <Size Count>
using Sums = std::array<double, Count>;

template <Size Count>
Sums<Count> added(const Sums<Count>& older, const Sums<Count>& newer) noexcept {
  Sums<Count> total;
  for (Size k = 0; k < Count; ++k) total[k] = older[k] + newer[k];
  return total;
}

template <Size Count, class Load, class Emit>
void sum_windows(Size rows, Size window, Load load, Emit emit) {
  fold_windows<Sums<Count>>(rows, window, load, added<Count>, emit);
}

// Two sums about the value at `origin`: of the rows, and of the rows weighted 1 (oldest) to
// `window` (newest). emit(row, sum, ramp, origin).
template <class Emit>
void ramp_windows(const double* x, Size rows, Size window, Emit emit) {
  if (window == 0 || window > rows) return;
  std::vector<double> tail_sum(window, 0.0);
  std::vector<double> tail_ramp(window, 0.0);
  for (Size start = 0; start < rows; start += window) {
    const double about = x[start];
    if (start > 0) {
      double sum = 0.0;
      double ramp = 0.0;
      for (Size offset = window - 1; offset-- > 0;) {
        sum += x[start - window + offset + 1] - about;
        ramp += sum;
        tail_sum[offset] = sum;
        tail_ramp[offset] = ramp;
      }
    }
    double head_sum = 0.0;
    double head_ramp = 0.0;
    const Size end = std::min(rows, start + window);
    for (Size row = start; row < end; ++row) {
      const Size offset = row - start;
      const double value = x[row] - about;
      head_sum += value;
      head_ramp += static_cast<double>(offset + 1) * value;
      if (start == 0 && offset + 1 < window) continue;
      const double lifted = static_cast<double>(window - 1 - offset) * head_sum;
      emit(row, tail_sum[offset] + head_sum, tail_ramp[offset] + (lifted + head_ramp), about);
    }
  }
}

}  // namespace algotrader::indicators
