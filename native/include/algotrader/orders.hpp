// A working order as the simulator keeps it: explicit ones, targets being worked, protection.
#pragma once

#include <cstdint>

#include "algotrader/simulation_types.hpp"

namespace algotrader {

inline constexpr std::int64_t kPositionLevel = -1;  // bracket of the position itself (R19)

struct Order {
  std::int64_t id = -1;  // number of the explicit order; -1 else
  std::int64_t age = 0;  // older first (R7)
  std::int32_t instrument = 0;
  std::int8_t side = 0;
  OrderKind kind = OrderKind::Market;
  TimeInForce tif = TimeInForce::GTC;
  FillReason reason = FillReason::Order;
  bool fresh = true;        // no bar with prices since its decision (R15)
  bool triggered = false;   // its stop was reached: a market order now, or a resting limit
  bool post_only = false;
  bool reduce_only = false;
  bool protective = false;  // a leg of a bracket
  bool follows = false;     // its size is the position's (R19)
  bool inside = false;      // born inside the present bar (R16)
  bool capped = false;      // a target executed inside a cap (R13)
  bool size_at_fill = false;  // R33
  bool done = false;
  std::int64_t lots = 0;    // left to do
  std::int64_t filled = 0;
  std::int64_t wanted = 0;  // of a target: the position it works towards, signed lots (R10)
  std::int64_t bracket = kPositionLevel;  // whose protection it is: number of the opening order
  double limit = kNone;
  double stop = kNone;
  double trail = kNone;
  double best = kNone;       // best price since entry (R18)
  double reference = kNone;  // close that the cap refers to (R13)
  double weight = kNone;     // of size_at_fill
  double fee_sum = 0.0;      // of its fills, before the minimum (R14)
  double fee_charged = 0.0;
  double stop_loss = kNone;  // protection of what it opens (R19)
  double take_profit = kNone;
  double trailing = kNone;
  double opened = 0.0;  // quantity it opened, after fees in the coin, and its value at the fills
  double opened_value = 0.0;
  std::int64_t expires_at = kNever;
  std::int64_t session = 0;
  std::int64_t group = -1;
  std::int64_t decided = -1;  // row of its decision: legs of a group share it (R37)
  std::int64_t tag = 0;
  std::int64_t opener = -1;      // of a leg: number of the order whose fill made it
  std::int64_t generation = -1;  // of a leg: which legs of that order
  std::int64_t generations = 0;  // how often this order's fills made legs

  bool is_stop() const noexcept {
    return kind == OrderKind::Stop || kind == OrderKind::StopLimit ||
           kind == OrderKind::TrailingStop;
  }
  bool acts_as_market() const noexcept {
    return kind == OrderKind::Market ||
           (triggered && (kind == OrderKind::Stop || kind == OrderKind::TrailingStop));
  }
  bool acts_as_limit() const noexcept {
    return kind == OrderKind::Limit || (triggered && kind == OrderKind::StopLimit);
  }
  // A leg over less than one lot: dust is not protected (R9).
  bool guards_nothing() const noexcept {
    return protective && !follows && !triggered && lots <= 0;
  }
  bool lives_at_one_open() const noexcept {
    return tif == TimeInForce::IOC || tif == TimeInForce::FOK;
  }
  bool gives_protection() const noexcept {
    return given(stop_loss) || given(take_profit) || given(trailing);
  }
};

// The better of two prices for what an exit order of this side protects (R18).
inline double better_of(int exit_side, double a, double b) noexcept {
  return exit_side < 0 ? (a > b ? a : b) : (a < b ? a : b);
}

}  // namespace algotrader
