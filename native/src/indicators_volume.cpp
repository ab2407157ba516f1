// Price and volume together.
#include <algorithm>
#include <cmath>

#include "algotrader/indicators.hpp"
#include "indicators_windows.hpp"

namespace algotrader::indicators {

namespace {

// Volume, signed by where in its range the row closed: +1 at the high, -1 at the low.
double money_flow(const Inputs<4>& in, Size row) noexcept {
  const double high = in[0][row];
  const double low = in[1][row];
  const double close = in[2][row];
  const double width = high - low;
  return width > 0.0 ? ((close - low) - (high - close)) / width * in[3][row] : 0.0;
}

double typical_price(const Inputs<4>& in, Size row) noexcept {
  return (in[0][row] + in[1][row] + in[2][row]) / 3.0;
}

}  // namespace

void obv(const Inputs<2>& in, Size rows, const Outputs<1>& out) {
  if (rows == 0) return;
  const double* close = in[0];
  const double* volume = in[1];
  double total = volume[0];
  out[0][0] = total;
  for (Size row = 1; row < rows; ++row) {
    const double up = close[row] > close[row - 1] ? volume[row] : 0.0;
    const double down = close[row] < close[row - 1] ? volume[row] : 0.0;
    total += up - down;
    out[0][row] = total;
  }
}

void volume_price_trend(const Inputs<2>& in, Size rows, const Outputs<1>& out) {
  if (!begin_after(out, rows, 1)) return;
  double total = 0.0;
  for (Size row = 1; row < rows; ++row) {
    total += in[1][row] * (in[0][row] / in[0][row - 1] - 1.0);
    out[0][row] = total;
  }
}

void accumulation(const Inputs<4>& in, Size rows, const Outputs<1>& out) {
  double total = 0.0;
  for (Size row = 0; row < rows; ++row) {
    total += money_flow(in, row);
    out[0][row] = total;
  }
}

// Both averages start with the first row's value, not with a mean.
void accumulation_oscillator(const Inputs<4>& in, Size rows, const Outputs<1>& out, Size fast,
                             Size slow) {
  const Size warmup = std::max(fast, slow) - 1;
  if (!begin_after(out, rows, warmup)) return;
  const double fast_weight = 2.0 / (static_cast<double>(fast) + 1.0);
  const double slow_weight = 2.0 / (static_cast<double>(slow) + 1.0);
  const double fast_rest = 1.0 - fast_weight;
  const double slow_rest = 1.0 - slow_weight;
  double total = money_flow(in, 0);
  double quick = total;
  double steady = total;
  if (warmup == 0) out[0][0] = 0.0;
  for (Size row = 1; row < rows; ++row) {
    total += money_flow(in, row);
    quick = fast_weight * total + fast_rest * quick;
    steady = slow_weight * total + slow_rest * steady;
    if (row >= warmup) out[0][row] = quick - steady;
  }
}

// A change of the typical price smaller than rounding is no change.
void mfi(const Inputs<4>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window)) return;
  sum_windows<2>(
      rows - 1, window,
      [&](Size step, Size) {
        const double now = typical_price(in, step + 1);
        const double change = now - typical_price(in, step);
        const double flow = now * in[3][step + 1];
        const double rounding = 1e-14 * std::fabs(now);
        return Sums<2>{change > rounding ? flow : 0.0, change < -rounding ? flow : 0.0};
      },
      [&](Size step, const Sums<2>& sum, Size) {
        const double both = sum[0] + sum[1];
        out[0][step + 1] = both == 0.0 ? 0.0 : 100.0 * (sum[0] / both);
      });
}

void rolling_vwap(const Inputs<4>& in, Size rows, const Outputs<1>& out, Size window) {
  if (!begin_after(out, rows, window - 1)) return;
  sum_windows<2>(
      rows, window,
      [&](Size row, Size) { return Sums<2>{typical_price(in, row) * in[3][row], in[3][row]}; },
      [&](Size row, const Sums<2>& sum, Size) {
        out[0][row] = sum[1] == 0.0 ? NOT_YET : sum[0] / sum[1];
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
