// Splits series with gaps into runs of complete rows. A row is complete when all inputs are finite;
// every other row is a gap (R3) and its outputs are NaN.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "algotrader/indicators.hpp"

namespace algotrader::indicators {

// What an indicator does after a gap.
enum class Gaps {
  restart,  // begin anew, warm-up included: what stood before the gap has no influence
  carry,    // go on as if the missing rows were not in the series (running totals)
  pass,     // the kernel takes NaN itself
};

// First row in [begin, end) that is not finite, else end.
Size first_not_finite(const double* values, Size begin, Size end) noexcept;
// The same without wide registers, for machines that lack them and for tests.
Size first_not_finite_plain(const double* values, Size begin, Size end) noexcept;

template <Size In>
Size end_of_run(const Inputs<In>& in, Size begin, Size rows) noexcept {
  Size end = rows;
  for (const double* series : in) end = first_not_finite(series, begin, end);
  return end;
}

template <Size In>
bool is_gap(const Inputs<In>& in, Size row) noexcept {
  for (const double* series : in) {
    if (first_not_finite(series, row, row + 1) == row) return true;
  }
  return false;
}

template <Size Count, class Pointer>
std::array<Pointer, Count> shifted(std::array<Pointer, Count> series, Size rows) noexcept {
  for (Pointer& start : series) start += rows;
  return series;
}

template <Size In, Size Out, class Kernel>
void restart_after_gaps(const Inputs<In>& in, Size rows, const Outputs<Out>& out, Kernel kernel) {
  Size row = 0;
  while (row < rows) {
    const Size end = end_of_run(in, row, rows);
    if (end > row) kernel(shifted(in, row), end - row, shifted(out, row));
    for (row = end; row < rows && is_gap(in, row); ++row) {
      for (double* series : out) series[row] = std::numeric_limits<double>::quiet_NaN();
    }
  }
}

template <Size In, Size Out, class Kernel>
void carry_over_gaps(const Inputs<In>& in, Size rows, const Outputs<Out>& out, Kernel kernel) {
  if (end_of_run(in, 0, rows) == rows) return kernel(in, rows, out);
  std::vector<Size> complete;
  for (Size row = 0; row < rows; ++row) {
    if (!is_gap(in, row)) complete.push_back(row);
  }
  std::vector<double> packed((In + Out) * complete.size());
  Inputs<In> dense_in;
  Outputs<Out> dense_out;
  double* next = packed.data();
  for (Size k = 0; k < In; ++k, next += complete.size()) {
    for (Size i = 0; i < complete.size(); ++i) next[i] = in[k][complete[i]];
    dense_in[k] = next;
  }
  for (Size k = 0; k < Out; ++k, next += complete.size()) dense_out[k] = next;
  kernel(dense_in, complete.size(), dense_out);
  for (Size k = 0; k < Out; ++k) {
    for (Size row = 0; row < rows; ++row) out[k][row] = std::numeric_limits<double>::quiet_NaN();
    for (Size i = 0; i < complete.size(); ++i) out[k][complete[i]] = dense_out[k][i];
  }
}

// For a kernel that never forgets: a value that is not finite anywhere before the last row leaves its
// last output not finite. Such a kernel may run first and be asked afterwards, which saves reading
// all inputs twice; only a series with gaps, or too short, is then looked at row by row.
template <Size In, Size Out, class Kernel>
bool ran_without_gaps(const Inputs<In>& in, Size rows, const Outputs<Out>& out, Kernel kernel) {
  if (rows == 0 || is_gap(in, rows - 1)) return false;
  kernel(in, rows, out);
  return first_not_finite(out[0], rows - 1, rows) == rows;
}

enum class Memory {
  fades,  // rows that left a window have no influence
  stays,  // see ran_without_gaps
};

template <Size In, Size Out, class Kernel>
void over_runs(Gaps gaps, Memory memory, const Inputs<In>& in, Size rows, const Outputs<Out>& out,
               Kernel kernel) {
  if (memory == Memory::stays && ran_without_gaps(in, rows, out, kernel)) return;
  if (gaps == Gaps::pass) return kernel(in, rows, out);
  if (gaps == Gaps::carry) return carry_over_gaps(in, rows, out, kernel);
  restart_after_gaps(in, rows, out, kernel);
}

}  // namespace algotrader::indicators
