// Strength, range and direction of moves: Wilder's systems and their relatives.
#include <algorithm>
#include <cmath>
#include <vector>

#include "algotrader/indicators.hpp"
#include "indicators_windows.hpp"

namespace algotrader::indicators {

namespace {

double range_of(const Inputs<3>& in, Size row) noexcept {
  const double before = in[2][row - 1];
  return std::max(in[0][row], before) - std::min(in[1][row], before);
}

struct Moves {
  double up;
  double down;
};

// Wilder's averages of the gains and of the losses; emit(row, averages) from row `window` on.
template <class Emit>
void smoothed_moves(const double* x, Size rows, Size window, Emit emit) {
  const double count = static_cast<double>(window);
  Moves average{0.0, 0.0};
  for (Size row = 1; row <= window; ++row) {
    const double step = x[row] - x[row - 1];
    average.up += std::max(step, 0.0);
    average.down += std::max(-step, 0.0);
  }
  average.up /= count;
  average.down /= count;
  emit(window, average);
  const double weight = 1.0 / count;
  const double rest = 1.0 - weight;
  for (Size row = window + 1; row < rows; ++row) {
    const double step = x[row] - x[row - 1];
    average.up = rest * average.up + weight * std::max(step, 0.0);
    average.down = rest * average.down + weight * std::max(-step, 0.0);
    emit(row, average);
  }
}

struct Directed {
  double plus;
  double minus;
  double range;
};

// One row's directional movement: only the larger of the two moves counts.
Directed directed_move(const Inputs<3>& in, Size row) noexcept {
  const double up = in[0][row] - in[0][row - 1];
  const double down = in[1][row - 1] - in[1][row];
  return {up > down && up > 0.0 ? up : 0.0, down > up && down > 0.0 ? down : 0.0,
          range_of(in, row)};
}

// Wilder's running sums: the first holds window - 1 rows. emit(row, sums) from row `window` on.
template <class Emit>
void directed_sums(const Inputs<3>& in, Size rows, Size window, Emit emit) {
  Directed sum{0.0, 0.0, 0.0};
  for (Size row = 1; row < window; ++row) {
    const Directed move = directed_move(in, row);
    sum = {sum.plus + move.plus, sum.minus + move.minus, sum.range + move.range};
  }
  const double rest = 1.0 - 1.0 / static_cast<double>(window);
  for (Size row = window; row < rows; ++row) {
    const Directed move = directed_move(in, row);
    sum = {rest * sum.plus + move.plus, rest * sum.minus + move.minus,
           rest * sum.range + move.range};
    emit(row, sum);
  }
}

template <class Emit>
void average_range(const Inputs<3>& in, Size rows, Size window, Emit emit) {
  const double count = static_cast<double>(window);
  double average = 0.0;
  for (Size row = 1; row <= window; ++row) average += range_of(in, row);
  average /= count;
  emit(window, average);
  const double weight = 1.0 / count;
  const double rest = 1.0 - weight;
  for (Size row = window + 1; row < rows; ++row) {
    average = rest * average + weight * range_of(in, row);
    emit(row, average);
  }
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
    return Up ? std::min({stop, before, now}) : std::max({stop, before, now});
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
    stop.pace = std::min(stop.pace + step, limit);
  }
  stop.level = Parabola<Up>::outside(held + stop.pace * (stop.extreme - held), against[before],
                                     against[row]);
  return held;
}

}  // namespace

void rsi(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window)) return;
  smoothed_moves(in[0], rows, window, [&](Size row, const Moves& average) {
    const double both = average.up + average.down;
    out[0][row] = both == 0.0 ? 0.0 : 100.0 * (average.up / both);
  });
}

void cmo(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window)) return;
  smoothed_moves(in[0], rows, window, [&](Size row, const Moves& average) {
    const double both = average.up + average.down;
    out[0][row] = both == 0.0 ? 0.0 : 100.0 * ((average.up - average.down) / both);
  });
}

void true_range(const Inputs<3>& in, Size rows, const Outputs<1>& out) {
  if (!begin_after(out, rows, 1)) return;
  for (Size row = 1; row < rows; ++row) out[0][row] = range_of(in, row);
}

void atr(const Inputs<3>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window)) return;
  average_range(in, rows, window, [&](Size row, double average) { out[0][row] = average; });
}

void natr(const Inputs<3>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window)) return;
  const double* close = in[2];
  average_range(in, rows, window, [&](Size row, double average) {
    out[0][row] = close[row] == 0.0 ? 0.0 : average / close[row] * 100.0;
  });
}

void plus_di(const Inputs<3>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window)) return;
  directed_sums(in, rows, window, [&](Size row, const Directed& sum) {
    out[0][row] = sum.range == 0.0 ? 0.0 : 100.0 * (sum.plus / sum.range);
  });
}

void minus_di(const Inputs<3>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window)) return;
  directed_sums(in, rows, window, [&](Size row, const Directed& sum) {
    out[0][row] = sum.range == 0.0 ? 0.0 : 100.0 * (sum.minus / sum.range);
  });
}

// DX = 100 |+DI - -DI| / (+DI + -DI); the true range cancels.
void adx(const Inputs<3>& in, Size rows, const Outputs<1>& out, Size window) {
  const Size first = rows < window ? rows : 2 * window - 1;
  if (!begin_after(out, rows, first)) return;
  const double count = static_cast<double>(window);
  const double weight = 1.0 / count;
  const double rest = 1.0 - weight;
  double average = 0.0;
  directed_sums(in, rows, window, [&](Size row, const Directed& sum) {
    const double both = sum.plus + sum.minus;
    const bool moved = both != 0.0 && sum.range != 0.0;
    const double index = moved ? 100.0 * (std::fabs(sum.plus - sum.minus) / both) : 0.0;
    if (row <= first) {
      average += index;
      if (row == first) out[0][row] = average /= count;
      return;
    }
    if (moved) average = rest * average + weight * index;
    out[0][row] = average;
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
  if (!begin_after(out, rows, std::max({fast, middle, slow}))) return;
  std::vector<double> total(rows, 0.0);
  const Size windows[3] = {fast, middle, slow};
  const double weights[3] = {4.0, 2.0, 1.0};
  for (Size k = 0; k < 3; ++k) {
    sum_windows<2>(
        rows - 1, windows[k],
        [&](Size step, Size) {
          const double before = in[2][step];
          const double floor = std::min(in[1][step + 1], before);
          return Sums<2>{in[2][step + 1] - floor, std::max(in[0][step + 1], before) - floor};
        },
        [&](Size step, const Sums<2>& sum, Size) {
          if (sum[1] != 0.0) total[step + 1] += weights[k] * (sum[0] / sum[1]);
        });
  }
  const Size first = std::max({fast, middle, slow});
  for (Size row = first; row < rows; ++row) out[0][row] = 100.0 * (total[row] / 7.0);
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
  if (!begin_after(out, rows, window)) return;
  const double* close = in[2];
  double upper = 0.0;
  double lower = 0.0;
  bool rising = true;
  average_range(in, rows, window, [&](Size row, double average) {
    const double middle = (in[0][row] + in[1][row]) / 2.0;
    const double above = middle + multiplier * average;
    const double below = middle - multiplier * average;
    const bool first = row == window;
    if (first) rising = close[row] >= middle;
    if (first || above < upper || close[row - 1] > upper) upper = above;
    if (first || below > lower || close[row - 1] < lower) lower = below;
    if (!first) rising = rising ? close[row] > lower : close[row] >= upper;
    out[0][row] = rising ? lower : upper;
    out[1][row] = rising ? 1.0 : -1.0;
  });
}

void change(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size back) {
  if (!begin_after(out, rows, back)) return;
  for (Size row = back; row < rows; ++row) out[0][row] = in[0][row] - in[0][row - back];
}

void rate_of_change(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size back, double unit) {
  if (!begin_after(out, rows, back)) return;
  for (Size row = back; row < rows; ++row) {
    const double before = in[0][row - back];
    const double change = (in[0][row] / before - 1.0) * unit;
    out[0][row] = before == 0.0 ? NOT_YET : change;
  }
}

void balance_of_power(const Inputs<4>& in, Size rows, const Outputs<1>& out) {
  for (Size row = 0; row < rows; ++row) {
    const double range = in[1][row] - in[2][row];
    const double body = in[3][row] - in[0][row];
    const double share = body / range;
    out[0][row] = range <= 0.0 ? body * 0.0 : share;
  }
}

}  // namespace algotrader::indicators
