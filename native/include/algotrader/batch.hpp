// Many target arrays over one panel: what is shared is prepared once, a run keeps daily equity.
#pragma once

#include <memory>
#include <vector>

#include "algotrader/panel_index.hpp"
#include "algotrader/run.hpp"

namespace algotrader {

struct BatchRow {
  double final_equity = 0.0;
  double fees = 0.0;
  double slippage = 0.0;
  double funding = 0.0;
  std::int64_t trades = 0;  // closed round trips (R32)
  std::int64_t open_trades = 0;
  std::int64_t fills = 0;
  std::int64_t ambiguous_bars = 0;
  std::int64_t liquidations = 0;
  std::int64_t below_minimum = 0;
};

class Batch {
 public:
  Batch(const PanelView& panel, std::vector<Instrument> instruments, Settings settings);

  std::size_t days() const noexcept { return index_.day_ends().size(); }
  const std::vector<std::size_t>& day_ends() const noexcept { return index_.day_ends(); }
  // One run with targets (T, N); daily_returns (D,) are simple, on the equity at the day's end; 0
  // after ruin. Any number of threads may call it.
  BatchRow run(const double* targets, double* daily_returns) const;

 private:
  PanelView panel_;
  std::vector<Instrument> instruments_;
  Settings settings_;
  std::shared_ptr<const DailyImpact> impact_;
  PanelIndex index_;
};

}  // namespace algotrader
