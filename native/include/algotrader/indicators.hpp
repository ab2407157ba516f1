// Indicators over one gap-free series: every input row is finite, every output row is written, and
// a row whose window is not complete yet is NaN. Rows are read forwards only, so a value never
// depends on a later row, and in one fixed order of operations, so the bits are the same on every
// machine (R34). `indicators_runs.hpp` splits real series, which have gaps (R3), into such runs.
//
// Formulas and their sources stand in the docstrings of `algotrader.features`.
#pragma once

#include <array>
#include <cstddef>

namespace algotrader::indicators {

template <std::size_t Count>
using Inputs = std::array<const double*, Count>;
template <std::size_t Count>
using Outputs = std::array<double*, Count>;
using Size = std::size_t;

// Averages (indicators_averages.cpp).
void sma(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window);
void ema(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window);
void wilder(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window);
void wma(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window);
void trima(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window);
void dema(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window);
void tema(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window);
void trix(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window);
void t3(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window, double volume_factor);
void kama(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window, Size fast, Size slow);
void vwma(const Inputs<2>& in, Size rows, const Outputs<1>& out, Size window);
void macd(const Inputs<1>& in, Size rows, const Outputs<3>& out, Size fast, Size slow, Size signal);
void ema_difference(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size fast, Size slow);
void ema_ratio(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size fast, Size slow);

// Statistics of a window (indicators_rolling.cpp).
void rolling_sum(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window);
void rolling_product(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window);
void rolling_var(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window, Size ddof);
void rolling_std(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window, Size ddof);
void rolling_skew(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window);
void rolling_kurt(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window);
void rolling_zscore(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window, Size ddof);
void bollinger(const Inputs<1>& in, Size rows, const Outputs<3>& out, Size window, double deviations);
void rolling_cov(const Inputs<2>& in, Size rows, const Outputs<1>& out, Size window, Size ddof);
void rolling_corr(const Inputs<2>& in, Size rows, const Outputs<1>& out, Size window);
void rolling_beta(const Inputs<2>& in, Size rows, const Outputs<1>& out, Size window);
// Least-squares line through a window: its value `ahead` rows after the last one, or its slope.
void linear_fit(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window, double ahead);
void linear_slope(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window);

// Order statistics of a window (indicators_order.cpp).
void rolling_min(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window);
void rolling_max(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window);
void rolling_argmin(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window);
void rolling_argmax(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window);
void rolling_quantile(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window,
                      double quantile);
void rolling_rank(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window);
void ulcer_index(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window);
void midrange(const Inputs<2>& in, Size rows, const Outputs<1>& out, Size window);
void donchian(const Inputs<2>& in, Size rows, const Outputs<3>& out, Size window);
void aroon(const Inputs<2>& in, Size rows, const Outputs<2>& out, Size window);
void raw_stochastic(const Inputs<3>& in, Size rows, const Outputs<1>& out, Size window);
void williams_r(const Inputs<3>& in, Size rows, const Outputs<1>& out, Size window);
void stochastic(const Inputs<3>& in, Size rows, const Outputs<2>& out, Size window, Size slowing,
                Size signal);

// Strength and direction of moves (indicators_momentum.cpp).
void rsi(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window);
void cmo(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size window);
// Takes gaps as they are: NaN in a row or in the close before it gives NaN.
void true_range(const Inputs<3>& in, Size rows, const Outputs<1>& out);
void atr(const Inputs<3>& in, Size rows, const Outputs<1>& out, Size window);
void natr(const Inputs<3>& in, Size rows, const Outputs<1>& out, Size window);
void plus_di(const Inputs<3>& in, Size rows, const Outputs<1>& out, Size window);
void minus_di(const Inputs<3>& in, Size rows, const Outputs<1>& out, Size window);
void adx(const Inputs<3>& in, Size rows, const Outputs<1>& out, Size window);
void cci(const Inputs<3>& in, Size rows, const Outputs<1>& out, Size window);
void ultimate(const Inputs<3>& in, Size rows, const Outputs<1>& out, Size fast, Size middle,
              Size slow);
void sar(const Inputs<2>& in, Size rows, const Outputs<1>& out, double step, double limit);
void supertrend(const Inputs<3>& in, Size rows, const Outputs<2>& out, Size window,
                double multiplier);

// Differences over `back` rows; only the two rows they name must be there, so these take gaps as they
// are, and NaN gives NaN.
void change(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size back);
void rate_of_change(const Inputs<1>& in, Size rows, const Outputs<1>& out, Size back, double unit);
void balance_of_power(const Inputs<4>& in, Size rows, const Outputs<1>& out);

// Price and volume together (indicators_volume.cpp).
void obv(const Inputs<2>& in, Size rows, const Outputs<1>& out);
void volume_price_trend(const Inputs<2>& in, Size rows, const Outputs<1>& out);
void accumulation(const Inputs<4>& in, Size rows, const Outputs<1>& out);
void accumulation_oscillator(const Inputs<4>& in, Size rows, const Outputs<1>& out, Size fast,
                             Size slow);
void mfi(const Inputs<4>& in, Size rows, const Outputs<1>& out, Size window);
void rolling_vwap(const Inputs<4>& in, Size rows, const Outputs<1>& out, Size window);
void session_vwap(const Inputs<5>& in, Size rows, const Outputs<1>& out);

}  // namespace algotrader::indicators
