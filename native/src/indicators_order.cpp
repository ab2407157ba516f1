// Extremes, their age, quantiles and ranks of a window, and what is made of the extremes.
#include <algorithm>
#include <cmath>
#include <vector>

#include "algotrader/indicators.hpp"
#include "indicators_windows.hpp"

namespace algotrader::indicators {

namespace {

double larger(double a, double b) noexcept { return a < b ? b : a; }
double smaller(double a, double b) noexcept { return b < a ? b : a; }

struct Range {
  double high;
  double low;
};

// Highest high and lowest low of the window; emit(row, range).
template <class Emit>
void ranges(const double* high, const double* low, Size rows, Size window, Emit emit) {
  fold_windows<Range>(
      rows, window, [=](Size row, Size) { return Range{high[row], low[row]}; },
      [](const Range& a, const Range& b) {
        return Range{larger(a.high, b.high), smaller(a.low, b.low)};
      },
      [&](Size row, const Range& range, Size) { emit(row, range); });
}

struct Placed {
  double value;
  Size row;
};

// Of equal values the newest counts. `Sign` is +1 for the highest, -1 for the lowest.
template <int Sign>
Placed newest_extreme(const Placed& older, const Placed& newer) noexcept {
  const bool keep = Sign > 0 ? older.value > newer.value : older.value < newer.value;
  return keep ? older : newer;
}

template <int Sign, class Emit>
void placed_extremes(const double* x, Size rows, Size window, Emit emit) {
  fold_windows<Placed>(
      rows, window, [x](Size row, Size) { return Placed{x[row], row}; }, newest_extreme<Sign>,
      [&](Size row, const Placed& extreme, Size) { emit(row, row - extreme.row); });
}

double percent_of_range(double part, const Range& range) noexcept {
  const double width = range.high - range.low;
  return width == 0.0 ? 0.0 : part / width * 100.0;
}

// The window's values in order; one leaves and one enters per row.
class Sorted {
 public:
  Sorted(const double* first, Size count) : values_(first, first + count) {
    std::sort(values_.begin(), values_.end());
  }
  void replace(double old, double fresh) {
    auto hole = std::lower_bound(values_.begin(), values_.end(), old);
    auto place = std::lower_bound(values_.begin(), values_.end(), fresh);
    if (hole < place) {
      std::move(hole + 1, place, hole);
      *(place - 1) = fresh;
    } else {
      std::move_backward(place, hole, hole + 1);
      *place = fresh;
    }
  }
  double at(Size index) const noexcept { return values_[index]; }

 private:
  std::vector<double> values_;
};

}  // namespace

void rolling_max(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window - 1)) return;
  const double* x = in[0];
  fold_windows<double>(
      rows, window, [x](Size row, Size) { return x[row]; }, larger,
      [&](Size row, double highest, Size) { out[0][row] = highest; });
}

void rolling_min(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window - 1)) return;
  const double* x = in[0];
  fold_windows<double>(
      rows, window, [x](Size row, Size) { return x[row]; }, smaller,
      [&](Size row, double lowest, Size) { out[0][row] = lowest; });
}

void rolling_argmax(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window - 1)) return;
  placed_extremes<1>(in[0], rows, window,
                     [&](Size row, Size age) { out[0][row] = static_cast<double>(age); });
}

void rolling_argmin(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window - 1)) return;
  placed_extremes<-1>(in[0], rows, window,
                      [&](Size row, Size age) { out[0][row] = static_cast<double>(age); });
}

// Between the two nearest order statistics, in proportion (Hyndman and Fan's type 7).
void rolling_quantile(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window,
                      double quantile) {
  if (!begin_after(out, rows, window - 1)) return;
  const double* x = in[0];
  const double place = quantile * static_cast<double>(window - 1);
  const Size below = std::min(static_cast<Size>(place), window - 1);
  const Size above = std::min(below + 1, window - 1);
  const double part = place - static_cast<double>(below);
  Sorted sorted(x, window);
  for (Size row = window - 1;; ++row) {
    const double under = sorted.at(below);
    out[0][row] = under + part * (sorted.at(above) - under);
    if (row + 1 >= rows) return;
    sorted.replace(x[row + 1 - window], x[row + 1]);
  }
}

// Share of the window at or under the newest value; ties count half, itself whole.
void rolling_rank(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window - 1)) return;
  const double* x = in[0];
  for (Size row = window - 1; row < rows; ++row) {
    const double value = x[row];
    const double* first = x + (row + 1 - window);
    Size under = 0;
    Size equal = 0;
    for (Size k = 0; k < window; ++k) {
      under += first[k] < value ? 1 : 0;
      equal += first[k] == value ? 1 : 0;
    }
    const double rank = static_cast<double>(under) + (static_cast<double>(equal) + 1.0) / 2.0;
    out[0][row] = rank / static_cast<double>(window);
  }
}

void midrange(const Inputs<2>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window - 1)) return;
  ranges(in[0], in[1], rows, window,
         [&](Size row, const Range& range) { out[0][row] = (range.high + range.low) / 2.0; });
}

void donchian(const Inputs<2>& in, Size rows, const Outputs<3>& out, Size window) {
  if (!begin_after(out, rows, window - 1)) return;
  ranges(in[0], in[1], rows, window, [&](Size row, const Range& range) {
    out[0][row] = range.high;
    out[1][row] = (range.high + range.low) / 2.0;
    out[2][row] = range.low;
  });
}

// Ages over window + 1 rows: the age of an extreme is 0 to `window`.
void aroon(const Inputs<2>& in, Size rows, const Outputs<2>& out, Size window) {
  if (!begin_after(out, rows, window)) return;
  const double span = static_cast<double>(window);
  placed_extremes<1>(in[0], rows, window + 1, [&](Size row, Size age) {
    out[0][row] = 100.0 * (span - static_cast<double>(age)) / span;
  });
  placed_extremes<-1>(in[1], rows, window + 1, [&](Size row, Size age) {
    out[1][row] = 100.0 * (span - static_cast<double>(age)) / span;
  });
}

void raw_stochastic(const Inputs<3>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window - 1)) return;
  const double* close = in[2];
  ranges(in[0], in[1], rows, window, [&](Size row, const Range& range) {
    out[0][row] = percent_of_range(close[row] - range.low, range);
  });
}

void williams_r(const Inputs<3>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window - 1)) return;
  const double* close = in[2];
  ranges(in[0], in[1], rows, window, [&](Size row, const Range& range) {
    out[0][row] = percent_of_range(close[row] - range.high, range);
  });
}

void stochastic_fast(const Inputs<3>& in, Size rows, const Outputs<2>& out, Size window,
                     Size signal) {
  stochastic(in, rows, out, window, 1, signal);
}

void stochastic(const Inputs<3>& in, Size rows, const Outputs<2>& out, Size window, Size slowing,
                Size signal) {
  const bool long_enough = window <= rows && slowing <= rows && signal <= rows;
  const Size warmup = long_enough ? window + slowing + signal - 3 : rows;
  if (!begin_after(out, rows, warmup)) return;
  std::vector<double> raw(rows);
  const Size first = window - 1;
  raw_stochastic(in, rows, {raw.data()}, window);
  sma({raw.data() + first}, rows - first, {out[0] + first}, slowing);
  const Size slowed = first + slowing - 1;
  sma({out[0] + slowed}, rows - slowed, {out[1] + slowed}, signal);
  std::fill(out[0] + slowed, out[0] + warmup, NOT_YET);
}

}  // namespace algotrader::indicators
