// Price and volume together.
#include <algorithm>
#include <cmath>

#include "algotrader/indicators.hpp"
#include "indicators_smoothing.hpp"
#include "indicators_windows.hpp"

namespace algotrader::indicators {

namespace {

// Volume, signed by where in its range the row closed: +1 at the high, -1 at the low.
double money_flow(const Inputs<4>& in, Size row) noexcept {
  const double high = in[0][row];
  const double low = in[1][row];
  const double close = in[2][row];
  const double width = high - low;
  const double flow = ((close - low) - (high - close)) / width * in[3][row];
  return width == 0.0 ? 0.0 : flow;  // NaN stays NaN
}

double typical_price(const Inputs<4>& in, Size row) noexcept {
  return (in[0][row] + in[1][row] + in[2][row]) / 3.0;
}

// Running total of a row value: total(row) = total(row - 1) + value(row).
template <class Value>
void running_total(Size begin, Size rows, double start, double* out, Value value) {
  Smoother total(1.0, 1.0, start);  // with nothing forgotten it sums
  double values[CHUNK];
  in_chunks(begin, rows, [&](Size first, Size count) {
    for (Size i = 0; i < count; ++i) values[i] = value(first + i);
    total.run(values, count, out + first);
  });
}

}  // namespace

void obv(const Inputs<2>& in, Size rows, const Outputs<1>& out) {
  if (rows == 0) return;
  const double* close = in[0];
  const double* volume = in[1];
  out[0][0] = volume[0];
  running_total(1, rows, volume[0], out[0], [=](Size row) {
    const double change = close[row] - close[row - 1];
    return (above_zero(change) - above_zero(-change)) * volume[row];
  });
}

void volume_price_trend(const Inputs<2>& in, Size rows, const Outputs<1>& out) {
  if (!begin_after(out, rows, 1)) return;
  running_total(1, rows, 0.0, out[0], [&](Size row) {
    return in[1][row] * (in[0][row] / in[0][row - 1] - 1.0);
  });
}

void accumulation(const Inputs<4>& in, Size rows, const Outputs<1>& out) {
  running_total(0, rows, 0.0, out[0], [&](Size row) { return money_flow(in, row); });
}

// Both averages start with the first row's value, not with a mean.
void accumulation_oscillator(const Inputs<4>& in, Size rows, const Outputs<1>& out, Size fast,
                             Size slow) {
  const Size warmup = std::max(fast, slow) - 1;
  if (!begin_after(out, rows, warmup)) return;
  const double fast_weight = exponential_weight(fast);
  const double slow_weight = exponential_weight(slow);
  double total = money_flow(in, 0);
  double quick = total;
  double steady = total;
  if (warmup == 0) out[0][0] = 0.0;
  const auto advance = [&](Size row) {
    total += money_flow(in, row);
    quick = fast_weight * total + (1.0 - fast_weight) * quick;
    steady = slow_weight * total + (1.0 - slow_weight) * steady;
    return quick - steady;
  };
  for (Size row = 1; row < warmup; ++row) advance(row);
  for (Size row = std::max(warmup, Size{1}); row < rows; ++row) out[0][row] = advance(row);
}

// A change of the typical price smaller than rounding is no change.
void mfi(const Inputs<4>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window)) return;
  const auto load = [&](Size step, Size count, const Columns<2>& flows) {
    for (Size i = 0; i < count; ++i) {
      const double now = typical_price(in, step + i + 1);
      const double change = now - typical_price(in, step + i);
      const double flow = now * in[3][step + i + 1];
      const double rounding = 1e-14 * std::fabs(now);
      flows[0][i] = above_zero(change - rounding) * flow;
      flows[1][i] = above_zero(-change - rounding) * flow;
    }
  };
  sum_windows<2>(rows - 1, window, load, [&](Size step, Size count, const Columns<2>& sum) {
    for (Size i = 0; i < count; ++i) {
      const double both = sum[0][i] + sum[1][i];
      const double share = 100.0 * (sum[0][i] / both);
      out[0][step + 1 + i] = both == 0.0 ? 0.0 : share;
    }
  });
}

void rolling_vwap(const Inputs<4>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window - 1)) return;
  const auto load = [&](Size row, Size count, const Columns<2>& columns) {
    for (Size i = 0; i < count; ++i) columns[0][i] = typical_price(in, row + i) * in[3][row + i];
    std::copy_n(in[3] + row, count, columns[1]);
  };
  sum_windows<2>(rows, window, load, [&](Size row, Size count, const Columns<2>& sum) {
    for (Size i = 0; i < count; ++i) {
      out[0][row + i] = sum[1][i] == 0.0 ? NOT_YET : sum[0][i] / sum[1][i];
    }
  });
}

// The fifth input names the session of each row; the sums start anew when it changes.
void session_vwap(const Inputs<5>& in, Size rows, const Outputs<1>& out) {
  const Inputs<4> bars{in[0], in[1], in[2], in[3]};
  double value = 0.0;
  double volume = 0.0;
  for (Size row = 0; row < rows; ++row) {
    if (row == 0 || in[4][row] != in[4][row - 1]) value = volume = 0.0;
    value += typical_price(bars, row) * bars[3][row];
    volume += bars[3][row];
    out[0][row] = volume == 0.0 ? NOT_YET : value / volume;
  }
}

}  // namespace algotrader::indicators
