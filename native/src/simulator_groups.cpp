// Legs of one decision share a factor and end alike (R37).
#include <algorithm>
#include <cmath>

#include "algotrader/simulator.hpp"
#include "algotrader/sizing.hpp"

namespace algotrader {

namespace {

bool same_group(const GroupLeg& a, const GroupLeg& b) noexcept {
  return a.group == b.group && a.decision == b.decision;
}

bool is_open(const GroupLeg& leg) noexcept { return leg.state == OrderState::Working; }

// Lots of `total` at a common factor, as R9 truncates.
std::int64_t part_of(std::int64_t total, double factor) noexcept {
  return static_cast<std::int64_t>(whole_lots(static_cast<double>(total) * factor));
}

}  // namespace

void Simulator::join_group(std::size_t row, const Order& order, OrderState admitted) {
  state_.legs.push_back({order.group, static_cast<std::int64_t>(row), order.id, order.instrument,
                         order.side, order.lots, 0, admitted});
}

Order* Simulator::working(std::int64_t number) {
  for (Order& order : state_.orders) {
    if (order.id == number && !order.protective && !order.done) return &order;
  }
  return nullptr;
}

// After a cut of cash, legs of a group share the smallest factor of them.
void Simulator::share_group_factors(const std::vector<Execution*>& takers,
                                    std::vector<std::int64_t>& allowed) const {
  const std::vector<std::int64_t> own = allowed;  // by its own cut
  for (std::size_t k = 0; k < takers.size(); ++k) {
    const Order& order = state_.orders[takers[k]->index];
    if (order.group < 0) continue;
    double factor = 1.0;
    for (std::size_t other = 0; other < takers.size(); ++other) {
      const Order& leg = state_.orders[takers[other]->index];
      if (leg.group != order.group || leg.decided != order.decided) continue;
      factor = std::min(factor, static_cast<double>(own[other]) /
                                    static_cast<double>(takers[other]->opening));
    }
    allowed[k] = std::min(allowed[k], part_of(takers[k]->opening, factor));
  }
}

// Where a leg has ended, the others are reduced to its share of what was wanted. One that is stopped
// before it was sized (R33) has ended unfilled, which the others then match.
void Simulator::match_groups() {
  const auto still_open = [&] {
    return std::count_if(state_.legs.begin(), state_.legs.end(), is_open);
  };
  for (auto before = still_open() + 1; still_open() < before;) {
    before = still_open();
    match_legs();
  }
  std::vector<GroupLeg> kept;
  for (const GroupLeg& leg : state_.legs) {
    const bool over = std::none_of(
        state_.legs.begin(), state_.legs.end(),
        [&](const GroupLeg& other) { return same_group(leg, other) && is_open(other); });
    if (!over) kept.push_back(leg);
  }
  state_.legs = std::move(kept);
  forget_done_orders();
}

void Simulator::match_legs() {
  for (std::size_t k = 0; k < state_.legs.size(); ++k) {
    const GroupLeg& first = state_.legs[k];
    double factor = 1.0;
    for (const GroupLeg& leg : state_.legs) {
      if (!same_group(leg, first) || is_open(leg)) continue;
      const double share = leg.total > 0 ? static_cast<double>(leg.filled) / static_cast<double>(leg.total) : 0.0;
      factor = std::min(factor, share);
    }
    if (factor < 1.0) match_leg(state_.legs[k], factor);
  }
}

// Less than a lot too much is a match: rounding down would make this leg the smaller one.
void Simulator::match_leg(GroupLeg& leg, double factor) {
  const auto allowed =
      static_cast<std::int64_t>(std::ceil(static_cast<double>(leg.total) * factor - kLotSlack));
  if (Order* order = working(leg.order); order != nullptr) {
    order->lots = std::min(order->lots, std::max<std::int64_t>(allowed - leg.filled, 0));
    if (order->lots == 0) finish(*order, OrderState::Cancelled);
  }
  if (leg.filled <= allowed) return;
  Order back;
  back.instrument = leg.instrument;
  back.side = static_cast<std::int8_t>(-leg.side);
  back.lots = leg.filled - allowed;
  back.reason = FillReason::Group;
  back.reduce_only = true;
  back.age = state_.age++;
  state_.orders.push_back(back);
  leg.filled = allowed;
  count(Counter::GroupReduced);
}

}  // namespace algotrader
