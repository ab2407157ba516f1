#include "algotrader/costs.hpp"

#include <algorithm>
#include <cmath>

namespace algotrader {

namespace {

constexpr std::size_t kImpactDays = 20;  // R22

struct Day {
  double close;
  double volume;
};

// Completed days of one instrument; a day without a bar of it is none of its days.
struct History {
  std::vector<Day> days;

  double sigma() const {
    const std::size_t count = days.size();
    const std::size_t returns = count == 0 ? 0 : std::min(kImpactDays, count - 1);
    if (returns < 2) return kNone;
    double sum = 0.0;
    for (std::size_t k = count - returns; k < count; ++k) sum += log_return(k);
    const double mean = sum / static_cast<double>(returns);
    double squares = 0.0;
    for (std::size_t k = count - returns; k < count; ++k) {
      const double gap = log_return(k) - mean;
      squares += gap * gap;
    }
    return std::sqrt(squares / static_cast<double>(returns - 1));
  }

  // Of the same days as the returns: the first day of all has none.
  double volume() const {
    const std::size_t used = days.empty() ? 0 : std::min(kImpactDays, days.size() - 1);
    if (used == 0) return kNone;
    double sum = 0.0;
    for (std::size_t k = days.size() - used; k < days.size(); ++k) sum += days[k].volume;
    return sum / static_cast<double>(used);
  }

 private:
  double log_return(std::size_t k) const { return std::log(days[k].close / days[k - 1].close); }
};

}  // namespace

double slippage_fraction(const Instrument& instrument, double quantity, double sigma,
                         double daily_volume) noexcept {
  double fraction = (instrument.slippage_bps + instrument.half_spread_bps) / 1e4;
  if (instrument.impact > 0.0 && sigma > 0.0 && daily_volume > 0.0) {
    fraction += instrument.impact * sigma * std::sqrt(std::abs(quantity) / daily_volume);
  }
  return fraction;
}

DailyImpact daily_impact(const PanelView& panel) {
  DailyImpact result;
  result.day.resize(panel.rows);
  for (std::size_t row = 1; row < panel.rows; ++row) {
    const bool next = day_of_row(panel, row) != day_of_row(panel, row - 1);
    result.day[row] = result.day[row - 1] + (next ? 1U : 0U);
  }
  result.days = panel.rows == 0 ? 0 : result.day[panel.rows - 1] + 1U;
  result.sigma.assign(panel.columns * (result.days + 1), kNone);
  result.volume.assign(panel.columns * (result.days + 1), kNone);
  for (std::size_t column = 0; column < panel.columns; ++column) {
    History history;
    Day today{kNone, 0.0};
    for (std::size_t row = 0; row < panel.rows; ++row) {
      if (row > 0 && result.day[row] != result.day[row - 1]) {
        if (given(today.close)) history.days.push_back(today);
        today = Day{kNone, 0.0};
        result.sigma[column * (result.days + 1) + result.day[row]] = history.sigma();
        result.volume[column * (result.days + 1) + result.day[row]] = history.volume();
      }
      if (!panel.has_bar(row, column)) continue;
      today.close = panel.at(panel.close, row, column);
      today.volume += panel.at(panel.volume, row, column);
    }
  }
  return result;
}

std::shared_ptr<const DailyImpact> impact_of(const PanelView& panel,
                                             const std::vector<Instrument>& instruments) {
  const bool any = std::any_of(instruments.begin(), instruments.end(),
                               [](const Instrument& item) { return item.impact > 0.0; });
  return any ? std::make_shared<const DailyImpact>(daily_impact(panel)) : nullptr;
}

}  // namespace algotrader
