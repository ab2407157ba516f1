#include "algotrader/batch.hpp"

#include <cmath>

#include "algotrader/sizing.hpp"

namespace algotrader {

namespace {

// Counts flat-to-flat (or to-flip) trades of the fills.
void count_trades(const std::vector<Fill>& fills, const std::vector<Instrument>& instruments,
                  BatchRow& row) {
  std::vector<double> held(instruments.size(), 0.0);
  std::vector<char> active(instruments.size(), 0);
  for (const Fill& fill : fills) {
    const auto column = static_cast<std::size_t>(fill.instrument);
    const Instrument& instrument = instruments[column];
    if (fill.opening) {
      active[column] = 1;
    } else if (active[column] == 0) {
      continue;
    }
    held[column] += fill.quantity;
    const bool coin = instrument.is_spot() && instrument.fee_in_received && fill.quantity > 0.0;
    if (coin) held[column] -= fill.fee / (fill.price * instrument.multiplier);
    if (fill.opening || whole_lots(held[column] / instrument.lot) != 0.0) continue;
    active[column] = 0;
    held[column] = 0.0;
    ++row.trades;
  }
  for (const char open : active) row.open_trades += open;
}

// From equity at the ends of days to their returns, in place.
void to_returns(double* values, std::size_t days, double initial) {
  double base = initial;
  bool ruined = !(initial > 0.0);
  for (std::size_t day = 0; day < days; ++day) {
    const double equity = values[day];
    values[day] = ruined ? 0.0 : equity / base - 1.0;
    ruined = ruined || equity <= 0.0;  // nothing can be earned on nothing (R8)
    base = equity;
  }
}

}  // namespace

Batch::Batch(const PanelView& panel, std::vector<Instrument> instruments, Settings settings)
    : panel_(panel),
      instruments_(std::move(instruments)),
      settings_(settings),
      impact_(impact_of(panel, instruments_)),
      index_(panel, true) {}

BatchRow Batch::run(const double* targets, double* daily_returns) const {
  Simulator simulator(index_.view(), instruments_, settings_, impact_);
  if (panel_.columns == 1) {
    run_lone_daily(simulator, index_, targets, daily_returns);
  } else {
    run_rows_daily(simulator, index_, targets, daily_returns);
  }
  BatchRow row;
  row.final_equity = simulator.equity();
  const auto counted = [&](Counter counter) {
    return simulator.counters()[static_cast<std::size_t>(counter)];
  };
  for (const Fill& fill : simulator.fills()) {
    row.fees += fill.fee;
    row.slippage += fill.slippage;
  }
  row.funding = simulator.funding_paid();
  row.fills = static_cast<std::int64_t>(simulator.fills().size());
  row.ambiguous_bars = counted(Counter::AmbiguousBars);
  row.liquidations = counted(Counter::Liquidations);
  row.below_minimum = counted(Counter::BelowMinimum);
  count_trades(simulator.fills(), instruments_, row);
  to_returns(daily_returns, days(), settings_.cash);
  return row;
}

}  // namespace algotrader
