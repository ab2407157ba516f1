#include "algotrader/indicators_runs.hpp"

#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

#include "check.hpp"

using namespace algotrader::indicators;

namespace {

constexpr double NONE = std::numeric_limits<double>::quiet_NaN();
constexpr double INFINITE = std::numeric_limits<double>::infinity();

std::vector<double> walk(Size rows) {
  std::vector<double> values(rows);
  unsigned state = 7;
  double price = 100.0;
  for (double& value : values) {
    state = state * 1664525u + 1013904223u;
    price *= 1.0 + (static_cast<double>(state >> 8) / (1 << 24) - 0.5) * 0.02;
    value = price;
  }
  return values;
}

}  // namespace

TEST(the_first_gap_is_found_wherever_it_is_on_every_instruction_set) {
  for (const double gap : {NONE, -NONE, INFINITE, -INFINITE}) {
    std::vector<double> values(300, std::numeric_limits<double>::max());
    CHECK(first_not_finite(values.data(), 0, values.size()) == values.size());
    CHECK(first_not_finite_plain(values.data(), 0, values.size()) == values.size());
    for (Size row = 0; row < values.size(); ++row) {
      values[row] = gap;
      CHECK(first_not_finite(values.data(), 0, values.size()) == row);
      CHECK(first_not_finite_plain(values.data(), 0, values.size()) == row);
      CHECK(first_not_finite(values.data(), row + 1, values.size()) == values.size());
      values[row] = -0.0;
    }
  }
}

TEST(an_average_of_the_first_rows_has_the_bits_of_the_whole) {
  const auto x = walk(1500);
  for (const Size window : {Size{1}, Size{2}, Size{7}, Size{64}, Size{700}}) {
    std::vector<double> whole(x.size());
    sma({x.data()}, x.size(), {whole.data()}, window);
    for (Size rows = 1; rows < x.size(); rows += 37) {
      std::vector<double> part(rows);
      sma({x.data()}, rows, {part.data()}, window);
      CHECK(std::memcmp(part.data(), whole.data(), rows * sizeof(double)) == 0);
    }
  }
}

TEST(a_gap_restarts_an_average_and_is_itself_undefined) {
  auto x = walk(40);
  x[20] = NONE;
  std::vector<double> out(x.size());
  const auto kernel = [](const Inputs<1>& in, Size rows, const Outputs<1>& to) {
    ema(in, rows, to, 5);
  };
  for (const Memory memory : {Memory::fades, Memory::stays}) {
    over_runs<1, 1>(Gaps::restart, memory, {x.data()}, x.size(), {out.data()}, kernel);
    std::vector<double> after(19);
    ema({x.data() + 21}, 19, {after.data()}, 5);
    CHECK(out[20] != out[20]);
    CHECK(std::memcmp(out.data() + 21 + 4, after.data() + 4, 15 * sizeof(double)) == 0);
  }
}

namespace {

// Series of exactly `rows` rows on the heap, so that a sanitizer sees a step beyond them.
template <Size In, Size Out, class... Settings>
void on_short_series(void (*kernel)(const Inputs<In>&, Size, const Outputs<Out>&, Settings...),
                     Size rows, std::type_identity_t<Settings>... settings) {
  std::vector<std::vector<double>> from(In, walk(rows));
  std::vector<std::vector<double>> to(Out, std::vector<double>(rows));
  Inputs<In> in;
  Outputs<Out> out;
  for (Size k = 0; k < In; ++k) in[k] = from[k].data();
  for (Size k = 0; k < Out; ++k) out[k] = to[k].data();
  if (rows > 0) kernel(in, rows, out, settings...);
}

void every_kernel(Size rows, Size window) {
  for (const auto kernel : {sma, ema, wilder, wma, dema, tema, trix, rsi, cmo}) {
    on_short_series(kernel, rows, window);
  }
  for (const auto kernel : {rolling_sum, rolling_product, rolling_min, rolling_max, rolling_argmin,
                            rolling_argmax, rolling_rank, ulcer_index}) {
    on_short_series(kernel, rows, window);
  }
  for (const auto kernel : {atr, natr, plus_di, minus_di, adx, cci, raw_stochastic, williams_r}) {
    on_short_series(kernel, rows, window);
  }
  for (const auto kernel : {rolling_skew, rolling_kurt, linear_slope}) {
    on_short_series(kernel, rows, window + 3);
  }
  for (const auto kernel : {rolling_var, rolling_std, rolling_zscore}) {
    on_short_series(kernel, rows, window, 0);
  }
  on_short_series(t3, rows, window, 0.7);
  on_short_series(kama, rows, window, 2, 30);
  on_short_series(vwma, rows, window);
  on_short_series(macd, rows, window, window + 2, 4);
  on_short_series(ema_difference, rows, window, 3);
  on_short_series(ema_ratio, rows, 3, window);
  on_short_series(bollinger, rows, window, 2.0);
  on_short_series(rolling_cov, rows, window, 0);
  on_short_series(rolling_corr, rows, window);
  on_short_series(rolling_beta, rows, window);
  on_short_series(linear_fit, rows, window + 1, 1.0);
  on_short_series(rolling_quantile, rows, window, 0.9);
  on_short_series(midrange, rows, window);
  on_short_series(donchian, rows, window);
  on_short_series(aroon, rows, window);
  on_short_series(stochastic, rows, window, 3, 2);
  on_short_series(true_range, rows);
  on_short_series(ultimate, rows, window, 3, 5);
  on_short_series(sar, rows, 0.02, 0.2);
  on_short_series(supertrend, rows, window, 3.0);
  on_short_series(change, rows, window);
  on_short_series(rate_of_change, rows, window, 1.0);
  on_short_series(balance_of_power, rows);
  on_short_series(obv, rows);
  on_short_series(volume_price_trend, rows);
  on_short_series(accumulation, rows);
  on_short_series(accumulation_oscillator, rows, 3, window);
  on_short_series(mfi, rows, window);
  on_short_series(rolling_vwap, rows, window);
  on_short_series(session_vwap, rows);
}

}  // namespace

TEST(no_kernel_steps_beyond_its_rows) {
  for (Size rows = 0; rows <= 24; ++rows) {
    for (Size window = 1; window <= 26; ++window) every_kernel(rows, window);
  }
  for (const Size window : {Size{1}, Size{20}, Size{511}, Size{512}, Size{600}}) {
    every_kernel(1300, window);
  }
}
