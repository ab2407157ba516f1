// Round trips from fills: flat to flat or to a flip, or lot by lot, first in first out (R32).
#pragma once

#include <cstdint>
#include <vector>

#include "algotrader/simulation_types.hpp"

namespace algotrader {

struct AmbiguousBar {
  std::int64_t row;
  std::int64_t instrument;
};

struct Trade {
  std::int64_t instrument = 0;
  std::int64_t entry_row = 0;
  std::int64_t exit_row = 0;  // of the last close where the trade is open
  int side = 0;
  double quantity = 0.0;     // largest held
  double entry_price = 0.0;  // weighted by quantity
  double exit_price = 0.0;
  double fees = 0.0;
  double funding = 0.0;
  double slippage = 0.0;
  double profit = 0.0;  // net of fees, with funding
  double return_ = 0.0;  // over the notional at entry
  double mae = 0.0;      // worst and best excursion, fractions of the entry price
  double mfe = 0.0;
  FillReason exit_reason = FillReason::Order;
  bool ambiguous = false;
  bool is_open = false;
};

struct TradeInput {
  PanelView panel;
  const std::vector<Instrument>& instruments;
  const std::vector<Fill>& fills;
  const double* funding;  // (T, N) or null
  const std::vector<AmbiguousBar>& ambiguous;
  bool close_only;
};

// In the order of their exits; open ones last, marked at the last close.
std::vector<Trade> round_trips(const TradeInput& input);
std::vector<Trade> fifo_trades(const TradeInput& input);

}  // namespace algotrader
