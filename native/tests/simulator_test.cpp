// The simulator under random markets and requests: the books balance, and skipping rests changes
// no bit. With the sanitizers on, every path of it is walked.
#include <cmath>
#include <cstring>
#include <random>

#include "algotrader/batch.hpp"
#include "algotrader/run.hpp"
#include "algotrader/trades.hpp"
#include "check.hpp"

using namespace algotrader;

namespace {

bool near(double a, double b, double relative) {
  return std::abs(a - b) <= relative * std::fmax(1.0, std::fmax(std::abs(a), std::abs(b)));
}

struct Market {
  std::size_t rows;
  std::size_t columns;
  std::vector<std::int64_t> ts;
  std::vector<double> open, high, low, close, volume, finer;
  std::vector<std::int64_t> finer_ts, funding_ts, funding_instrument;
  std::vector<double> funding_rate;

  Market(std::size_t t, std::size_t n, std::mt19937_64& random, bool gaps) : rows(t), columns(n) {
    std::uniform_real_distribution<double> uniform(0.0, 1.0);
    std::normal_distribution<double> normal;
    std::vector<double> last(n, 100.0);
    constexpr std::int64_t hour = 3'600'000;
    for (std::size_t row = 0; row < t; ++row) {
      ts.push_back(static_cast<std::int64_t>(row) * hour);
      if (row % 8 == 3) {
        funding_ts.push_back(ts.back());
        funding_instrument.push_back(static_cast<std::int64_t>(row % n));
        funding_rate.push_back(0.001 * normal(random));
      }
      std::vector<double> first(4 * n);
      std::vector<double> second(4 * n);
      for (std::size_t column = 0; column < n; ++column) {
        const double a = last[column] * std::exp(0.01 * normal(random));
        const double middle = a * std::exp(0.02 * normal(random));
        const double b = middle * std::exp(0.02 * normal(random));
        const double h1 = std::fmax(a, middle) * (1.0 + 0.01 * uniform(random));
        const double l1 = std::fmin(a, middle) * (1.0 - 0.01 * uniform(random));
        const double h2 = std::fmax(middle, b) * (1.0 + 0.01 * uniform(random));
        const double l2 = std::fmin(middle, b) * (1.0 - 0.01 * uniform(random));
        last[column] = b;
        const bool missing = gaps && uniform(random) < 0.05;
        open.push_back(missing ? kNone : a);
        high.push_back(missing ? kNone : std::fmax(h1, h2));
        low.push_back(missing ? kNone : std::fmin(l1, l2));
        close.push_back(missing ? kNone : b);
        volume.push_back(missing || uniform(random) < 0.03 ? 0.0 : 400.0 * uniform(random));
        const double bars[2][4] = {{a, h1, l1, middle}, {middle, h2, l2, b}};
        for (std::size_t field = 0; field < 4; ++field) {
          first[field * n + column] = missing ? kNone : bars[0][field];
          second[field * n + column] = missing ? kNone : bars[1][field];
        }
      }
      finer.insert(finer.end(), first.begin(), first.end());
      finer.insert(finer.end(), second.begin(), second.end());
      finer_ts.push_back(ts.back());
      finer_ts.push_back(ts.back() + hour / 2);
    }
  }

  PanelView view() const {
    PanelView panel;
    panel.rows = rows;
    panel.columns = panel.stride = columns;
    panel.timeframe = 3'600'000;
    panel.ts = ts.data();
    panel.open = open.data();
    panel.high = high.data();
    panel.low = low.data();
    panel.close = close.data();
    panel.volume = volume.data();
    panel.fundings = funding_ts.size();
    panel.funding_ts = funding_ts.data();
    panel.funding_instrument = funding_instrument.data();
    panel.funding_rate = funding_rate.data();
    panel.finer_rows = finer_ts.size();
    panel.finer_ts = finer_ts.data();
    panel.finer_ohlc = finer.data();
    return panel;
  }
};

Instrument an_instrument(std::mt19937_64& random, InstrumentKind kind) {
  Instrument instrument;
  instrument.kind = kind;
  instrument.tick = random() % 2 == 0 ? 0.0 : 0.05;
  instrument.lot = random() % 2 == 0 ? 0.01 : 1.0;
  instrument.multiplier = kind == InstrumentKind::Inverse ? 10.0 : 1.0;
  instrument.maker_fee = -0.0001;
  instrument.taker_fee = 0.001;
  instrument.min_fee = random() % 3 == 0 ? 0.5 : 0.0;
  instrument.fee_in_received = random() % 3 == 0;
  instrument.slippage_bps = random() % 2 == 0 ? 0.0 : 5.0;
  instrument.impact = random() % 4 == 0 ? 0.3 : 0.0;
  instrument.never_closes = random() % 2 == 0;
  instrument.leverage = 1.0 + static_cast<double>(random() % 20);
  instrument.tiers = {{3000.0, 0.01}, {1e9, 0.03}};
  instrument.liquidation_fee = 0.002;
  return instrument;
}

Settings some_settings(std::mt19937_64& random, InstrumentKind kind) {
  Settings settings;
  settings.cash = kind == InstrumentKind::Inverse ? 20.0 : 5000.0;
  settings.margin_mode = random() % 2 == 0 ? MarginMode::Cross : MarginMode::Isolated;
  settings.max_leverage = 10.0;
  settings.execution = static_cast<ExecutionRule>(random() % 3);
  settings.path = static_cast<PathRule>(random() % 4);
  settings.size_at = random() % 4 == 0 ? SizeAt::Fill : SizeAt::Close;
  if (random() % 2 == 0) settings.stop_loss = 0.03;
  if (random() % 2 == 0) settings.take_profit = 0.04;
  if (random() % 3 == 0) settings.trailing = 0.03;
  if (random() % 3 == 0) settings.reenter_after = 3;
  return settings;
}

Request a_request(std::mt19937_64& random, std::size_t columns, double price) {
  std::uniform_real_distribution<double> near(0.97, 1.03);
  Request request;
  request.instrument = static_cast<int>(random() % columns);
  request.side = random() % 2 == 0 ? 1 : -1;
  request.quantity = 1.0 + static_cast<double>(random() % 10);
  if (random() % 3 == 0) request.limit = price * near(random);
  if (random() % 3 == 0) request.stop = price * near(random);
  if (!given(request.limit) && !given(request.stop) && random() % 3 == 0) request.trail = 0.02;
  if (random() % 3 == 0) request.stop_loss = 0.02;
  if (random() % 3 == 0) request.take_profit = 0.03;
  if (random() % 4 == 0) request.trailing = 0.02;
  request.tif = static_cast<TimeInForce>(random() % 5);
  if (request.tif == TimeInForce::GTD) request.expires_at = 3'600'000LL * 150;
  request.post_only = random() % 8 == 0;
  request.reduce_only = random() % 6 == 0;
  if (random() % 5 == 0) request.group = static_cast<std::int64_t>(random() % 2);
  return request;
}

Script a_script(std::mt19937_64& random, const Market& market) {
  Script script;
  std::int64_t orders = 0;
  for (std::size_t row = 0; row < market.rows; ++row) {
    while (random() % 3 == 0) {
      const double price = market.close[row * market.columns];
      Request request = a_request(random, market.columns, given(price) ? price : 100.0);
      if (random() % 8 == 0) {
        request.kind = RequestKind::Target;
        request.weight = static_cast<double>(random() % 5) / 4.0 - 0.5;
        request.quantity = kNone;
      } else if (orders > 0 && random() % 6 == 0) {
        request.kind = random() % 2 == 0 ? RequestKind::Cancel : RequestKind::Amend;
        request.order = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(orders));
      } else {
        ++orders;
      }
      script.emplace_back(row, request);
    }
  }
  return script;
}

std::vector<double> some_targets(std::mt19937_64& random, const Market& market, double scale) {
  std::vector<double> numbers(market.rows * market.columns);
  for (std::size_t column = 0; column < market.columns; ++column) {
    double held = 0.0;
    for (std::size_t row = 0; row < market.rows; ++row) {
      if (random() % 8 == 0) held = scale * (static_cast<double>(random() % 5) / 2.0 - 1.0);
      const bool unknown = random() % 40 == 0;
      numbers[row * market.columns + column] = unknown ? kNone : held;
    }
  }
  return numbers;
}

InstrumentKind kind_of(std::uint64_t seed) { return static_cast<InstrumentKind>(seed % 3); }

// Cash from the fills and funding alone, by the definition of R8.
double cash_by_fills(const Simulator& simulator, const std::vector<Instrument>& instruments,
                     double initial) {
  struct Held {
    double quantity = 0.0;
    double entry = 0.0;
  };
  std::vector<Held> held(instruments.size());
  double cash = initial + simulator.funding_paid();
  for (const Fill& fill : simulator.fills()) {
    const Instrument& instrument = instruments[static_cast<std::size_t>(fill.instrument)];
    Held& position = held[static_cast<std::size_t>(fill.instrument)];
    const bool coin = instrument.is_spot() && instrument.fee_in_received && fill.quantity > 0.0;
    if (!coin) cash -= fill.fee;
    const double size = std::abs(fill.quantity);
    if (instrument.is_spot()) {
      cash -= fill.quantity * fill.price * instrument.multiplier;
    } else if (fill.opening) {
      const double before = std::abs(position.quantity);
      const bool inverse = instrument.kind == InstrumentKind::Inverse;
      position.entry = before == 0.0 ? fill.price
                       : inverse
                           ? (before + size) / (before / position.entry + size / fill.price)
                           : (before * position.entry + size * fill.price) / (before + size);
    } else {
      const double units = -fill.quantity * instrument.multiplier;
      cash += instrument.kind == InstrumentKind::Inverse
                  ? units * (1.0 / position.entry - 1.0 / fill.price)
                  : units * (fill.price - position.entry);
    }
    position.quantity += fill.quantity;
    if (std::abs(position.quantity) < instrument.lot / 2.0) position.quantity = 0.0;
  }
  return cash;
}

}  // namespace

TEST(cash_is_what_fills_and_funding_made_it) {
  std::size_t fills = 0;
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    std::mt19937_64 random(seed);
    const std::size_t columns = 1 + random() % 3;
    const Market market(120, columns, random, seed % 2 == 0);
    std::vector<Instrument> instruments;
    for (std::size_t k = 0; k < columns; ++k) {
      instruments.push_back(an_instrument(random, kind_of(seed)));
    }
    const Settings settings = some_settings(random, kind_of(seed));
    const Script script = a_script(random, market);
    const std::vector<double> targets = some_targets(random, market, 1.0);
    Simulator simulator(market.view(), instruments, settings);
    std::vector<double> equity(market.rows);
    Recording recording;
    recording.equity = equity.data();
    run_rows(simulator, seed % 3 == 0 ? targets.data() : nullptr, script, recording);
    CHECK(near(simulator.cash(), cash_by_fills(simulator, instruments, settings.cash), 1e-9));
    for (const double value : equity) CHECK(std::isfinite(value));
    fills += simulator.fills().size();

    const TradeInput input{market.view(), instruments, simulator.fills(), nullptr,
                           simulator.ambiguous_bars(), false};
    for (const Trade& trade : round_trips(input)) CHECK(trade.quantity > 0.0);
    for (const Trade& trade : fifo_trades(input)) CHECK(trade.exit_row >= trade.entry_row);
  }
  CHECK(fills > 2000);
}

TEST(skipping_rests_and_batches_change_no_bit) {
  std::size_t fills = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    std::mt19937_64 random(seed);
    const Market market(200, 1, random, seed % 2 == 0);
    const std::vector<Instrument> instruments{an_instrument(random, kind_of(seed))};
    const Settings settings = some_settings(random, kind_of(seed));
    const double scale = kind_of(seed) == InstrumentKind::Spot ? 1.0 : 6.0;
    const std::vector<double> targets = some_targets(random, market, scale);
    Simulator plain(market.view(), instruments, settings);
    Simulator skipping(market.view(), instruments, settings);
    std::vector<double> a(market.rows);
    std::vector<double> b(market.rows);
    Recording recording;
    recording.equity = a.data();
    run_rows(plain, targets.data(), {}, recording, false);
    recording.equity = b.data();
    run_lone(skipping, PanelIndex(market.view(), false), targets.data(), recording);
    CHECK(std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0);
    CHECK(plain.counters() == skipping.counters());
    CHECK(plain.fills().size() == skipping.fills().size());
    fills += plain.fills().size();

    const Batch batch(market.view(), instruments, settings);
    std::vector<double> returns(batch.days());
    const BatchRow row = batch.run(targets.data(), returns.data());
    CHECK(row.final_equity == plain.equity());
    CHECK(row.fills == static_cast<std::int64_t>(plain.fills().size()));
  }
  CHECK(fills > 2000);
}

TEST(rebalancing_plain_portfolios_directly_changes_no_bit) {
  std::size_t direct = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    std::mt19937_64 random(seed);
    const std::size_t columns = 2 + random() % 8;
    const Market market(60, columns, random, seed % 4 == 0);
    std::vector<Instrument> instruments;
    for (std::size_t k = 0; k < columns; ++k) {
      instruments.push_back(an_instrument(random, InstrumentKind::Spot));
      instruments.back().impact = 0.0;
      if (seed % 2 == 0) instruments.back().participation = 0.0;
    }
    Settings settings;
    settings.cash = seed % 3 == 0 ? 500.0 : 50'000.0;
    settings.rebalance = seed % 2 == 0 ? RebalanceRule::EveryBar : RebalanceRule::OnChange;
    settings.execution = seed % 5 == 0 ? ExecutionRule::ByVenue : ExecutionRule::Market;
    std::vector<double> targets(market.rows * columns);
    for (double& number : targets) {
      number = static_cast<double>(random() % 4) / (3.2 * static_cast<double>(columns));
      if (seed % 7 == 0 && random() % 90 == 0) number = kNone;
    }
    Simulator plain(market.view(), instruments, settings);
    Simulator quick(market.view(), instruments, settings);
    std::vector<double> a(market.rows * (2 + columns));
    std::vector<double> b(a.size());
    const auto into = [&](std::vector<double>& out) {
      Recording recording;
      recording.equity = out.data();
      recording.cash = out.data() + market.rows;
      recording.position = out.data() + 2 * market.rows;
      return recording;
    };
    direct += quick.is_plain_portfolio() ? 1 : 0;
    run_rows(plain, targets.data(), {}, into(a), false);
    run_rows(quick, targets.data(), {}, into(b), true);
    CHECK(std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0);
    CHECK(plain.counters() == quick.counters());
    CHECK(plain.fills().size() == quick.fills().size());
    for (std::size_t k = 0; k < plain.fills().size() && k < quick.fills().size(); ++k) {
      const Fill& one = plain.fills()[k];
      const Fill& two = quick.fills()[k];
      CHECK(one.row == two.row && one.instrument == two.instrument && one.price == two.price &&
            one.quantity == two.quantity && one.fee == two.fee && one.opening == two.opening);
    }
  }
  CHECK(direct > 50);
}
