// Strength, range and direction of moves: Wilder's systems and their relatives.
#include <algorithm>
#include <cmath>
#include <vector>

#include "algotrader/indicators.hpp"
#include "indicators_smoothing.hpp"
#include "indicators_windows.hpp"

namespace algotrader::indicators {

namespace {

// NaN when a value it reads is not finite.
double range_of(const Inputs<3>& in, Size row) noexcept {
  const double high = in[0][row];
  const double low = in[1][row];
  const double before = in[2][row - 1];
  return (larger(high, before) - smaller(low, before)) + ((high + low) + before) * 0.0;
}

double gain(double step) noexcept { return (std::fabs(step) + step) * 0.5; }
double loss(double step) noexcept { return (std::fabs(step) - step) * 0.5; }

// Wilder's averages of the gains and of the losses; emit(row, count, up, down) from `window` on.
template <class Emit>
void smoothed_moves(const double* x, Size rows, Size window, Emit emit) {
  const double n = static_cast<double>(window);
  double up[CHUNK];
  double down[CHUNK];
  up[0] = down[0] = 0.0;
  for (Size row = 1; row <= window; ++row) {
    up[0] += gain(x[row] - x[row - 1]);
    down[0] += loss(x[row] - x[row - 1]);
  }
  up[0] /= n;
  down[0] /= n;
  Smoother gains(1.0 / n, up[0]);
  Smoother losses(1.0 / n, down[0]);
  emit(window, Size{1}, up, down);
  in_chunks(window + 1, rows, [&](Size first, Size count) {
    for (Size i = 0; i < count; ++i) {
      const double step = x[first + i] - x[first + i - 1];
      up[i] = gain(step);
      down[i] = loss(step);
    }
    gains.run(up, count, up);
    losses.run(down, count, down);
    emit(first, count, up, down);
  });
}

// One row's directional movement: only the larger of the two moves counts.
constexpr auto plus_move = [](const Inputs<3>& in, Size row) noexcept {
  const double up = in[0][row] - in[0][row - 1];
  const double down = in[1][row - 1] - in[1][row];
  return above_zero(up - larger(down, 0.0)) * larger(up, 0.0);
};

constexpr auto minus_move = [](const Inputs<3>& in, Size row) noexcept {
  const double up = in[0][row] - in[0][row - 1];
  const double down = in[1][row - 1] - in[1][row];
  return above_zero(down - larger(up, 0.0)) * larger(down, 0.0);
};

constexpr auto range_move = [](const Inputs<3>& in, Size row) noexcept { return range_of(in, row); };

// Wilder's running sums of two row values: they begin with the sum of rows 1 to window - 1.
// emit(row, count, a, b) from row `window` on.
template <class A, class B, class Emit>
void running_sums(const Inputs<3>& in, Size rows, Size window, A of_a, B of_b, Emit emit) {
  double a[CHUNK];
  double b[CHUNK];
  double start_a = 0.0;
  double start_b = 0.0;
  for (Size row = 1; row < window; ++row) {
    start_a += of_a(in, row);
    start_b += of_b(in, row);
  }
  const double rest = 1.0 - 1.0 / static_cast<double>(window);
  Smoother sum_a(1.0, rest, start_a);
  Smoother sum_b(1.0, rest, start_b);
  in_chunks(window, rows, [&](Size first, Size count) {
    for (Size i = 0; i < count; ++i) a[i] = of_a(in, first + i);
    for (Size i = 0; i < count; ++i) b[i] = of_b(in, first + i);
    sum_a.run(a, count, a);
    sum_b.run(b, count, b);
    emit(first, count, a, b);
  });
}

double percent_or_zero(double part, double whole) noexcept {
  const double share = 100.0 * (part / whole);
  return whole == 0.0 ? 0.0 : share;
}

// Writes the average true range; finish(first, count) is called for every chunk of it.
template <class Finish>
void average_range(const Inputs<3>& in, Size rows, const Outputs<1>& out, Size window,
                   Finish finish) {
  if (!begin_after(out, rows, window)) return;
  const double n = static_cast<double>(window);
  double start = 0.0;
  for (Size row = 1; row <= window; ++row) start += range_of(in, row);
  out[0][window] = start /= n;
  finish(window, Size{1});
  Smoother smoother(1.0 / n, start);
  double range[CHUNK];
  in_chunks(window + 1, rows, [&](Size first, Size count) {
    for (Size i = 0; i < count; ++i) range[i] = range_of(in, first + i);
    smoother.run(range, count, out[0] + first);
    finish(first, count);
  });
}

// Mean absolute deviation from `mean` of the window that ends at `row`, eight rows side by side.
void mean_deviations(const double* x, const double* mean, Size rows, Size window, double* out) {
  constexpr Size lanes = 8;
  const double count = static_cast<double>(window);
  Size row = window - 1;
  for (; row + lanes <= rows; row += lanes) {
    double sum[lanes] = {};
    for (Size age = 0; age < window; ++age) {
      const double* start = x + (row - age);
      for (Size k = 0; k < lanes; ++k) sum[k] += std::fabs(start[k] - mean[row + k]);
    }
    for (Size k = 0; k < lanes; ++k) out[row + k] = sum[k] / count;
  }
  for (; row < rows; ++row) {
    double sum = 0.0;
    for (Size age = 0; age < window; ++age) sum += std::fabs(x[row - age] - mean[row]);
    out[row] = sum / count;
  }
}

// One side of the parabolic stop. `Up` is a long position, whose stop lies under the lows.
template <bool Up>
struct Parabola {
  static bool beyond(double a, double b) noexcept { return Up ? a > b : a < b; }
  // The stop may not enter the range of the last two rows.
  static double outside(double stop, double before, double now) noexcept {
    return Up ? smaller(smaller(stop, before), now) : larger(larger(stop, before), now);
  }
};

struct Stop {
  bool rising;
  double level;
  double extreme;
  double pace;
};

// Takes row `row` (with the row before); returns the stop that held on it and moves on.
template <bool Up>
double advance(Stop& stop, const Inputs<2>& in, Size row, Size before, double step, double limit) {
  const double* against = Up ? in[1] : in[0];
  const double* along = Up ? in[0] : in[1];
  if (!Parabola<Up>::beyond(against[row], stop.level)) {
    stop.rising = !Up;
    const double turned = Parabola<!Up>::outside(stop.extreme, along[before], along[row]);
    stop.pace = step;
    stop.extreme = against[row];
    stop.level = Parabola<!Up>::outside(turned + step * (stop.extreme - turned), along[before],
                                        along[row]);
    return turned;
  }
  const double held = stop.level;
  if (Parabola<Up>::beyond(along[row], stop.extreme)) {
    stop.extreme = along[row];
    stop.pace = smaller(stop.pace + step, limit);
  }
  stop.level = Parabola<Up>::outside(held + stop.pace * (stop.extreme - held), against[before],
                                     against[row]);
  return held;
}

}  // namespace

void rsi(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window)) return;
  smoothed_moves(in[0], rows, window,
                 [&](Size row, Size count, const double* up, const double* down) {
                   for (Size i = 0; i < count; ++i) {
                     out[0][row + i] = percent_or_zero(up[i], up[i] + down[i]);
                   }
                 });
}

void cmo(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window)) return;
  smoothed_moves(in[0], rows, window,
                 [&](Size row, Size count, const double* up, const double* down) {
                   for (Size i = 0; i < count; ++i) {
                     out[0][row + i] = percent_or_zero(up[i] - down[i], up[i] + down[i]);
                   }
                 });
}

void true_range(const Inputs<3>& in, Size rows, const Outputs<1>& out) {
  if (!begin_after(out, rows, 1)) return;
  in_chunks(1, rows, [&](Size first, Size count) {
    double* range = out[0] + first;
    const double* own = in[2] + first;
    ALGOTRADER_SIDE_BY_SIDE
    for (Size i = 0; i < count; ++i) {
      range[i] = range_of(in, first + i) + own[i] * 0.0;  // NaN when its own close is missing
    }
  });
}

void atr(const Inputs<3>& in, Size rows, const Outputs<1>& out, Size window) {
  average_range(in, rows, out, window, [](Size, Size) {});
}

void natr(const Inputs<3>& in, Size rows, const Outputs<1>& out, Size window) {
  average_range(in, rows, out, window, [&](Size first, Size count) {
    double* range = out[0] + first;
    const double* close = in[2] + first;
    for (Size i = 0; i < count; ++i) range[i] = percent_or_zero(range[i], close[i]);
  });
}

void plus_di(const Inputs<3>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window)) return;
  running_sums(in, rows, window, plus_move, range_move,
               [&](Size row, Size count, const double* plus, const double* range) {
                 for (Size i = 0; i < count; ++i) {
                   out[0][row + i] = percent_or_zero(plus[i], range[i]);
                 }
               });
}

void minus_di(const Inputs<3>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window)) return;
  running_sums(in, rows, window, minus_move, range_move,
               [&](Size row, Size count, const double* minus, const double* range) {
                 for (Size i = 0; i < count; ++i) {
                   out[0][row + i] = percent_or_zero(minus[i], range[i]);
                 }
               });
}

// DX = 100 |+DI - -DI| / (+DI + -DI); the true range cancels. Without movement the average stays.
void adx(const Inputs<3>& in, Size rows, const Outputs<1>& out, Size window) {
  const Size first = rows < window ? rows : 2 * window - 1;
  if (!begin_after(out, rows, first)) return;
  const double n = static_cast<double>(window);
  const double weight = 1.0 / n;
  const double rest = 1.0 - weight;
  double average = 0.0;
  running_sums(
      in, rows, window, plus_move, minus_move,
      [&](Size row, Size count, double* plus, const double* minus) {
        for (Size i = 0; i < count; ++i) {
          plus[i] = percent_or_zero(std::fabs(plus[i] - minus[i]), plus[i] + minus[i]);
        }
        Size i = 0;
        for (; i < count && row + i < first; ++i) average += plus[i];
        for (; i < count; ++i) {
          const bool begins = row + i == first;
          const double smoothed = rest * average + weight * plus[i];
          average = begins ? (average + plus[i]) / n : smoothed;
          out[0][row + i] = average;
        }
      });
}

void cci(const Inputs<3>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window - 1)) return;
  std::vector<double> typical(rows);
  for (Size row = 0; row < rows; ++row) {
    typical[row] = (in[0][row] + in[1][row] + in[2][row]) / 3.0;
  }
  std::vector<double> mean(rows);
  sma({typical.data()}, rows, {mean.data()}, window);
  mean_deviations(typical.data(), mean.data(), rows, window, out[0]);
  for (Size row = window - 1; row < rows; ++row) {
    const double away = typical[row] - mean[row];
    const double scale = 0.015 * out[0][row];
    out[0][row] = scale == 0.0 ? 0.0 : away / scale;
  }
}

void ultimate(const Inputs<3>& in, Size rows, const Outputs<1>& out, Size fast, Size middle,
              Size slow) {
  const Size first = std::max({fast, middle, slow});
  if (!begin_after(out, rows, first)) return;
  const auto load = [&](Size step, Size count, const Columns<2>& columns) {
    for (Size i = 0; i < count; ++i) {
      const Size row = step + i + 1;
      const double floor = smaller(in[1][row], in[2][row - 1]);
      columns[0][i] = in[2][row] - floor;
      columns[1][i] = larger(in[0][row], in[2][row - 1]) - floor;
    }
  };
  running_totals<2>(rows - 1, first, load, [&](Size step, Size count, const Columns<2>& total) {
    const auto share = [&](Size i, Size window) {
      const double* pressure = total[0] + i;
      const double* range = total[1] + i;
      return percent_or_zero(pressure[0] - *(pressure - window), range[0] - *(range - window));
    };
    for (Size i = step + 1 < first ? first - step - 1 : 0; i < count; ++i) {
      const double sum = (4.0 * share(i, fast) + 2.0 * share(i, middle)) + share(i, slow);
      out[0][step + 1 + i] = sum / 7.0;
    }
  });
}

void sar(const Inputs<2>& in, Size rows, const Outputs<1>& out, double step, double limit) {
  if (!begin_after(out, rows, 1)) return;
  const double* high = in[0];
  const double* low = in[1];
  const double up = high[1] - high[0];
  const double down = low[0] - low[1];
  const bool rising = !(down > 0.0 && down > up);
  Stop stop{rising, rising ? low[0] : high[0], rising ? high[1] : low[1], std::min(step, limit)};
  for (Size row = 1; row < rows; ++row) {
    const Size before = row == 1 ? 1 : row - 1;
    out[0][row] = stop.rising
                      ? advance<true>(stop, in, row, before, std::min(step, limit), limit)
                      : advance<false>(stop, in, row, before, std::min(step, limit), limit);
  }
}

// The upper band only falls while closes stay under it, the lower only rises; a close through the
// band in force turns the direction.
void supertrend(const Inputs<3>& in, Size rows, const Outputs<2>& out, Size window,
                double multiplier) {
  std::fill(out[1], out[1] + std::min(rows, window), NOT_YET);
  atr(in, rows, {out[0]}, window);
  const double* close = in[2];
  double upper = 0.0;
  double lower = 0.0;
  bool rising = true;
  for (Size row = window; row < rows; ++row) {
    const double middle = (in[0][row] + in[1][row]) / 2.0;
    const double above = middle + multiplier * out[0][row];
    const double below = middle - multiplier * out[0][row];
    const bool first = row == window;
    if (first) rising = close[row] >= middle;
    if (first || above < upper || close[row - 1] > upper) upper = above;
    if (first || below > lower || close[row - 1] < lower) lower = below;
    if (!first) rising = rising ? close[row] > lower : close[row] >= upper;
    out[0][row] = rising ? lower : upper;
    out[1][row] = rising ? 1.0 : -1.0;
  }
}

void change(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size back) {
  if (!begin_after(out, rows, back)) return;
  in_chunks(back, rows, [&](Size first, Size count) {
    double* result = out[0] + first;
    const double* now = in[0] + first;
    const double* before = now - back;
    ALGOTRADER_SIDE_BY_SIDE
    for (Size i = 0; i < count; ++i) result[i] = now[i] - before[i];
  });
}

void rate_of_change(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size back, double unit) {
  if (!begin_after(out, rows, back)) return;
  in_chunks(back, rows, [&](Size first, Size count) {
    double* result = out[0] + first;
    const double* now = in[0] + first;
    const double* before = now - back;
    ALGOTRADER_SIDE_BY_SIDE
    for (Size i = 0; i < count; ++i) {
      const double change = (now[i] / before[i] - 1.0) * unit;
      result[i] = before[i] == 0.0 ? NOT_YET : change;
    }
  });
}

void balance_of_power(const Inputs<4>& in, Size rows, const Outputs<1>& out) {
  in_chunks(0, rows, [&](Size first, Size count) {
    double* result = out[0] + first;
    ALGOTRADER_SIDE_BY_SIDE
    for (Size i = 0; i < count; ++i) {
      const double range = in[1][first + i] - in[2][first + i];
      const double body = in[3][first + i] - in[0][first + i];
      const double share = body / range;
      result[i] = range <= 0.0 ? body * 0.0 : share;
    }
  });
}

}  // namespace algotrader::indicators
