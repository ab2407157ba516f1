#include "algotrader/trades.hpp"

#include <algorithm>
#include <cmath>
#include <deque>

#include "algotrader/sizing.hpp"

namespace algotrader {

namespace {

// Money that a fill moves, before fees, in the account's currency.
double flow(const Instrument& instrument, double signed_quantity, double price) noexcept {
  const double units = signed_quantity * instrument.multiplier;
  return instrument.kind == InstrumentKind::Inverse ? units / price : -units * price;
}

// An average that keeps profit unchanged: harmonic for inverse contracts.
struct Average {
  double quantity = 0.0;
  double value = 0.0;
  bool inverse = false;

  void add(double amount, double price) noexcept {
    quantity += amount;
    value += inverse ? amount / price : amount * price;
  }
  double price() const noexcept { return inverse ? quantity / value : value / quantity; }
};

struct Extremes {
  double low = kInfinity;
  double high = -kInfinity;

  void include(double price) noexcept {
    if (!given(price)) return;
    low = std::min(low, price);
    high = std::max(high, price);
  }
};

// Prices met while the trade was on. The bar of the entry counts whole, the bar of the exit with
// its open and the exit's own price: what came after the exit was not endured.
Extremes extremes_of(const TradeInput& input, const Trade& trade) {
  const PanelView& panel = input.panel;
  const auto column = static_cast<std::size_t>(trade.instrument);
  Extremes met;
  met.include(trade.entry_price);
  met.include(trade.exit_price);
  const std::int64_t last = trade.is_open ? trade.exit_row : trade.exit_row - 1;
  for (std::int64_t row = trade.entry_row; row <= last; ++row) {
    const auto r = static_cast<std::size_t>(row);
    met.include(panel.at(input.close_only ? panel.close : panel.low, r, column));
    met.include(panel.at(input.close_only ? panel.close : panel.high, r, column));
  }
  if (!trade.is_open && trade.exit_row > trade.entry_row && !input.close_only) {
    met.include(panel.at(panel.open, static_cast<std::size_t>(trade.exit_row), column));
  }
  return met;
}

std::size_t last_row_with_close(const PanelView& panel, std::size_t column) {
  for (std::size_t row = panel.rows; row-- > 0;) {
    if (given(panel.at(panel.close, row, column))) return row;
  }
  return 0;
}

// Completes what does not depend on how lots were matched.
void finish_trade(const TradeInput& input, Trade& trade) {
  const Extremes met = extremes_of(input, trade);
  const double up = met.high / trade.entry_price - 1.0;
  const double down = met.low / trade.entry_price - 1.0;
  trade.mae = std::min(0.0, trade.side > 0 ? down : -up);
  trade.mfe = std::max(0.0, trade.side > 0 ? up : -down);
  const Instrument& instrument = input.instruments[static_cast<std::size_t>(trade.instrument)];
  trade.return_ = trade.profit / notional_of(instrument, trade.quantity, trade.entry_price);
  trade.ambiguous |= std::any_of(
      input.ambiguous.begin(), input.ambiguous.end(), [&](const AmbiguousBar& bar) {
        return bar.instrument == trade.instrument && bar.row >= trade.entry_row &&
               bar.row <= trade.exit_row;
      });
}

double funding_at(const TradeInput& input, std::size_t row, std::size_t column) {
  return input.funding == nullptr ? 0.0 : input.funding[row * input.panel.columns + column];
}

bool fee_in_coin(const Instrument& instrument, double quantity) noexcept {
  return instrument.is_spot() && instrument.fee_in_received && quantity > 0.0;
}

// Builds the round trips of one instrument.
class RoundTrips {
 public:
  RoundTrips(const TradeInput& input, std::size_t column, std::vector<Trade>& out)
      : input_(input), instrument_(input.instruments[column]), column_(column), out_(out) {}

  void take(const Fill& fill) {
    settle_funding(fill.row);
    if (fill.opening && !active_) start(fill);
    if (!active_) return;  // dust sold on its own
    Average& side = fill.opening ? entry_ : exit_;
    side.add(std::abs(fill.quantity), fill.price);
    trade_.profit += flow(instrument_, fill.quantity, fill.price);
    trade_.fees += fill.fee;
    trade_.slippage += fill.slippage;
    held_ += fill.quantity;
    if (fee_in_coin(instrument_, fill.quantity)) {
      held_ -= fill.fee / (fill.price * instrument_.multiplier);
      coin_fees_ += fill.fee;
    }
    trade_.quantity = std::max(trade_.quantity, std::abs(held_));
    if (fill.opening || whole_lots(held_ / instrument_.lot) != 0.0) return;
    trade_.exit_row = fill.row;
    trade_.exit_reason = fill.reason;
    end();
  }

  void end_of_data() {
    settle_funding(static_cast<std::int64_t>(input_.panel.rows));
    if (!active_) return;
    const std::size_t row = last_row_with_close(input_.panel, column_);
    const double close = input_.panel.at(input_.panel.close, row, column_);
    exit_.add(std::abs(held_), close);
    trade_.profit += flow(instrument_, -held_, close);
    trade_.exit_row = static_cast<std::int64_t>(row);
    trade_.is_open = true;
    end();
  }

 private:
  void start(const Fill& fill) {
    active_ = true;
    trade_ = Trade{};
    trade_.instrument = fill.instrument;
    trade_.entry_row = fill.row;
    trade_.side = fill.quantity > 0.0 ? 1 : -1;
    entry_ = exit_ = Average{0.0, 0.0, instrument_.kind == InstrumentKind::Inverse};
    held_ = 0.0;
    coin_fees_ = 0.0;
    if (funded_ <= fill.row) funded_ = fill.row;
  }

  // A row's funding belongs to the trade that was on when the row began, else to the one it opened.
  void settle_funding(std::int64_t until) {
    for (; funded_ < until; ++funded_) {
      if (active_) trade_.funding += funding_at(input_, static_cast<std::size_t>(funded_), column_);
    }
  }

  void end() {
    // The row of the exit was its own from the start.
    if (!trade_.is_open) settle_funding(trade_.exit_row + 1);
    trade_.entry_price = entry_.price();
    trade_.exit_price = exit_.quantity > 0.0 ? exit_.price() : trade_.entry_price;
    // Fees in the coin are inside what could be sold.
    trade_.profit += trade_.funding - (trade_.fees - coin_fees_);
    finish_trade(input_, trade_);
    out_.push_back(trade_);
    active_ = false;
  }

  const TradeInput& input_;
  const Instrument& instrument_;
  std::size_t column_;
  std::vector<Trade>& out_;
  bool active_ = false;
  Trade trade_;
  Average entry_;
  Average exit_;
  double held_ = 0.0;
  double coin_fees_ = 0.0;
  std::int64_t funded_ = 0;
};

// Lots matched first in, first out.
class Fifo {
 public:
  Fifo(const TradeInput& input, std::size_t column, std::vector<Trade>& out)
      : input_(input), instrument_(input.instruments[column]), column_(column), out_(out) {}

  void take(const Fill& fill) {
    // The funding of a row belongs to what was held when it began.
    settle_funding(fill.opening ? fill.row : fill.row + 1);
    double left = std::abs(fill.quantity);
    const double fee = fill.fee / left;
    const double slippage = fill.slippage / left;
    if (fill.opening) {
      const bool coin = fee_in_coin(instrument_, fill.quantity);
      const double net = coin ? left - fill.fee / (fill.price * instrument_.multiplier) : left;
      lots_.push_back({fill.row, fill.quantity > 0.0 ? 1 : -1, net, fill.price, fill.fee / net,
                       fill.slippage / net, 0.0});
      return;
    }
    while (left > kLotSlack * instrument_.lot && !lots_.empty()) {
      Lot& lot = lots_.front();
      const double matched = std::min(left, lot.quantity);
      match(lot, matched, fill.row, fill.price, fee, slippage, fill.reason, false);
      left -= matched;
      lot.quantity -= matched;
      if (lot.quantity <= kLotSlack * instrument_.lot) lots_.pop_front();
    }
    double held = 0.0;
    for (const Lot& lot : lots_) held += lot.quantity;
    if (whole_lots(held / instrument_.lot) == 0.0) lots_.clear();  // dust is flat (R9)
  }

  void end_of_data() {
    settle_funding(static_cast<std::int64_t>(input_.panel.rows));
    const std::size_t row = last_row_with_close(input_.panel, column_);
    const double close = input_.panel.at(input_.panel.close, row, column_);
    for (Lot& lot : lots_) {
      match(lot, lot.quantity, static_cast<std::int64_t>(row), close, 0.0, 0.0, FillReason::Order,
            true);
    }
  }

 private:
  struct Lot {
    std::int64_t row;
    int side;
    double quantity;
    double price;
    double fee;  // per unit
    double slippage;
    double funding;
  };

  void settle_funding(std::int64_t until) {
    for (; funded_ < until; ++funded_) {
      double held = 0.0;
      for (const Lot& lot : lots_) held += lot.quantity;
      const double amount = funding_at(input_, static_cast<std::size_t>(funded_), column_);
      if (amount == 0.0 || held == 0.0) continue;
      for (Lot& lot : lots_) lot.funding += amount / held;
    }
  }

  void match(const Lot& lot, double quantity, std::int64_t row, double price, double fee,
             double slippage, FillReason reason, bool is_open) {
    Trade trade;
    trade.instrument = static_cast<std::int64_t>(column_);
    trade.entry_row = lot.row;
    trade.exit_row = row;
    trade.side = lot.side;
    trade.quantity = quantity;
    trade.entry_price = lot.price;
    trade.exit_price = price;
    trade.fees = (lot.fee + fee) * quantity;
    trade.slippage = (lot.slippage + slippage) * quantity;
    trade.funding = lot.funding * quantity;
    trade.profit = flow(instrument_, lot.side * quantity, lot.price) +
                   flow(instrument_, -lot.side * quantity, price) - trade.fees + trade.funding;
    trade.exit_reason = reason;
    trade.is_open = is_open;
    finish_trade(input_, trade);
    out_.push_back(trade);
  }

  const TradeInput& input_;
  const Instrument& instrument_;
  std::size_t column_;
  std::vector<Trade>& out_;
  std::deque<Lot> lots_;
  std::int64_t funded_ = 0;
};

template <class Builder>
std::vector<Trade> build(const TradeInput& input) {
  std::vector<Trade> trades;
  std::vector<Builder> builders;
  builders.reserve(input.panel.columns);
  for (std::size_t column = 0; column < input.panel.columns; ++column) {
    builders.emplace_back(input, column, trades);
  }
  for (const Fill& fill : input.fills) builders[static_cast<std::size_t>(fill.instrument)].take(fill);
  for (Builder& builder : builders) builder.end_of_data();
  return trades;
}

}  // namespace

std::vector<Trade> round_trips(const TradeInput& input) { return build<RoundTrips>(input); }
std::vector<Trade> fifo_trades(const TradeInput& input) { return build<Fifo>(input); }

}  // namespace algotrader
