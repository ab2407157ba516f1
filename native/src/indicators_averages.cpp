// Moving averages and what is made of two or three of them.
#include <cmath>
#include <vector>

#include "algotrader/indicators.hpp"
#include "indicators_windows.hpp"

namespace algotrader::indicators {

namespace {

// Exponential average that starts with the mean of its first `window` values.
class Exponential {
 public:
  Exponential(Size window, double weight) noexcept
      : window_(window), weight_(weight), rest_(1.0 - weight) {}
  explicit Exponential(Size window) noexcept
      : Exponential(window, 2.0 / (static_cast<double>(window) + 1.0)) {}

  // Takes the next value; true once `value()` is defined.
  bool push(double x) noexcept {
    if (seen_ >= window_) {
      value_ = weight_ * x + rest_ * value_;
      return true;
    }
    value_ += x;
    if (++seen_ < window_) return false;
    value_ /= static_cast<double>(window_);
    return true;
  }
  // For a caller that knows the average is defined: no test, so the loop stays tight.
  double next(double x) noexcept { return value_ = weight_ * x + rest_ * value_; }
  double value() const noexcept { return value_; }

 private:
  Size window_;
  double weight_;
  double rest_;
  Size seen_ = 0;
  double value_ = 0.0;
};

void exponential(const double* x, Size rows, double* out, Exponential average, Size window) {
  if (!begin_after(Outputs<1>{out}, rows, window - 1)) return;
  for (Size row = 0; row < window; ++row) average.push(x[row]);
  out[window - 1] = average.value();
  for (Size row = window; row < rows; ++row) out[row] = average.next(x[row]);
}

// An average of an average of ...: `Depth` of them, emit(row, values) once the last is defined.
template <Size Depth, class Emit>
void cascade(const double* x, Size rows, Size window, Emit emit) {
  std::array<double, Depth> value{};
  std::vector<Exponential> stages(Depth, Exponential(window));
  const Size warmup = std::min(rows, Depth * (window - 1));
  Size row = 0;
  for (; row < warmup; ++row) {
    double passed = x[row];
    for (Exponential& stage : stages) {
      if (!stage.push(passed)) break;
      passed = stage.value();
    }
  }
  if (row >= rows) return;
  double passed = x[row];
  for (Size k = 0; k < Depth; ++k) {
    stages[k].push(passed);
    passed = value[k] = stages[k].value();
  }
  emit(row, value);
  const double weight = 2.0 / (static_cast<double>(window) + 1.0);
  const double rest = 1.0 - weight;
  for (++row; row < rows; ++row) {
    double below = x[row];
    for (Size k = 0; k < Depth; ++k) below = value[k] = weight * below + rest * value[k];
    emit(row, value);
  }
}

// Two exponential averages of x, each started in the usual way; emit(row, fast, slow).
template <class Emit>
void two_averages(const double* x, Size rows, Size fast, Size slow, Emit emit) {
  Exponential quick(fast);
  Exponential steady(slow);
  const Size warmup = std::max(fast, slow) - 1;
  for (Size row = 0; row < warmup; ++row) {
    quick.push(x[row]);
    steady.push(x[row]);
  }
  for (Size row = warmup; row < rows; ++row) {
    quick.push(x[row]);
    steady.push(x[row]);
    emit(row, quick.value(), steady.value());
  }
}

}  // namespace

void sma(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window - 1)) return;
  const double* x = in[0];
  const double count = static_cast<double>(window);
  fold_windows<double>(
      rows, window, [x](Size row, Size) { return x[row]; },
      [](double older, double newer) { return older + newer; },
      [&](Size row, double sum, Size) { out[0][row] = sum / count; });
}

void ema(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window) {
  exponential(in[0], rows, out[0], Exponential(window), window);
}

void wilder(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window) {
  exponential(in[0], rows, out[0], Exponential(window, 1.0 / static_cast<double>(window)), window);
}

void wma(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window - 1)) return;
  const double count = static_cast<double>(window);
  const double weights = count * (count + 1.0) / 2.0;
  ramp_windows(in[0], rows, window, [&](Size row, double, double ramp, double about) {
    out[0][row] = about + ramp / weights;
  });
}

void dema(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, rows < window ? rows : 2 * (window - 1))) return;
  cascade<2>(in[0], rows, window, [&](Size row, const std::array<double, 2>& e) {
    out[0][row] = 2.0 * e[0] - e[1];
  });
}

void tema(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, rows < window ? rows : 3 * (window - 1))) return;
  cascade<3>(in[0], rows, window, [&](Size row, const std::array<double, 3>& e) {
    out[0][row] = (3.0 * e[0] - 3.0 * e[1]) + e[2];
  });
}

void trix(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, rows < window ? rows : 3 * (window - 1) + 1)) return;
  double before = 0.0;
  const Size first = 3 * (window - 1) + 1;
  cascade<3>(in[0], rows, window, [&](Size row, const std::array<double, 3>& e) {
    if (row >= first) out[0][row] = before == 0.0 ? 0.0 : (e[2] / before - 1.0) * 100.0;
    before = e[2];
  });
}

void t3(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window, double volume_factor) {
  if (!begin_after(out, rows, rows < window ? rows : 6 * (window - 1))) return;
  const double v = volume_factor;
  const double v2 = v * v;
  const double v3 = v2 * v;
  const double c6 = -v3;
  const double c5 = 3.0 * (v2 + v3);
  const double c4 = -6.0 * v2 - 3.0 * (v + v3);
  const double c3 = 1.0 + 3.0 * v + v3 + 3.0 * v2;
  cascade<6>(in[0], rows, window, [&](Size row, const std::array<double, 6>& e) {
    out[0][row] = ((c6 * e[5] + c5 * e[4]) + c4 * e[3]) + c3 * e[2];
  });
}

void kama(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window, Size fast, Size slow) {
  if (!begin_after(out, rows, window)) return;
  const double* x = in[0];
  const double slowest = 2.0 / (static_cast<double>(slow) + 1.0);
  const double span = 2.0 / (static_cast<double>(fast) + 1.0) - slowest;
  double average = x[window - 1];
  fold_windows<double>(
      rows - 1, window, [x](Size row, Size) { return std::fabs(x[row + 1] - x[row]); },
      [](double older, double newer) { return older + newer; },
      [&](Size step, double path, Size) {
        const Size row = step + 1;
        const double moved = std::fabs(x[row] - x[row - window]);
        const double efficiency = path <= moved ? 1.0 : moved / path;
        const double pace = efficiency * span + slowest;
        const double weight = pace * pace;
        average = (x[row] - average) * weight + average;
        out[0][row] = average;
      });
}

void vwma(const Inputs<2>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window - 1)) return;
  const double* price = in[0];
  const double* volume = in[1];
  sum_windows<2>(
      rows, window,
      [&](Size row, Size) { return Sums<2>{price[row] * volume[row], volume[row]}; },
      [&](Size row, const Sums<2>& sum, Size) {
        out[0][row] = sum[1] == 0.0 ? NOT_YET : sum[0] / sum[1];
      });
}

// Both averages start at row slow - 1, the fast one from the mean of the last `fast` rows there.
void macd(const Inputs<1>& in, Size rows, const Outputs<3>& out, Size fast, Size slow, Size signal) {
  if (!begin_after(out, rows, rows < slow || rows < signal ? rows : slow + signal - 2)) return;
  const double* x = in[0];
  Exponential quick(fast);
  Exponential steady(slow);
  Exponential smoothed(signal);
  for (Size row = 0; row + 1 < slow; ++row) {
    steady.push(x[row]);
    if (row >= slow - fast) quick.push(x[row]);
  }
  const Size first = slow + signal - 2;
  for (Size row = slow - 1; row < rows; ++row) {
    quick.push(x[row]);
    steady.push(x[row]);
    const double line = quick.value() - steady.value();
    smoothed.push(line);
    if (row < first) continue;
    out[0][row] = line;
    out[1][row] = smoothed.value();
    out[2][row] = line - smoothed.value();
  }
}

void ema_difference(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size fast, Size slow) {
  if (!begin_after(out, rows, std::max(fast, slow) - 1)) return;
  two_averages(in[0], rows, fast, slow,
               [&](Size row, double quick, double steady) { out[0][row] = quick - steady; });
}

void ema_ratio(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size fast, Size slow) {
  if (!begin_after(out, rows, std::max(fast, slow) - 1)) return;
  two_averages(in[0], rows, fast, slow, [&](Size row, double quick, double steady) {
    out[0][row] = steady == 0.0 ? 0.0 : (quick - steady) / steady * 100.0;
  });
}

}  // namespace algotrader::indicators
