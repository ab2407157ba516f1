// What an order costs: fees (R14) and slippage (R22).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "algotrader/simulation_types.hpp"

namespace algotrader {

// Fee of a whole order so far: max(minimum, sum over its fills) while its rate is above 0 (R14).
inline double order_fee(double sum_of_fills, double rate, double minimum) noexcept {
  return rate > 0.0 && sum_of_fills < minimum ? minimum : sum_of_fills;
}

// Slippage as a fraction of the price: (bps + half spread) / 1e4 + y sigma sqrt(q / adv) (R22).
double slippage_fraction(const Instrument& instrument, double quantity, double sigma,
                         double daily_volume) noexcept;

// Daily volatility and volume that the impact term looks at, per row and instrument (R22): the
// standard deviation (ddof 1) of the log returns and the mean volume of the last 20 completed
// days before the bar. NaN sigma where fewer than two returns exist.
struct DailyImpact {
  std::vector<double> sigma;   // (days + 1) per instrument: known before day d
  std::vector<double> volume;  // same shape
  std::vector<std::uint32_t> day;  // (T,) index of each row's day
  std::size_t days = 0;

  double sigma_at(std::size_t row, std::size_t column) const noexcept {
    return sigma[column * (days + 1) + day[row]];
  }
  double volume_at(std::size_t row, std::size_t column) const noexcept {
    return volume[column * (days + 1) + day[row]];
  }
};

DailyImpact daily_impact(const PanelView& panel);

// Made only where an instrument has an impact; null else.
std::shared_ptr<const DailyImpact> impact_of(const PanelView& panel,
                                             const std::vector<Instrument>& instruments);

// Day of a row: its session where given, else the UTC day of its open.
inline std::int64_t utc_day(std::int64_t ts) noexcept {
  constexpr std::int64_t day_ms = 86'400'000;
  const std::int64_t day = ts / day_ms;
  return ts % day_ms < 0 ? day - 1 : day;
}
inline std::int64_t day_of_row(const PanelView& panel, std::size_t row) noexcept {
  return panel.session != nullptr ? panel.session[row] : utc_day(panel.ts[row]);
}

}  // namespace algotrader
