// Statistics of a window, from sums about a value inside it: a window of equal values has exactly
// no variance, and large numbers with a small spread keep their digits.
#include <cmath>

#include "algotrader/indicators.hpp"
#include "indicators_windows.hpp"

namespace algotrader::indicators {

namespace {

// Sum of squared deviations from the mean; emit(row, mean, squares).
template <class Emit>
void deviations(const double* x, Size rows, Size window, Emit emit) {
  const double count = static_cast<double>(window);
  sum_windows<2>(
      rows, window,
      [x](Size row, Size origin) {
        const double d = x[row] - x[origin];
        return Sums<2>{d, d * d};
      },
      [&](Size row, const Sums<2>& sum, Size origin) {
        const double shift = sum[0] / count;
        emit(row, x[origin] + shift, std::max(0.0, sum[1] - sum[0] * shift));
      });
}

struct Moments {
  double second;  // mean of (x - mean)^2, and so on
  double third;
  double fourth;
};

template <class Emit>
void moments(const double* x, Size rows, Size window, Emit emit) {
  const double count = static_cast<double>(window);
  sum_windows<4>(
      rows, window,
      [x](Size row, Size origin) {
        const double d = x[row] - x[origin];
        const double square = d * d;
        return Sums<4>{d, square, square * d, square * square};
      },
      [&](Size row, const Sums<4>& sum, Size) {
        const double m = sum[0] / count;
        const double r2 = sum[1] / count;
        const double r3 = sum[2] / count;
        const double r4 = sum[3] / count;
        const double square = m * m;
        emit(row, Moments{r2 - square, (r3 - 3.0 * m * r2) + 2.0 * square * m,
                          ((r4 - 4.0 * m * r3) + 6.0 * square * r2) - 3.0 * square * square});
      });
}

struct Joint {
  double xx;  // sums of products of deviations from the means
  double yy;
  double xy;
};

template <class Emit>
void joint_deviations(const Inputs<2>& in, Size rows, Size window, Emit emit) {
  const double* x = in[0];
  const double* y = in[1];
  const double count = static_cast<double>(window);
  sum_windows<5>(
      rows, window,
      [x, y](Size row, Size origin) {
        const double a = x[row] - x[origin];
        const double b = y[row] - y[origin];
        return Sums<5>{a, b, a * a, b * b, a * b};
      },
      [&](Size row, const Sums<5>& sum, Size) {
        const double shift_x = sum[0] / count;
        const double shift_y = sum[1] / count;
        emit(row, Joint{std::max(0.0, sum[2] - sum[0] * shift_x),
                        std::max(0.0, sum[3] - sum[1] * shift_y), sum[4] - sum[0] * shift_y});
      });
}

double freedom(Size window, Size ddof) noexcept {
  return static_cast<double>(window) - static_cast<double>(ddof);
}

}  // namespace

void rolling_sum(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window - 1)) return;
  const double* x = in[0];
  fold_windows<double>(
      rows, window, [x](Size row, Size) { return x[row]; },
      [](double older, double newer) { return older + newer; },
      [&](Size row, double sum, Size) { out[0][row] = sum; });
}

void rolling_product(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window - 1)) return;
  const double* x = in[0];
  fold_windows<double>(
      rows, window, [x](Size row, Size) { return x[row]; },
      [](double older, double newer) { return older * newer; },
      [&](Size row, double product, Size) { out[0][row] = product; });
}

void rolling_var(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window, Size ddof) {
  if (!begin_after(out, rows, window - 1)) return;
  const double divisor = freedom(window, ddof);
  deviations(in[0], rows, window,
             [&](Size row, double, double squares) { out[0][row] = squares / divisor; });
}

void rolling_std(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window, Size ddof) {
  if (!begin_after(out, rows, window - 1)) return;
  const double divisor = freedom(window, ddof);
  deviations(in[0], rows, window,
             [&](Size row, double, double squares) { out[0][row] = std::sqrt(squares / divisor); });
}

void rolling_zscore(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window, Size ddof) {
  if (!begin_after(out, rows, window - 1)) return;
  const double* x = in[0];
  const double divisor = freedom(window, ddof);
  deviations(x, rows, window, [&](Size row, double mean, double squares) {
    out[0][row] = squares > 0.0 ? (x[row] - mean) / std::sqrt(squares / divisor) : NOT_YET;
  });
}

void bollinger(const Inputs<1>& in, Size rows, const Outputs<3>& out, Size window,
               double deviations_away) {
  if (!begin_after(out, rows, window - 1)) return;
  const double count = static_cast<double>(window);
  deviations(in[0], rows, window, [&](Size row, double mean, double squares) {
    const double away = deviations_away * std::sqrt(squares / count);
    out[0][row] = mean + away;
    out[1][row] = mean;
    out[2][row] = mean - away;
  });
}

// Fisher-Pearson, corrected for bias: sqrt(n(n-1))/(n-2) m3/m2^1.5.
void rolling_skew(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window - 1)) return;
  const double n = static_cast<double>(window);
  const double factor = std::sqrt(n * (n - 1.0)) / (n - 2.0);
  moments(in[0], rows, window, [&](Size row, const Moments& m) {
    out[0][row] = m.second > 0.0 ? factor * m.third / (m.second * std::sqrt(m.second)) : NOT_YET;
  });
}

// Excess, corrected for bias: (n-1)/((n-2)(n-3)) ((n+1) m4/m2^2 - 3(n-1)).
void rolling_kurt(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window - 1)) return;
  const double n = static_cast<double>(window);
  const double factor = (n - 1.0) / ((n - 2.0) * (n - 3.0));
  moments(in[0], rows, window, [&](Size row, const Moments& m) {
    const double ratio = m.fourth / (m.second * m.second);
    out[0][row] = m.second > 0.0 ? factor * ((n + 1.0) * ratio - 3.0 * (n - 1.0)) : NOT_YET;
  });
}

void rolling_cov(const Inputs<2>& in, Size rows, const Outputs<1>& out, Size window, Size ddof) {
  if (!begin_after(out, rows, window - 1)) return;
  const double divisor = freedom(window, ddof);
  joint_deviations(in, rows, window,
                   [&](Size row, const Joint& joint) { out[0][row] = joint.xy / divisor; });
}

void rolling_corr(const Inputs<2>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window - 1)) return;
  joint_deviations(in, rows, window, [&](Size row, const Joint& joint) {
    const double scale = std::sqrt(joint.xx) * std::sqrt(joint.yy);
    out[0][row] = scale > 0.0 ? std::clamp(joint.xy / scale, -1.0, 1.0) : NOT_YET;
  });
}

void rolling_beta(const Inputs<2>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window - 1)) return;
  joint_deviations(in, rows, window, [&](Size row, const Joint& joint) {
    out[0][row] = joint.yy > 0.0 ? joint.xy / joint.yy : NOT_YET;
  });
}

// With weights 1..n the slope is (ramp - (n+1)/2 sum) / (n(n^2-1)/12), per row.
void linear_fit(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window, double ahead) {
  if (!begin_after(out, rows, window - 1)) return;
  const double n = static_cast<double>(window);
  const double middle = (n + 1.0) / 2.0;
  const double spread = n * (n * n - 1.0) / 12.0;
  const double reach = n - middle + ahead;
  ramp_windows(in[0], rows, window, [&](Size row, double sum, double ramp, double about) {
    out[0][row] = about + (sum / n + (ramp - middle * sum) / spread * reach);
  });
}

void linear_slope(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window - 1)) return;
  const double n = static_cast<double>(window);
  const double middle = (n + 1.0) / 2.0;
  const double spread = n * (n * n - 1.0) / 12.0;
  ramp_windows(in[0], rows, window, [&](Size row, double sum, double ramp, double) {
    out[0][row] = (ramp - middle * sum) / spread;
  });
}

}  // namespace algotrader::indicators
