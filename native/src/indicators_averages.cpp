// Moving averages and what is made of two or three of them.
#include <cmath>
#include <vector>

#include "algotrader/indicators.hpp"
#include "indicators_smoothing.hpp"
#include "indicators_windows.hpp"

namespace algotrader::indicators {

namespace {

// Defined from row window - 1 on, begun with the mean of the first `window` values.
void exponential(const double* x, Size rows, double* out, Size window, double weight) {
  if (!begin_after(Outputs<1>{out}, rows, window - 1)) return;
  const double start = sum_of(x, window) / static_cast<double>(window);
  out[window - 1] = start;
  Smoother(weight, start).run(x + window, rows - window, out + window);
}

// One stage of a cascade while it warms up.
class Stage {
 public:
  explicit Stage(Size window) noexcept : window_(window), weight_(exponential_weight(window)) {}
  bool push(double x) noexcept {
    if (seen_ >= window_) {
      value_ = weight_ * x + (1.0 - weight_) * value_;
      return true;
    }
    value_ += x;
    if (++seen_ < window_) return false;
    value_ /= static_cast<double>(window_);
    return true;
  }
  double value() const noexcept { return value_; }

 private:
  Size window_;
  double weight_;
  Size seen_ = 0;
  double value_ = 0.0;
};

// The averages of a cascade at row Depth (window - 1), the first at which all are defined.
template <Size Depth>
std::array<double, Depth> warmed_up(const double* x, Size window) {
  std::vector<Stage> stages(Depth, Stage(window));
  for (Size row = 0; row <= Depth * (window - 1); ++row) {
    double passed = x[row];
    for (Stage& stage : stages) {
      if (!stage.push(passed)) break;
      passed = stage.value();
    }
  }
  std::array<double, Depth> values;
  for (Size k = 0; k < Depth; ++k) values[k] = stages[k].value();
  return values;
}

double percent_change(double now, double before) noexcept {
  const double change = (now / before - 1.0) * 100.0;
  return before == 0.0 ? 0.0 : change;
}

// An average of an average of ...: `Depth` of them. emit(row, count, stages) from the row on at
// which the last is defined; stages[k][i] belongs to row + i.
template <Size Depth, class Emit>
void cascade(const double* x, Size rows, Size window, Emit emit) {
  const Size first = Depth * (window - 1);
  const std::array<double, Depth> start = warmed_up<Depth>(x, window);
  double memory[Depth][CHUNK];
  Columns<Depth> stages;
  std::vector<Smoother> smoothers;
  for (Size k = 0; k < Depth; ++k) {
    stages[k] = memory[k];
    memory[k][0] = start[k];
    smoothers.emplace_back(exponential_weight(window), start[k]);
  }
  emit(first, Size{1}, stages);
  in_chunks(first + 1, rows, [&](Size row, Size count) {
    const double* below = x + row;
    for (Size k = 0; k < Depth; ++k) {
      smoothers[k].run(below, count, memory[k]);
      below = memory[k];
    }
    emit(row, count, stages);
  });
}

// Puts join(value, average) in the place of `values`, with the exponential average of x.
template <class Join>
void beside_average(const double* x, Size rows, double* values, Size window, Join join) {
  if (!begin_after(Outputs<1>{values}, rows, window - 1)) return;
  const double start = sum_of(x, window) / static_cast<double>(window);
  values[window - 1] = join(values[window - 1], start);
  Smoother smoother(exponential_weight(window), start);
  double average[CHUNK];
  in_chunks(window, rows, [&](Size first, Size count) {
    smoother.run(x + first, count, average);
    for (Size i = 0; i < count; ++i) values[first + i] = join(values[first + i], average[i]);
  });
}

Size lookback(Size rows, Size window, Size depth) noexcept {
  return rows < window ? rows : depth * (window - 1);
}

}  // namespace

void sma(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window - 1)) return;
  double* average = out[0];
  mean_windows(in[0], rows, window, [=](Size row, double mean) { average[row] = mean; });
}

void ema(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window) {
  exponential(in[0], rows, out[0], window, exponential_weight(window));
}

void wilder(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window) {
  exponential(in[0], rows, out[0], window, 1.0 / static_cast<double>(window));
}

// Weights 1..n are (n + 1) / 2 plus the distance from the middle.
void wma(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window - 1)) return;
  const double n = static_cast<double>(window);
  const double share = 2.0 / (n * (n + 1.0));
  double* average = out[0];
  tilted_windows(in[0], rows, window, [=](Size row, double mean, double tilt) {
    average[row] = mean + tilt * share;
  });
}

void trima(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window - 1)) return;
  const Size inner = (window + 1) / 2;
  const Size outer = window / 2 + 1;
  const Size piece = std::max(Size{16} * CHUNK, 8 * window);  // so that the means stay in the cache
  const Scratch means = scratch(std::min(rows, piece + window));
  for (Size first = 0; first + window <= rows; first += piece) {
    const Size count = std::min(piece + window - 1, rows - first);
    double* mean_of = means.get();
    double* average = out[0] + first + inner - 1;
    mean_windows(in[0] + first, count, inner,
                 [=](Size row, double mean) { mean_of[row + 1 - inner] = mean; });
    mean_windows(mean_of, count + 1 - inner, outer,
                 [=](Size row, double mean) { average[row] = mean; });
  }
}

void dema(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, lookback(rows, window, 2))) return;
  cascade<2>(in[0], rows, window, [&](Size row, Size count, const Columns<2>& e) {
    for (Size i = 0; i < count; ++i) out[0][row + i] = 2.0 * e[0][i] - e[1][i];
  });
}

void tema(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, lookback(rows, window, 3))) return;
  cascade<3>(in[0], rows, window, [&](Size row, Size count, const Columns<3>& e) {
    for (Size i = 0; i < count; ++i) out[0][row + i] = 3.0 * (e[0][i] - e[1][i]) + e[2][i];
  });
}

void trix(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window) {
  const Size defined = lookback(rows, window, 3);
  if (!begin_after(out, rows, defined)) return;
  double before = 0.0;
  cascade<3>(in[0], rows, window, [&](Size row, Size count, const Columns<3>& e) {
    double* change = out[0] + row;
    const double* now = e[2];
    change[0] = percent_change(now[0], before);
    for (Size i = 1; i < count; ++i) change[i] = percent_change(now[i], now[i - 1]);
    before = now[count - 1];
  });
  out[0][defined] = NOT_YET;
}

// Six averages in a row, all advanced row by row: they wait for each other less than in turn.
void t3(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window, double volume_factor) {
  const Size defined = lookback(rows, window, 6);
  if (!begin_after(out, rows, defined)) return;
  const double v = volume_factor;
  const double v2 = v * v;
  const double v3 = v2 * v;
  const double c6 = -v3;
  const double c5 = 3.0 * (v2 + v3);
  const double c4 = -6.0 * v2 - 3.0 * (v + v3);
  const double c3 = 1.0 + 3.0 * v + v3 + 3.0 * v2;
  const double weight = exponential_weight(window);
  const double rest = 1.0 - weight;
  std::array<double, 6> start = warmed_up<6>(in[0], window);
  double e1 = start[0], e2 = start[1], e3 = start[2], e4 = start[3], e5 = start[4], e6 = start[5];
  for (Size row = defined;;) {
    out[0][row] = ((c6 * e6 + c5 * e5) + c4 * e4) + c3 * e3;
    if (++row >= rows) return;
    e1 = weight * in[0][row] + rest * e1;
    e2 = weight * e1 + rest * e2;
    e3 = weight * e2 + rest * e3;
    e4 = weight * e3 + rest * e4;
    e5 = weight * e4 + rest * e5;
    e6 = weight * e5 + rest * e6;
  }
}

void kama(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window, Size fast, Size slow) {
  if (!begin_after(out, rows, window)) return;
  const double* x = in[0];
  const double slowest = exponential_weight(slow);
  const double span = exponential_weight(fast) - slowest;
  double average = x[window - 1];
  const auto load = [x](Size step, Size count, const Columns<1>& path) {
    for (Size i = 0; i < count; ++i) path[0][i] = std::fabs(x[step + i + 1] - x[step + i]);
  };
  constexpr Size few = 32;  // so that weights ahead are worked out while the average waits for itself
  double kept[few];
  double added[few];
  const auto advance = [=, keep = kept, add = added, &average](Size row, Size count,
                                                               const double* total, double* result) {
    const double* now = x + row;
    const double* then = now - window;
    const double* earlier = total - window;
    ALGOTRADER_SIDE_BY_SIDE
    for (Size i = 0; i < count; ++i) {
      const double path = total[i] - earlier[i];
      const double moved = std::fabs(now[i] - then[i]);
      const double share = moved / path;
      const double pace = (path <= moved ? 1.0 : share) * span + slowest;
      keep[i] = 1.0 - pace * pace;
      add[i] = pace * pace * now[i];
    }
    // Two rows at a time: the next two wait for one sum only.
    double before = average;
    for (Size i = 0; i + 1 < count; i += 2) {
      result[i] = keep[i] * before + add[i];
      before = (keep[i] * keep[i + 1]) * before + (keep[i + 1] * add[i] + add[i + 1]);
      result[i + 1] = before;
    }
    if (count % 2 != 0) result[count - 1] = before = keep[count - 1] * before + add[count - 1];
    average = before;
  };
  running_totals<1>(rows - 1, window, load, [&](Size step, Size count, const Columns<1>& total) {
    const Size skip = step + 1 < window ? std::min(count, window - step - 1) : 0;
    for (Size first = skip; first < count; first += few) {
      const Size row = step + 1 + first;
      advance(row, std::min(few, count - first), total[0] + first, out[0] + row);
    }
  });
}

void vwma(const Inputs<2>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window - 1)) return;
  const auto load = [&](Size row, Size count, const Columns<2>& columns) {
    for (Size i = 0; i < count; ++i) columns[0][i] = in[0][row + i] * in[1][row + i];
    std::copy_n(in[1] + row, count, columns[1]);
  };
  sum_windows<2>(rows, window, load, [&](Size row, Size count, const Columns<2>& sum) {
    for (Size i = 0; i < count; ++i) {
      out[0][row + i] = sum[1][i] == 0.0 ? NOT_YET : sum[0][i] / sum[1][i];
    }
  });
}

// Both averages start at row slow - 1, the fast one from the mean of the last `fast` rows there.
void macd(const Inputs<1>& in, Size rows, const Outputs<3>& out, Size fast, Size slow, Size signal) {
  const Size defined = rows < slow || rows < signal ? rows : slow + signal - 2;
  if (!begin_after(out, rows, defined)) return;
  const double* x = in[0];
  const double quick_start = sum_of(x + (slow - fast), fast) / static_cast<double>(fast);
  const double steady_start = sum_of(x, slow) / static_cast<double>(slow);
  Smoother quick(exponential_weight(fast), quick_start);
  Smoother steady(exponential_weight(slow), steady_start);
  std::vector<double> line(signal);
  std::vector<double> slower(signal);
  line[0] = quick_start - steady_start;
  quick.run(x + slow, signal - 1, line.data() + 1);
  steady.run(x + slow, signal - 1, slower.data() + 1);
  for (Size i = 1; i < signal; ++i) line[i] -= slower[i];
  const double start = sum_of(line.data(), signal) / static_cast<double>(signal);
  out[0][defined] = line[signal - 1];
  out[1][defined] = start;
  out[2][defined] = line[signal - 1] - start;
  Smoother smoothed(exponential_weight(signal), start);
  in_chunks(defined + 1, rows, [&](Size first, Size count) {
    double* now = out[0] + first;
    double* gap = out[2] + first;
    quick.run(x + first, count, now);
    steady.run(x + first, count, gap);
    for (Size i = 0; i < count; ++i) now[i] -= gap[i];
    smoothed.run(now, count, out[1] + first);
    for (Size i = 0; i < count; ++i) gap[i] = now[i] - out[1][first + i];
  });
}

void ema_difference(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size fast, Size slow) {
  exponential(in[0], rows, out[0], fast, exponential_weight(fast));
  beside_average(in[0], rows, out[0], slow,
                 [](double quick, double steady) { return quick - steady; });
}

void ema_ratio(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size fast, Size slow) {
  exponential(in[0], rows, out[0], fast, exponential_weight(fast));
  beside_average(in[0], rows, out[0], slow, [](double quick, double steady) {
    const double percent = (quick - steady) / steady * 100.0;
    return steady == 0.0 ? 0.0 : percent;
  });
}

}  // namespace algotrader::indicators
