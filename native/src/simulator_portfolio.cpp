// The plain case of a panel of spot instruments: all targets of a decision become market orders that
// fill whole at the next open, reductions first. The arithmetic of the general path without its
// bookkeeping of orders; whatever is not plain is left to that path, and the bits are the same.
#include <algorithm>
#include <cmath>

#include "algotrader/simulator.hpp"
#include "algotrader/sizing.hpp"

namespace algotrader {

bool Simulator::is_plain_portfolio() const {
  return plain_spot_ && !settings_.protects() && !settings_.close_only && !has_impact_ &&
         !has_delistings_ && !has_listings_ && std::isinf(settings_.max_notional) &&
         std::isinf(settings_.max_weight) && settings_.rebalance != RebalanceRule::Band &&
         settings_.size_at == SizeAt::Close;
}

// Decides on the numbers of `row` and fills at the open of the next one, whose close is then marked.
// False, and nothing done, where it is not plain.
bool Simulator::rebalance_directly(std::size_t row, const double* numbers) {
  if (!state_.orders.empty() || pending_ || row + 1 >= panel_.rows || !(equity_ > 0.0)) return false;
  const bool scheduled = settings_.rebalance != RebalanceRule::Schedule ||
                         (panel_.schedule != nullptr && panel_.schedule[row] != 0);
  if (!scheduled || !plan_directly(row, numbers)) return false;
  for (const DirectTrade& trade : direct_trades_) {
    TargetState& target = state_.targets[trade.column];
    target.standing = target.acted = numbers[trade.column];
    target.quantity = kNone;
  }
  for (const DirectTrade& trade : direct_trades_) {
    if (trade.lots >= 0.0) continue;
    direct_.side = -1;
    book_directly(row + 1, trade, static_cast<std::int64_t>(-trade.lots), false);
  }
  increase_directly(row + 1);
  publish_fills();
  mark_bar(row + 1);
  return true;
}

// What each instrument trades; false where one of them is not plain.
bool Simulator::plan_directly(std::size_t row, const double* numbers) {
  direct_trades_.clear();
  double weights = 0.0;
  for (std::size_t column = 0; column < panel_.columns; ++column) {
    const double number = numbers[column];
    const bool valid = number >= 0.0 && number <= settings_.max_weight_abs;
    if (!valid || !panel_.has_bar(row, column) || !tradable(row + 1, column)) return false;
    weights += number * instruments_[column].size_share;
  }
  if (weights > 1.0 + kSumSlack) return false;  // R11: they are scaled
  const bool on_change = settings_.rebalance == RebalanceRule::OnChange;
  for (std::size_t column = 0; column < panel_.columns; ++column) {
    const double number = numbers[column];
    if (on_change && number == state_.targets[column].acted) continue;
    if (!plan_trade(row + 1, column, number)) return false;
  }
  return true;
}

bool Simulator::plan_trade(std::size_t row, std::size_t column, double number) {
  const Instrument& instrument = instruments_[column];
  const double weight = number * instrument.size_share;
  const double lots = lots_from_weight(instrument, weight, sizing_equity(), last_close_[column]);
  const double held = static_cast<double>(held_lots(column));
  if (std::isnan(lots) || (lots == 0.0 && held == 0.0 && weight != 0.0)) return false;
  const double position = state_.positions[column].quantity / instrument.lot;
  DirectTrade trade{column, lots == 0.0 ? -held : whole_lots(lots - position), 0.0, 0.0};
  if (trade.lots != 0.0) {
    if (below_minimum(instrument, trade.lots * instrument.lot, last_close_[column])) return false;
    state_.room[column] = -1.0;
    if (std::abs(trade.lots) > room_left(row, column)) return false;
    const int side = trade.lots > 0.0 ? 1 : -1;
    trade.open = open_of(row, column);
    const double slipped = trade.open * (1.0 + side * slippage_at(row, column, trade.lots));
    trade.price = round_fill(slipped, instrument.tick, side);
    if (side > 0 && is_capped(column)) {
      direct_.instrument = static_cast<std::int32_t>(column);
      direct_.side = 1;
      direct_.capped = true;
      direct_.reference = last_close_[column];
      if (!inside_cap(direct_, trade.price)) return false;
    }
  }
  direct_trades_.push_back(trade);
  return true;
}

void Simulator::increase_directly(std::size_t row) {
  inside_.clear();
  direct_.side = 1;
  direct_.fee_sum = direct_.fee_charged = 0.0;
  for (const DirectTrade& trade : direct_trades_) {
    if (trade.lots <= 0.0) continue;
    direct_.instrument = static_cast<std::int32_t>(trade.column);
    inside_.push_back(increase_of(direct_, trade.lots, trade.price, false));
  }
  if (inside_.empty()) return;
  const double factor = cash_factor(inside_, state_.cash);
  if (factor < 1.0) count(Counter::CashCut);
  for (const DirectTrade& trade : direct_trades_) {
    if (trade.lots <= 0.0) continue;
    const std::int64_t lots = cut_lots(instruments_[trade.column],
                                       static_cast<std::int64_t>(trade.lots), factor, trade.price);
    if (lots > 0) book_directly(row, trade, lots, true);
  }
}

void Simulator::book_directly(std::size_t row, const DirectTrade& trade, std::int64_t lots,
                              bool opening) {
  direct_.instrument = static_cast<std::int32_t>(trade.column);
  direct_.reason = FillReason::Target;
  direct_.fee_sum = direct_.fee_charged = 0.0;
  book(row, direct_, lots, trade.price, trade.open, false, opening);
}

}  // namespace algotrader
