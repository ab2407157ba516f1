// The plain case of a lone spot instrument without protection: a target changes, and its market
// order fills whole at the next open. The very arithmetic of the general path without its
// bookkeeping of orders; whatever is not plain is left to that path, and the bits are the same.
#include <algorithm>
#include <cmath>

#include "algotrader/simulator.hpp"
#include "algotrader/sizing.hpp"

namespace algotrader {

bool Simulator::is_plain() const {
  const Instrument& instrument = instruments_[0];
  return panel_.columns == 1 && instrument.is_spot() && !settings_.protects() &&
         !settings_.close_only && !has_impact_ && !has_delistings_ && !has_listings_ &&
         std::isinf(settings_.max_notional) && settings_.rebalance == RebalanceRule::OnChange;
}

// Decides on the changed number of `row` and fills at the open of the next one. False, and nothing
// done, where it is not plain.
bool Simulator::trade_directly(std::size_t row, double number) {
  const std::size_t next = row + 1;
  if (!state_.orders.empty() || next >= panel_.rows || !panel_.has_bar(row, 0) ||
      !tradable(next, 0) || !(number >= 0.0 && number <= settings_.max_weight_abs) ||
      !(equity_ > 0.0)) {
    return false;
  }
  const Instrument& instrument = instruments_[0];
  const double weight = number * instrument.size_share;
  if (weight > 1.0 + kSumSlack || weight > settings_.max_weight) return false;
  const double lots = lots_from_weight(instrument, weight, sizing_equity(), last_close_[0]);
  const double held = static_cast<double>(held_lots(0));
  if (std::isnan(lots) || (lots == 0.0 && held == 0.0 && weight != 0.0)) return false;
  if (settings_.size_at == SizeAt::Fill && weight != 0.0 && held == 0.0) return false;
  const double position = state_.positions[0].quantity / instrument.lot;
  const double change = lots == 0.0 ? -held : whole_lots(lots - position);
  if (change != 0.0 && below_minimum(instrument, change * instrument.lot, last_close_[0])) {
    return false;
  }
  if (change != 0.0 && !fill_directly(next, change)) return false;
  state_.targets[0].standing = number;
  state_.targets[0].quantity = kNone;
  state_.targets[0].acted = number;
  return true;
}

bool Simulator::fill_directly(std::size_t row, double change) {
  const Instrument& instrument = instruments_[0];
  Order& order = direct_;
  order.side = change > 0.0 ? 1 : -1;
  order.reason = FillReason::Target;
  order.fee_sum = order.fee_charged = 0.0;
  const double size = std::abs(change);
  state_.room[0] = -1.0;
  if (size > room_left(row, 0)) return false;
  const double open = open_of(row, 0);
  const double slipped = open * (1.0 + order.side * slippage_at(row, 0, size));
  const double price = round_fill(slipped, instrument.tick, order.side);
  const auto wanted = static_cast<std::int64_t>(size);
  if (order.side < 0) {
    book(row, order, wanted, price, open, false, false);
  } else {
    order.capped = is_capped(0);
    order.reference = last_close_[0];
    if (!inside_cap(order, price)) return false;
    const Increase increase = increase_of(order, size, price, false);
    std::int64_t lots = wanted;
    if (!affordable({&increase, 1}, state_.cash)) {
      lots = cut_lots(instrument, wanted, cash_factor({&increase, 1}, state_.cash), price);
      count(Counter::CashCut);
    }
    if (lots > 0) book(row, order, lots, price, open, false, true);
  }
  publish_fills();
  return true;
}

}  // namespace algotrader
