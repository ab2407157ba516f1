// Totals of the fills of a run, taken as they happen, for runs that keep no list of them.
#pragma once

#include <cstdint>
#include <vector>

#include "algotrader/simulation_types.hpp"
#include "algotrader/sizing.hpp"

namespace algotrader {

class FillTally {
 public:
  explicit FillTally(std::size_t instruments) : holdings_(instruments) {}

  void take(const Fill& fill, const Instrument& instrument) noexcept {
    ++fills_;
    fees_ += fill.fee;
    slippage_ += fill.slippage;
    Holding& holding = holdings_[static_cast<std::size_t>(fill.instrument)];
    if (fill.opening) {
      holding.active = true;
    } else if (!holding.active) {
      return;  // dust sold on its own
    }
    holding.quantity += fill.quantity;
    const bool coin = instrument.is_spot() && instrument.fee_in_received && fill.quantity > 0.0;
    if (coin) holding.quantity -= fill.fee / (fill.price * instrument.multiplier);
    if (fill.opening || whole_lots(holding.quantity / instrument.lot) != 0.0) return;
    holding = Holding{};
    ++trades_;
  }

  double fees() const noexcept { return fees_; }
  double slippage() const noexcept { return slippage_; }
  std::int64_t fills() const noexcept { return fills_; }
  std::int64_t trades() const noexcept { return trades_; }  // flat to flat, or to a flip (R32)
  std::int64_t open_trades() const noexcept {
    std::int64_t open = 0;
    for (const Holding& holding : holdings_) open += holding.active ? 1 : 0;
    return open;
  }

 private:
  struct Holding {
    double quantity = 0.0;
    bool active = false;
  };

  std::vector<Holding> holdings_;
  double fees_ = 0.0;
  double slippage_ = 0.0;
  std::int64_t fills_ = 0;
  std::int64_t trades_ = 0;
};

}  // namespace algotrader
