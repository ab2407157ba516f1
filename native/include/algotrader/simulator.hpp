// The bar simulator and kernel account: one run over one panel (rules R1..R38).
//
// A driver calls step(row) (R7, steps 1 to 7) and then states what is wanted at the decision of
// that row (step 8): decide_targets() and request(). Numbers of an account are float64 in a fixed
// order of operations (R34); quantities are whole lots.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "algotrader/cash_factor.hpp"
#include "algotrader/costs.hpp"
#include "algotrader/fill_tally.hpp"
#include "algotrader/orders.hpp"
#include "algotrader/panel_index.hpp"
#include "algotrader/path.hpp"
#include "algotrader/simulation_types.hpp"
#include "algotrader/target_runs.hpp"
#include "algotrader/trades.hpp"

namespace algotrader {

struct Position {
  std::int64_t lots = 0;  // bought less sold
  double taken = 0.0;     // coin that fees took from it (R14)
  double quantity = 0.0;  // lots * lot - taken
  double entry = 0.0;     // quantity-weighted average
  double margin = 0.0;    // isolated: what is set aside for it (R11)
};

// What stands between an instrument's target and its next trade (R10, R19).
struct TargetState {
  double standing = kNone;  // last valid number: a weight
  double quantity = kNone;  // or the quantity that was asked for in its place
  double acted = kNone;     // number last acted on
  bool working = false;     // has an order on its way
  bool pending = false;     // to be looked at on the next bar (R3, R10)
  bool pending_opinion = false;  // with what was wanted then
  int blocked = 0;          // sign that may not be entered again (R19)
  std::int64_t blocked_bars = 0;  // bars of the instrument since the exit
};

// One order of a group: legs of one decision stay in step (R37).
struct GroupLeg {
  std::int64_t group;
  std::int64_t decision;  // row of the decision they are of
  std::int64_t order;
  std::int32_t instrument;
  std::int8_t side;
  std::int64_t total;   // lots wanted
  std::int64_t filled;  // lots that stand, after what was given back
  OrderState state;
};

class Simulator {
 public:
  // `impact` may be shared by many runs over one panel; without it, it is made where needed.
  Simulator(PanelView panel, std::vector<Instrument> instruments, Settings settings,
            std::shared_ptr<const DailyImpact> impact = nullptr);

  void step(std::size_t row);  // R7 (1) to (7)
  // R7 (8): explicit requests first, in the order given; the number of a new order, or -1. A target
  // asked for is acted on by decide(), together with the numbers (N,) of the row, which may be null.
  std::int64_t request(std::size_t row, const Request& request);
  void decide(std::size_t row, const double* numbers);

  // For a venue that a driver keeps (simulator_venue.cpp): orders of targets by number, protection
  // by instrument, and what became of it. Groups are matched by the driver.
  void serve_a_venue() { serves_venue_ = true; }
  std::int64_t work(std::size_t row, const Work& work);
  void set_protection(std::size_t column, const Protection& protection);
  void protect(std::size_t column, std::int64_t opener);
  void cancel_guard(const Guard& guard);
  std::vector<Guard> guards() const;
  std::vector<Guard> take_guard_news() { return std::exchange(state_.guard_news, {}); }

  const PanelView& panel() const noexcept { return panel_; }
  const Instrument& instrument(std::size_t column) const { return instruments_[column]; }
  const Settings& settings() const noexcept { return settings_; }
  double equity() const noexcept { return equity_; }
  double cash() const noexcept { return state_.cash; }
  const Position& position(std::size_t column) const { return state_.positions[column]; }
  double last_close(std::size_t column) const { return last_close_[column]; }
  double mark(std::size_t column) const { return mark_[column]; }
  const std::vector<Order>& orders() const noexcept { return state_.orders; }
  const std::vector<Fill>& fills() const noexcept { return fills_; }  // none with a tally
  // Keep totals of the fills in place of a list; before the first step.
  void tally_fills() { tally_.emplace(panel_.columns); }
  const std::optional<FillTally>& tally() const noexcept { return tally_; }
  std::vector<std::int64_t> take_ended() { return std::exchange(ended_, {}); }
  const std::vector<OrderState>& order_states() const noexcept { return order_states_; }
  std::size_t instrument_of_order(std::int64_t number) const {
    return static_cast<std::size_t>(order_instruments_[static_cast<std::size_t>(number)]);
  }
  const Counters& counters() const noexcept { return state_.counters; }
  const std::vector<double>& quantities() const noexcept { return quantities_; }
  const std::vector<double>& funding_of_bar() const noexcept { return funding_; }
  double funding_paid() const noexcept { return funding_total_; }  // received, over the run
  const std::vector<std::int64_t>& funded_columns() const noexcept { return funded_; }
  const std::vector<AmbiguousBar>& ambiguous_bars() const noexcept { return ambiguous_; }

  // A lone instrument at rest (simulator_quiet.cpp): rows whose step and decision change nothing
  // but the marks can be skipped over, with the same bits.
  bool at_rest() const;
  std::size_t next_change(TargetRuns& targets, std::size_t from);
  std::size_t next_event(const PanelIndex& index, std::size_t from, std::size_t until);
  void rest(const PanelIndex& index, const TargetRuns& targets, std::size_t from, std::size_t to,
            std::size_t decided);
  // The plain cases, with the same bits (simulator_direct.cpp, simulator_portfolio.cpp).
  bool is_plain_portfolio() const;
  bool rebalance_directly(std::size_t row, const double* numbers);
  bool is_plain() const;
  bool trade_directly(std::size_t row, double number);
  double equity_at_rest(double close, double mark) const;
  void equity_of_days(const PanelIndex& index, std::size_t first, std::size_t last,
                      double* equity) const;

 private:
  // All that a bar's path can change, so that the bar can be travelled again (R11, R17).
  struct State {
    double cash = 0.0;
    std::vector<Position> positions;
    std::vector<TargetState> targets;
    std::vector<Order> orders;  // by age
    std::vector<Fill> fills;    // of the present bar
    std::vector<GroupLeg> legs;
    std::vector<double> room;  // lots that participation leaves in this bar; < 0: not looked up
    std::vector<std::pair<std::int64_t, OrderState>> endings;
    std::vector<Guard> guard_news;  // legs made or triggered since last taken, of a venue
    Counters counters{};
    std::int64_t age = 0;
  };
  struct Exposure {  // a derivative position and what it is marked at
    std::size_t column;
    double mark;
  };
  // One order's execution at an open.
  struct Execution {
    std::size_t index = 0;   // of the order
    double reference = 0.0;  // before slippage
    double price = kNone;    // what it fills at, once known
    bool maker = false;
    bool closed = false;       // its closing part was done: a flip (R12)
    std::int64_t opening = 0;  // lots left for the increases
  };

  // simulator.cpp: the steps of R7
  void settle_events(std::size_t row);
  void settle_funding(std::size_t row, bool before_fills);
  void expire_orders(std::size_t row);
  void liquidate_at_start(std::size_t row);
  void close_bar(std::size_t row);
  void mark_bar(std::size_t row);
  double compute_equity();
  double position_worth(std::size_t column) const;

  // simulator_open.cpp: step 5
  void open_phase(std::size_t row);
  void plan_open(std::size_t row, std::vector<Execution>& plan);
  bool refuse_post_only(Order& order);
  bool reaches_at_open(std::size_t row, Order& order, bool arrives, Execution& execution);
  static double clamp_to_limit(const Order& order, double price);
  static void move_trail(Order& order, double price, double tick);
  bool inside_cap(const Order& order, double price) const;
  void clamp_to_wanted(Order& order);
  void set_price(std::size_t row, Execution& execution, double lots);
  void reduce_at_open(std::size_t row, Execution& execution);
  void size_at_fill(Execution& execution);
  void keep_size(Order& order);
  void increase_at_open(std::size_t row, std::vector<Execution>& plan);
  double factor_for(double free, std::vector<Execution*>& takers);
  void open_at(std::size_t row, Execution& execution, std::int64_t lots);
  std::int64_t cut_lots(const Instrument& instrument, std::int64_t wanted, double factor,
                        double price);
  void end_cut(std::size_t index);
  void end_open(std::size_t row);
  double free_cash(std::size_t row) const;
  Increase increase_of(const Order& order, double lots, double price, bool maker) const;

  // simulator_groups.cpp: legs of one decision (R37)
  void join_group(std::size_t row, const Order& order, OrderState admitted);
  void share_group_factors(const std::vector<Execution*>& takers,
                           std::vector<std::int64_t>& allowed) const;
  void match_groups();
  void match_legs();
  void match_leg(GroupLeg& leg, double factor);
  Order* working(std::int64_t number);

  // simulator_path.cpp: step 6
  struct Track {  // one instrument's way through the bar
    Ohlc price;
    Ohlc mark;
    bool trades = false;   // has prices and volume
    bool finer = false;    // has all its finer bars
    bool low_first = true;  // of the base bar, fixed at its open (R17)
    bool finer_low_first = true;
    Leg leg{};            // being travelled
    Leg mark_leg{};
  };
  struct Meeting {  // the next thing that happens on a leg
    double at = 2.0;
    std::size_t order = 0;
    bool liquidation = false;
    std::size_t column = 0;  // of an isolated liquidation
  };
  struct Reach {  // of a bar's prices or marks
    double low;
    double high;
  };
  void path_phase(std::size_t row);
  Reach reach_of_price(std::size_t row, std::size_t column) const;
  Reach reach_of_mark(std::size_t row, std::size_t column) const;
  void widen_by_finer(const double* ohlc, std::size_t row, std::size_t column, Reach& reach) const;
  bool may_trigger(std::size_t row, const Order& order) const;
  double most_at_stake(std::size_t row, const Order& order) const;
  bool may_liquidate(std::size_t row, double at_stake) const;
  void flag_ambiguous(std::size_t row);
  void travel_with_cash(std::size_t row, int swapped);
  void travel(std::size_t row, int swapped);
  static bool same_fills(const std::vector<Fill>& a, const std::vector<Fill>& b, std::size_t first,
                         std::size_t column);
  void lay_tracks(std::size_t row, int swapped, std::size_t segments);
  void lay_finer(std::size_t column, std::size_t segments);
  std::size_t finer_bars(std::size_t row, std::size_t& first) const;
  void lay_legs(std::size_t segment, std::size_t segments, int k);
  void enter_finer_bars(std::size_t row, std::size_t segment, std::size_t segments, int swapped);
  Ohlc finer_bar(std::size_t finer_row, std::size_t column) const;
  Ohlc bar_of(const double* ohlc, std::size_t finer_row, std::size_t column) const;
  bool low_comes_first(std::size_t column, const Ohlc& bar) const;
  bool entry_side_low(std::size_t column, const Ohlc& bar) const;
  void travel_leg(std::size_t row);
  Meeting next_meeting(double from) const;
  double meets(const Order& order, const Track& track, double from) const;
  void liquidation_on_leg(double from, Meeting& meeting) const;
  double first_liquidation(const std::vector<Exposure>& exposures, double from) const;
  double gap_at(std::vector<Exposure>& exposures, double at, double rates_at) const;
  void gather_exposures(const Meeting& meeting, std::vector<Exposure>& exposures) const;
  std::int64_t wanted_inside(const Order& order) const;
  void execute_inside(std::size_t row, std::size_t index, double at);
  void fill_inside(std::size_t row, std::size_t index, double price, double reference, bool maker);
  bool open_inside(std::size_t row, std::size_t index, std::int64_t lots, double price,
                   double reference, bool maker);
  void move_trails_along(double at);
  bool trails_move_inside(const Track& track) const;

  // simulator_fill.cpp: booking
  std::int64_t fill(std::size_t row, std::size_t index, std::int64_t lots, double price,
                    double reference, bool maker, bool inside);
  void book(std::size_t row, Order& order, std::int64_t lots, double price, double reference,
            bool maker, bool opening);
  void close_out(std::size_t row, std::size_t column, double price, double fee, FillReason reason);
  void block_entries(std::size_t column, int sign);
  double slippage_at(std::size_t row, std::size_t column, double lots);
  double slippage_of(std::size_t row, std::size_t column, double lots) const;
  double room_left(std::size_t row, std::size_t column);
  void finish(Order& order, OrderState state);
  void cut_reduction(Order& order);

  // simulator_protection.cpp: stops, targets and trails of what was opened (R19)
  void after_opening(std::size_t index, std::int64_t lots, double price, bool maker, bool inside);
  void begin_exit(std::size_t index, int sign);
  void after_reduction(std::size_t index, int sign);
  const Protection& protection_of(std::size_t column) const;
  void protect_position(std::size_t column, double best, bool inside, std::int64_t opener,
                        std::int64_t generation);
  void protect_order(std::size_t index, double price, bool inside);
  void add_legs(Order leg, double entry, double best, double stop_loss, double take_profit,
                double trailing);
  void rebase_legs(std::size_t column, std::int64_t bracket, double entry, std::int64_t lots);
  std::int64_t lots_opened(const Order& order) const;
  bool has_legs(std::size_t column, std::int64_t bracket) const;
  void cancel_legs(std::size_t column, bool position_only = false);
  void cancel_siblings(std::size_t index);

  // simulator_liquidation.cpp
  bool liquidate_where_due(std::size_t row, const std::vector<Exposure>& exposures);
  void liquidate(std::size_t row, const std::vector<Exposure>& exposures, double equity);
  double margin_gap(const std::vector<Exposure>& exposures) const;
  double margin_equity(const std::vector<Exposure>& exposures) const;

  // simulator_targets.cpp: step 8, targets
  struct Wanted {
    std::size_t column;
    double number;  // as given
    double weight;  // effective: scaled, with the share
    bool at_once;   // asked for by `target(...)`
  };
  void look_at_numbers(std::size_t row, const double* numbers);
  bool says_nothing(const double* numbers) const;
  bool look_at(std::size_t row, std::size_t column, double number, bool scheduled,
               bool numbers_given);
  bool accept(std::size_t row, std::size_t column);
  void look_at_requests(std::size_t row);
  void lift_block(std::size_t row, std::size_t column, double number);
  double effective_weight(std::size_t column, double number) const;
  void scale_weights(std::size_t row);
  void act(const Wanted& wanted);
  bool inside_band(std::size_t column, double lots) const;
  void place_target(std::size_t column, double lots, double weight);
  void push_target(std::size_t column, Order& order);
  double gate_lots(std::size_t column, double lots);
  double most_lots(std::size_t column, double price) const;
  void cancel_working(std::size_t column);

  // simulator_orders.cpp: step 8, explicit orders
  std::int64_t place_order(std::size_t row, const Request& request);
  OrderState admit(std::size_t row, const Request& request, Order& order);
  bool over_limit(std::size_t column, const Order& order) const;
  void cancel_order(std::int64_t number);
  void amend_order(const Request& request);
  double sizing_equity() const noexcept;

  // simulator_direct.cpp
  bool fill_directly(std::size_t row, double change);
  bool is_capped(std::size_t column) const;

  // simulator_portfolio.cpp
  struct DirectTrade {
    std::size_t column;
    double lots;  // signed
    double open;
    double price;
  };
  bool plan_directly(std::size_t row, const double* numbers);
  bool plan_trade(std::size_t row, std::size_t column, double number);
  void increase_directly(std::size_t row);
  void book_directly(std::size_t row, const DirectTrade& trade, std::int64_t lots, bool opening);

  // simulator_quiet.cpp
  std::size_t next_date(std::size_t from, std::size_t until) const;

  // small questions
  bool tradable(std::size_t row, std::size_t column) const;
  bool listed(std::size_t row, std::size_t column) const;
  std::int64_t held_lots(std::size_t column) const;  // whole lots, signed; dust is 0 (R9)
  bool auction(std::size_t column) const { return !instruments_[column].never_closes; }
  double mark_at_open(std::size_t row, std::size_t column) const;
  double mark_at_close(std::size_t row, std::size_t column) const;
  double open_of(std::size_t row, std::size_t column) const;
  std::int64_t session_of(std::size_t row, std::size_t column) const;
  void count(Counter counter, std::int64_t by = 1) {
    state_.counters[static_cast<std::size_t>(counter)] += by;
  }
  void forget_done_orders();
  void publish_endings();
  void publish_fills();

  PanelView panel_;
  std::vector<Instrument> instruments_;
  Settings settings_;
  std::shared_ptr<const DailyImpact> impact_;
  bool has_derivatives_ = false;
  bool has_delistings_ = false;
  bool has_impact_ = false;
  bool has_listings_ = false;
  bool plain_spot_ = true;  // worth is quantity times close
  bool serves_venue_ = false;
  Protection protection_;                     // of the settings
  std::vector<Protection> own_protection_;    // by column, of a venue
  bool may_block_ = false;  // protective exits or liquidation can happen (R19)
  State state_;
  std::vector<Fill> fills_;
  std::optional<FillTally> tally_;
  State before_path_;  // kept to reuse their memory
  State after_path_;
  std::vector<Track> tracks_;
  std::vector<bool> in_play_;  // instruments whose orders this bar's path may reach
  bool liquidation_in_play_ = false;
  std::size_t finer_first_ = 0;  // of the bar being travelled
  std::int64_t finer_step_ = 0;
  std::vector<OrderState> order_states_;
  std::vector<std::int32_t> order_instruments_;
  std::vector<double> last_close_;  // 0 before the first
  std::vector<double> mark_;        // what positions are marked at
  std::vector<double> quantities_;  // of positions, for the drivers
  std::vector<double> worth_;       // per instrument, of compute_equity
  std::vector<double> funding_;
  std::vector<std::int64_t> funded_;
  std::vector<bool> delisted_;
  std::vector<AmbiguousBar> ambiguous_;
  std::vector<Wanted> wanted_;
  std::vector<Request> queued_;  // targets asked for at this decision
  std::vector<std::int64_t> ended_;  // orders whose state became final, since last taken
  std::vector<Execution> plan_;
  std::vector<Execution*> takers_;
  std::vector<std::int64_t> allowed_;
  double funding_total_ = 0.0;
  std::size_t next_funding_ = 0;
  std::size_t unknown_ahead_ = 0;  // NaN targets before the next change of a lone instrument
  bool pending_ = false;
  double equity_ = 0.0;
  double free_after_open_ = 0.0;
  double cut_ = 1.0;          // factor of increases inside the bar (R11)
  Order direct_;              // of the plain cases, reused
  std::vector<DirectTrade> direct_trades_;
  std::vector<Increase> inside_;  // increases inside the bar, as if cash were free
  std::vector<Increase> filled_inside_;  // the same as they were filled
};

}  // namespace algotrader
