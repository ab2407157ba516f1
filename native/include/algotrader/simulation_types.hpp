// What goes into the bar simulator and what comes out of it: the C++ side of
// algotrader/execution/simulation.py. Numbers of enumerations are the contract's.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

namespace algotrader {

inline constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
inline constexpr double kInfinity = std::numeric_limits<double>::infinity();
inline constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

inline bool given(double value) noexcept { return !std::isnan(value); }

enum class InstrumentKind : int { Spot = 0, Linear = 1, Inverse = 2 };
enum class OrderKind : int { Market = 0, Limit = 1, Stop = 2, StopLimit = 3, TrailingStop = 4 };
enum class TimeInForce : int { GTC = 0, IOC = 1, FOK = 2, DAY = 3, GTD = 4 };
enum class PathRule : int { Worst = 0, Best = 1, NearFar = 2, Finer = 3 };
enum class RebalanceRule : int { OnChange = 0, EveryBar = 1, Schedule = 2, Band = 3 };
enum class ExecutionRule : int { Market = 0, Capped = 1, ByVenue = 2 };
enum class MarginMode : int { Cross = 0, Isolated = 1 };
enum class SizeAt : int { Close = 0, Fill = 1 };
enum class GapFill : int { ByVenue = 0, Open = 1, Limit = 2 };
enum class FillReason : std::int8_t {
  Order = 0,
  Target = 1,
  StopLoss = 2,
  TakeProfit = 3,
  Trailing = 4,
  Liquidation = 5,
  Delisted = 6,
  Group = 7
};
enum class OrderState : std::int8_t {
  Working = 0,
  Filled = 1,
  Cancelled = 2,
  Expired = 3,
  Rejected = 4,
  Denied = 5
};

struct Tier {
  double upper;  // notional, included
  double rate;   // maintenance
};

struct Instrument {
  InstrumentKind kind = InstrumentKind::Spot;
  double tick = 0.0;
  double lot = 1e-8;
  double min_quantity = 0.0;
  double min_notional = 0.0;
  double multiplier = 1.0;
  double maker_fee = 0.0;
  double taker_fee = 0.0;
  double min_fee = 0.0;
  bool fee_in_received = false;
  double slippage_bps = 0.0;
  double half_spread_bps = 0.0;
  double impact = 0.0;
  double participation = 0.1;
  bool never_closes = true;
  double leverage = 1.0;
  std::vector<Tier> tiers;
  double liquidation_fee = 0.0;
  double size_share = 1.0;
  std::int64_t listed_at = std::numeric_limits<std::int64_t>::min();
  std::int64_t delisted_at = kNever;
  double delist_haircut = 0.0;

  bool is_spot() const noexcept { return kind == InstrumentKind::Spot; }
  bool is_derivative() const noexcept { return kind != InstrumentKind::Spot; }
};

struct Settings {
  double cash = 10'000.0;
  MarginMode margin_mode = MarginMode::Cross;
  double cash_buffer = 0.0;
  double max_leverage = 1.0;
  double max_weight = kInfinity;
  double max_notional = kInfinity;
  double max_weight_abs = 10.0;
  RebalanceRule rebalance = RebalanceRule::OnChange;
  double band = 0.0;
  ExecutionRule execution = ExecutionRule::ByVenue;
  double cap_bps = 50.0;
  PathRule path = PathRule::Worst;
  GapFill gap_fill = GapFill::ByVenue;
  SizeAt size_at = SizeAt::Close;
  double stop_loss = kNone;
  double take_profit = kNone;
  double trailing = kNone;
  std::int64_t reenter_after = -1;  // bars; negative: never by itself
  bool close_only = false;

  bool protects() const noexcept { return given(stop_loss) || given(take_profit) || given(trailing); }
};

// Arrays of the market, owned by the caller. (T, N) arrays are row-major.
struct PanelView {
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::size_t stride = 0;  // numbers from one row of an array to the next: the columns, or more
  std::int64_t timeframe = 0;
  const std::int64_t* ts = nullptr;
  const double* open = nullptr;
  const double* high = nullptr;
  const double* low = nullptr;
  const double* close = nullptr;
  const double* volume = nullptr;
  const std::int64_t* session = nullptr;
  const double* mark_open = nullptr;
  const double* mark_high = nullptr;
  const double* mark_low = nullptr;
  const double* mark_close = nullptr;
  std::size_t fundings = 0;
  const std::int64_t* funding_ts = nullptr;
  const std::int64_t* funding_instrument = nullptr;
  const double* funding_rate = nullptr;
  const std::uint8_t* schedule = nullptr;
  std::size_t finer_rows = 0;
  const std::int64_t* finer_ts = nullptr;
  const double* finer_ohlc = nullptr;  // (M, 4, N)
  const double* finer_mark_ohlc = nullptr;

  double at(const double* field, std::size_t row, std::size_t column) const noexcept {
    return field[row * stride + column];
  }
  bool has_bar(std::size_t row, std::size_t column) const noexcept {
    return given(close[row * stride + column]);
  }
};

enum class RequestKind : int { Order = 0, Target = 1, Cancel = 2, Amend = 3 };

// One intent of a strategy at a decision. Absent numbers are NaN.
struct Request {
  RequestKind kind = RequestKind::Order;
  int instrument = 0;
  int side = 0;
  double quantity = kNone;
  double weight = kNone;
  double value = kNone;
  double limit = kNone;
  double stop = kNone;
  double trail = kNone;
  double stop_loss = kNone;
  double take_profit = kNone;
  double trailing = kNone;
  TimeInForce tif = TimeInForce::GTC;
  std::int64_t expires_at = kNever;
  bool post_only = false;
  bool reduce_only = false;
  std::int64_t group = -1;
  std::int64_t tag = 0;
  std::int64_t order = -1;  // of a cancel or an amendment
};

struct Fill {
  std::int64_t row = 0;
  std::int64_t instrument = 0;
  std::int64_t order = -1;
  double quantity = 0.0;  // signed
  double price = 0.0;
  double fee = 0.0;
  double slippage = 0.0;
  bool maker = false;
  FillReason reason = FillReason::Order;
  bool opening = false;
  bool ambiguous = false;
  std::int64_t opener = -1;      // of a protective exit: whose fill it guarded
  std::int64_t generation = -1;  // and which of its guards it was
};

// The fractions of an average entry at which a position is left (R19). Absent ones are NaN.
struct Protection {
  double stop_loss = kNone;
  double take_profit = kNone;
  double trailing = kNone;

  bool given_any() const noexcept {
    return given(stop_loss) || given(take_profit) || given(trailing);
  }
};

// What a venue is asked to do for a target: an order by number that works towards a position.
struct Work {
  int instrument = 0;
  int side = 0;
  double quantity = kNone;
  double wanted = 0.0;  // signed position it works towards (R10)
  bool capped = false;  // R13
  bool reduce_only = false;
  TimeInForce tif = TimeInForce::GTC;
};

// A protective order that a venue keeps: born with a fill, gone with its position.
struct Guard {
  std::int64_t opener;      // number of the order whose fill it guards
  std::int64_t generation;  // counts the guards of that order
  FillReason reason;
  std::int32_t instrument;
  bool triggered;
};

enum class Counter : std::size_t {
  BelowMinimum,
  NoBar,
  CashCut,
  LeverageScaled,
  WeightScaled,
  PostOnlyRejected,
  ReduceOnlyCut,
  NanTargets,
  RefusedTargets,
  NegativeSpotTargets,
  AmbiguousBars,
  Liquidations,
  FundingWithoutMark,
  ImpactSkipped,
  PartialCarried,
  Flips,
  FinerFallback,
  DeniedLimit,
  DeniedReentry,
  Delisted,
  FokKilled,
  IocExpired,
  GroupReduced,
  Count
};

inline constexpr std::array<std::string_view, static_cast<std::size_t>(Counter::Count)> kCounterNames{
    "below_minimum",       "no_bar",         "cash_cut",        "leverage_scaled",
    "weight_scaled",       "post_only_rejected", "reduce_only_cut", "nan_targets",
    "refused_targets",     "negative_spot_targets", "ambiguous_bars", "liquidations",
    "funding_without_mark", "impact_skipped", "partial_carried", "flips",
    "finer_fallback",      "denied_limit",   "denied_reentry",  "delisted",
    "fok_killed",          "ioc_expired",    "group_reduced"};

using Counters = std::array<std::int64_t, static_cast<std::size_t>(Counter::Count)>;

}  // namespace algotrader
