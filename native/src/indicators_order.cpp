// Extremes, their age, quantiles and ranks of a window, and what is made of the extremes.
#include <algorithm>
#include <cmath>
#include <vector>

#include "algotrader/indicators.hpp"
#include "indicators_windows.hpp"

namespace algotrader::indicators {

namespace {

constexpr double INFINITE = std::numeric_limits<double>::infinity();

struct Highest {
  static constexpr Size WIDTH = 1;
  static constexpr double NEUTRAL[] = {-INFINITE};
  static double join(Size, double older, double newer) noexcept { return larger(older, newer); }
  Values<double, 1> at(const OneRow& row) const noexcept { return {{row.of(x)}}; }
  const double* x;
};

struct Lowest {
  static constexpr Size WIDTH = 1;
  static constexpr double NEUTRAL[] = {INFINITE};
  static double join(Size, double older, double newer) noexcept { return smaller(older, newer); }
  Values<double, 1> at(const OneRow& row) const noexcept { return {{row.of(x)}}; }
  const double* x;
};

struct Range {
  static constexpr Size WIDTH = 2;
  static constexpr double NEUTRAL[] = {-INFINITE, INFINITE};
  static double join(Size k, double older, double newer) noexcept {
    return k == 0 ? larger(older, newer) : smaller(older, newer);
  }
  Values<double, 2> at(const OneRow& row) const noexcept {
    return {{row.of(high), row.of(low)}};
  }
  const double* high;
  const double* low;
};

template <class Fold>
void extremes(const Fold& fold, Size rows, double* out, Size window) {
  if (!begin_after(Outputs<1>{out}, rows, window - 1)) return;
  block_windows(rows, window, fold,
                [&](Size row, Size count, const Columns<1>& tail, const Columns<1>& head, Size) {
                  for (Size i = 0; i < count; ++i) {
                    out[row + i] = Fold::join(0, tail[0][i], head[0][i]);
                  }
                });
}

// Calls each(row, highest high, lowest low).
template <class Each>
void ranges(const double* high, const double* low, Size rows, Size window, Each each) {
  block_windows(rows, window, Range{high, low},
                [&](Size row, Size count, const Columns<2>& tail, const Columns<2>& head, Size) {
                  for (Size i = 0; i < count; ++i) {
                    each(row + i, larger(tail[0][i], head[0][i]), smaller(tail[1][i], head[1][i]));
                  }
                });
}

// Age of the extreme; of equal values the newest counts. `Sign` is +1 for the highest, -1 for the
// lowest. A window is the tail of one block, folded from the right, and the head of the next (van
// Herk 1992; Gil and Werman 1993).
template <int Sign>
class AgeOfExtreme {
 public:
  AgeOfExtreme(const double* x, Size window) : x_(x), window_(window), tail_(window) {}
  template <class Emit>
  void run(Size rows, Emit emit) {
    for (Size start = 0; start < rows; start += window_) {
      Size best = start;
      const Size end = std::min(rows, start + window_);
      for (Size row = start; row < end; ++row) {
        best = newer_if_as_good(best, row);
        const Size offset = row - start;
        if (offset + 1 == window_) emit(row, row - best);
        else if (start > 0) emit(row, row - newer_if_as_good(tail_[offset], best));
      }
      if (end < rows) fold_tail(start);
    }
  }

 private:
  Size newer_if_as_good(Size older, Size newer) const noexcept {
    const bool keep = Sign > 0 ? x_[older] > x_[newer] : x_[older] < x_[newer];
    return keep ? older : newer;
  }
  // tail_[k] is the extreme of the block's rows after the first k + 1.
  void fold_tail(Size start) {
    Size best = start + window_ - 1;
    for (Size offset = window_ - 1; offset-- > 0;) {
      best = newer_if_as_good(start + offset + 1, best);
      tail_[offset] = best;
    }
  }

  const double* x_;
  Size window_;
  std::vector<Size> tail_;
};

template <int Sign, class Emit>
void ages(const double* x, Size rows, Size window, Emit emit) {
  if (window <= rows) AgeOfExtreme<Sign>(x, window).run(rows, emit);
}

double percent(double part, double width) noexcept {
  const double share = part / width * 100.0;
  return width == 0.0 ? 0.0 : share;
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
  extremes(Highest{in[0]}, rows, out[0], window);
}

void rolling_min(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window) {
  extremes(Lowest{in[0]}, rows, out[0], window);
}

void rolling_argmax(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window - 1)) return;
  ages<1>(in[0], rows, window, [&](Size row, Size age) { out[0][row] = static_cast<double>(age); });
}

void rolling_argmin(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window - 1)) return;
  ages<-1>(in[0], rows, window, [&](Size row, Size age) { out[0][row] = static_cast<double>(age); });
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

// Root mean square of the percent below the highest value so far, within each window.
void ulcer_index(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window - 1)) return;
  for (Size row = window - 1; row < rows; ++row) {
    const double* first = in[0] + (row + 1 - window);
    double highest = first[0];
    double squares = 0.0;
    for (Size k = 1; k < window; ++k) {
      highest = larger(highest, first[k]);
      const double below = 100.0 * (first[k] / highest - 1.0);
      squares += below * below;
    }
    out[0][row] = std::sqrt(squares / static_cast<double>(window));
  }
}

void midrange(const Inputs<2>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window - 1)) return;
  double* middle = out[0];
  ranges(in[0], in[1], rows, window,
         [=](Size row, double high, double low) { middle[row] = (high + low) / 2.0; });
}

void donchian(const Inputs<2>& in, Size rows, const Outputs<3>& out, Size window) {
  if (!begin_after(out, rows, window - 1)) return;
  const Outputs<3> band = out;
  ranges(in[0], in[1], rows, window, [=](Size row, double high, double low) {
    band[0][row] = high;
    band[1][row] = (high + low) / 2.0;
    band[2][row] = low;
  });
}

// Ages over window + 1 rows: the age of an extreme is 0 to `window`.
void aroon(const Inputs<2>& in, Size rows, const Outputs<2>& out, Size window) {
  if (!begin_after(out, rows, window)) return;
  const double span = static_cast<double>(window);
  ages<1>(in[0], rows, window + 1, [&](Size row, Size age) {
    out[0][row] = 100.0 * (span - static_cast<double>(age)) / span;
  });
  ages<-1>(in[1], rows, window + 1, [&](Size row, Size age) {
    out[1][row] = 100.0 * (span - static_cast<double>(age)) / span;
  });
}

void raw_stochastic(const Inputs<3>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window - 1)) return;
  const double* close = in[2];
  double* place = out[0];
  ranges(in[0], in[1], rows, window, [=](Size row, double high, double low) {
    place[row] = percent(close[row] - low, high - low);
  });
}

void williams_r(const Inputs<3>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window - 1)) return;
  const double* close = in[2];
  double* place = out[0];
  ranges(in[0], in[1], rows, window, [=](Size row, double high, double low) {
    place[row] = percent(close[row] - high, high - low);
  });
}

void stochastic(const Inputs<3>& in, Size rows, const Outputs<2>& out, Size window, Size slowing,
                Size signal) {
  const bool long_enough = window <= rows && slowing <= rows && signal <= rows;
  const Size warmup = long_enough ? window + slowing + signal - 3 : rows;
  if (!begin_after(out, rows, warmup)) return;
  const Size first = window - 1;
  double* raw = out[1];
  raw_stochastic(in, rows, {raw}, window);
  sma({raw + first}, rows - first, {out[0] + first}, slowing);
  const Size slowed = first + slowing - 1;
  sma({out[0] + slowed}, rows - slowed, {out[1] + slowed}, signal);
  std::fill(out[0] + slowed, out[0] + warmup, NOT_YET);
  std::fill(out[1] + first, out[1] + slowed, NOT_YET);
}

}  // namespace algotrader::indicators
