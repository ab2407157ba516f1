// Statistics of a window, from sums about a value inside it (Chan, Golub and LeVeque 1983): a window
// of equal values has exactly no variance, and large numbers with a small spread keep their digits.
#include <cmath>
#include <vector>

#include "algotrader/indicators.hpp"
#include "indicators_windows.hpp"

namespace algotrader::indicators {

namespace {

// Calls each(row, mean, squares): mean of the window, and sum of squared deviations from it.
template <class Each>
void deviations(const double* x, Size rows, Size window, Each each) {
  const double share = 1.0 / static_cast<double>(window);
  Origins origins(x, std::min(window, rows + 1));
  const auto fold = sums_of<2>([x]<class Row>(const Row& row) {
    const auto d = row.of(x) - row.origin(x);
    return Values<typename Row::Value, 2>{{d, d * d}};
  });
  block_windows(rows, window, fold,
                [&](Size row, Size count, const Columns<2>& tail, const Columns<2>& head, Size at) {
                  const double* about = origins.values(row, count, at);
                  for (Size i = 0; i < count; ++i) {
                    const double sum = tail[0][i] + head[0][i];
                    const double squares = tail[1][i] + head[1][i];
                    const double shift = sum * share;
                    each(row + i, about[i] + shift, larger(squares - sum * shift, 0.0));
                  }
                });
}

// Calls each(row, xx, yy, xy): sums of products of the deviations from the means.
template <class Each>
void joint_deviations(const Inputs<2>& in, Size rows, Size window, Each each) {
  const double* x = in[0];
  const double* y = in[1];
  const double share = 1.0 / static_cast<double>(window);
  const auto fold = sums_of<5>([x, y]<class Row>(const Row& row) {
    const auto a = row.of(x) - row.origin(x);
    const auto b = row.of(y) - row.origin(y);
    return Values<typename Row::Value, 5>{{a, b, a * a, b * b, a * b}};
  });
  block_windows(rows, window, fold,
                [&](Size row, Size count, const Columns<5>& tail, const Columns<5>& head, Size) {
                  for (Size i = 0; i < count; ++i) {
                    double sum[5];
                    for (Size k = 0; k < 5; ++k) sum[k] = tail[k][i] + head[k][i];
                    const double shift_x = sum[0] * share;
                    const double shift_y = sum[1] * share;
                    each(row + i, larger(sum[2] - sum[0] * shift_x, 0.0),
                         larger(sum[3] - sum[1] * shift_y, 0.0), sum[4] - sum[0] * shift_y);
                  }
                });
}

struct Moments {
  double second;  // mean of (x - mean)^2, and so on
  double third;
  double fourth;
};

// Sums of third and fourth powers of the deviations of `Lanes` neighbouring windows, side by side.
template <Size Lanes>
void higher_powers(const double* first, const double* mean, Size window, double* third,
                   double* fourth) {
  double cubes[Lanes] = {};
  double fourths[Lanes] = {};
  for (Size k = 0; k < window; ++k) {
    for (Size lane = 0; lane < Lanes; ++lane) {
      const double away = first[k + lane] - mean[lane];
      const double square = away * away;
      cubes[lane] += square * away;
      fourths[lane] += square * square;
    }
  }
  std::copy_n(cubes, Lanes, third);
  std::copy_n(fourths, Lanes, fourth);
}

// emit(row, moments), by a second pass over each window.
template <class Emit>
void moments(const double* x, Size rows, Size window, Emit emit) {
  constexpr Size lanes = 8;
  const double n = static_cast<double>(window);
  std::vector<double> mean(rows);
  std::vector<double> squares(rows);
  deviations(x, rows, window, [&](Size row, double average, double sum) {
    mean[row] = average;
    squares[row] = sum;
  });
  double third[lanes];
  double fourth[lanes];
  for (Size row = window - 1; row < rows; row += lanes) {
    const double* first = x + (row + 1 - window);
    const Size here = std::min(lanes, rows - row);
    if (here == lanes) {
      higher_powers<lanes>(first, mean.data() + row, window, third, fourth);
    } else {
      for (Size k = 0; k < here; ++k) {
        higher_powers<1>(first + k, mean.data() + row + k, window, third + k, fourth + k);
      }
    }
    for (Size k = 0; k < here; ++k) {
      emit(row + k, Moments{squares[row + k] / n, third[k] / n, fourth[k] / n});
    }
  }
}

double freedom(Size window, Size ddof) noexcept {
  return static_cast<double>(window) - static_cast<double>(ddof);
}

}  // namespace

void rolling_sum(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window - 1)) return;
  const double* x = in[0];
  const auto fold = sums_of<1>([x]<class Row>(const Row& row) {
    return Values<typename Row::Value, 1>{{row.of(x)}};
  });
  block_windows(rows, window, fold,
                [&](Size row, Size count, const Columns<1>& tail, const Columns<1>& head, Size) {
                  for (Size i = 0; i < count; ++i) out[0][row + i] = tail[0][i] + head[0][i];
                });
}

void rolling_product(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window - 1)) return;
  join_windows<1>(
      rows, window, copy_of(in[0]),
      [](const Columns<1>& older, const Columns<1>& newer, Size count, double, double) {
        double* product = older[0];
        const double* next = newer[0];
        ALGOTRADER_SIDE_BY_SIDE
        for (Size i = 0; i < count; ++i) product[i] *= next[i];
      },
      [&](Size row, Size count, const Columns<1>& product) {
        std::copy_n(product[0], count, out[0] + row);
      });
}

void rolling_var(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window, Size ddof) {
  if (!begin_after(out, rows, window - 1)) return;
  const double share = 1.0 / freedom(window, ddof);
  double* result = out[0];
  deviations(in[0], rows, window,
             [=](Size row, double, double squares) { result[row] = squares * share; });
}

void rolling_std(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window, Size ddof) {
  if (!begin_after(out, rows, window - 1)) return;
  const double share = 1.0 / freedom(window, ddof);
  double* result = out[0];
  deviations(in[0], rows, window,
             [=](Size row, double, double squares) { result[row] = std::sqrt(squares * share); });
}

void rolling_zscore(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window, Size ddof) {
  if (!begin_after(out, rows, window - 1)) return;
  const double* x = in[0];
  const double share = 1.0 / freedom(window, ddof);
  double* result = out[0];
  deviations(x, rows, window, [=](Size row, double mean, double squares) {
    const double score = (x[row] - mean) / std::sqrt(squares * share);
    result[row] = squares > 0.0 ? score : NOT_YET;
  });
}

void bollinger(const Inputs<1>& in, Size rows, const Outputs<3>& out, Size window,
               double deviations_away) {
  if (!begin_after(out, rows, window - 1)) return;
  const double share = 1.0 / static_cast<double>(window);
  const Outputs<3> band = out;
  deviations(in[0], rows, window, [=](Size row, double mean, double squares) {
    const double away = deviations_away * std::sqrt(squares * share);
    band[0][row] = mean + away;
    band[1][row] = mean;
    band[2][row] = mean - away;
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
  const double share = 1.0 / freedom(window, ddof);
  double* result = out[0];
  joint_deviations(in, rows, window,
                   [=](Size row, double, double, double xy) { result[row] = xy * share; });
}

void rolling_corr(const Inputs<2>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window - 1)) return;
  double* result = out[0];
  joint_deviations(in, rows, window, [=](Size row, double xx, double yy, double xy) {
    const double scale = std::sqrt(xx * yy);
    const double share = larger(-1.0, smaller(1.0, xy / scale));
    result[row] = scale > 0.0 ? share : NOT_YET;
  });
}

void rolling_beta(const Inputs<2>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window - 1)) return;
  double* result = out[0];
  joint_deviations(in, rows, window, [=](Size row, double, double yy, double xy) {
    const double slope = xy / yy;
    result[row] = yy > 0.0 ? slope : NOT_YET;
  });
}

// The slope is sum(distance from the middle row * x) / sum(distance^2), the latter n(n^2-1)/12.
void linear_fit(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window, double ahead) {
  if (!begin_after(out, rows, window - 1)) return;
  const double n = static_cast<double>(window);
  const double reach = ((n - 1.0) / 2.0 + ahead) / (n * (n * n - 1.0) / 12.0);
  double* result = out[0];
  tilted_windows(in[0], rows, window, [=](Size row, double mean, double tilt) {
    result[row] = mean + tilt * reach;
  });
}

void linear_slope(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window - 1)) return;
  const double n = static_cast<double>(window);
  const double share = 12.0 / (n * (n * n - 1.0));
  double* result = out[0];
  tilted_windows(in[0], rows, window,
                 [=](Size row, double, double tilt) { result[row] = tilt * share; });
}

}  // namespace algotrader::indicators
