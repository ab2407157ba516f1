#include "algotrader/batch.hpp"

namespace algotrader {

namespace {

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
  simulator.tally_fills();
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
  const FillTally& tally = *simulator.tally();
  row.fees = tally.fees();
  row.slippage = tally.slippage();
  row.funding = simulator.funding_paid();
  row.trades = tally.trades();
  row.open_trades = tally.open_trades();
  row.fills = tally.fills();
  row.ambiguous_bars = counted(Counter::AmbiguousBars);
  row.liquidations = counted(Counter::Liquidations);
  row.below_minimum = counted(Counter::BelowMinimum);
  to_returns(daily_returns, days(), settings_.cash);
  return row;
}

}  // namespace algotrader
