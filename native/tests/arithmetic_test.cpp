// Sizing, cash factor, margin and reductions against plain twins and numbers by hand.
#include <cmath>
#include <random>

#include "algotrader/cash_factor.hpp"
#include "algotrader/margin.hpp"
#include "algotrader/reduce.hpp"
#include "algotrader/simd.hpp"
#include "algotrader/sizing.hpp"
#include "algotrader/target_runs.hpp"
#include "check.hpp"

using namespace algotrader;

namespace {

bool near(double a, double b, double relative) {
  return std::abs(a - b) <= relative * std::fmax(1.0, std::fmax(std::abs(a), std::abs(b)));
}

}  // namespace

TEST(lots_are_truncated_toward_zero) {
  CHECK(whole_lots(2.9999999999) == 3.0);
  CHECK(whole_lots(-2.9999999999) == -3.0);
  CHECK(whole_lots(-2.5) == -2.0);
  CHECK(std::isnan(whole_lots(1e17)));
}

TEST(prices_are_rounded_by_what_they_are_for) {
  CHECK(round_limit(100.3, 0.5, 1) == 100.0);
  CHECK(round_limit(100.3, 0.5, -1) == 100.5);
  CHECK(round_stop(100.3, 0.5, 1) == 100.5);
  CHECK(round_fill(100.3, 0.5, -1) == 100.0);
  CHECK(round_fill(100.3, 0.0, -1) == 100.3);
  CHECK(compare_prices(100.01, 100.0, 0.5) == 0);
  CHECK(compare_prices(100.01, 100.0, 0.0) == 1);
}

TEST(the_cash_factor_is_the_largest_that_pays) {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  for (int trial = 0; trial < 2000; ++trial) {
    std::vector<Increase> increases;
    const int count = 1 + static_cast<int>(uniform(random) * 5);
    for (int k = 0; k < count; ++k) {
      const double notional = 1000.0 * uniform(random);
      increases.push_back({notional / (1.0 + 9.0 * uniform(random)), notional,
                           0.01 * uniform(random), 8.0 * uniform(random), 0.0, 0.0});
    }
    const auto cost = [&](double factor) {
      double sum = 0.0;
      for (const Increase& increase : increases) sum += increase.cost(factor);
      return sum;
    };
    const double free = 1.2 * cost(1.0) * uniform(random);
    const double factor = cash_factor(increases, free);
    CHECK(factor >= 0.0 && factor <= 1.0);
    if (factor > 0.0) CHECK(cost(factor) <= free * (1.0 + 1e-9) + 1e-9);
    if (factor < 1.0) CHECK(cost(std::fmin(1.0, factor + 1e-6)) > free);
  }
}

TEST(a_liquidation_price_is_where_the_margin_is_gone) {
  std::mt19937_64 random(11);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  for (int trial = 0; trial < 2000; ++trial) {
    Instrument instrument;
    instrument.kind = trial % 2 == 0 ? InstrumentKind::Linear : InstrumentKind::Inverse;
    instrument.liquidation_fee = 0.002;
    instrument.tiers = {{1e12, 0.005 + 0.02 * uniform(random)}};
    const double quantity = (trial % 4 < 2 ? 1.0 : -1.0) * (1.0 + 9.0 * uniform(random));
    const double entry = 50.0 + 100.0 * uniform(random);
    const double margin =
        notional_of(instrument, quantity, entry) / (2.0 + 18.0 * uniform(random));
    const double price = liquidation_price(instrument, quantity, entry, margin);
    if (std::isnan(price)) continue;  // a short of inverse contracts may have none
    const double notional = notional_of(instrument, quantity, price);
    const double rate = maintenance_rate(instrument, notional) + instrument.liquidation_fee;
    CHECK(near(margin + profit_of(instrument, quantity, entry, price), notional * rate, 1e-9));
  }
}

TEST(every_instruction_set_reduces_to_the_same_bits) {
  std::mt19937_64 random(3);
  std::normal_distribution<double> normal;
  const SimdLevel before = simd_level();
  for (std::size_t count = 0; count < 300; ++count) {
    std::vector<double> a(count);
    std::vector<double> b(count);
    for (double& value : a) value = normal(random);
    for (double& value : b) value = normal(random);
    double plain[8] = {};
    for (std::size_t k = 0; k < count; ++k) plain[k % 8] += a[k];
    const double sum = ((plain[0] + plain[4]) + (plain[2] + plain[6])) +
                       ((plain[1] + plain[5]) + (plain[3] + plain[7]));
    set_simd_level(SimdLevel::Baseline);
    const double dot = fixed_dot(a.data(), b.data(), count);
    for (const SimdLevel level : simd_levels()) {
      CHECK(set_simd_level(level));
      CHECK(fixed_sum(a.data(), count) == sum);
      CHECK(fixed_dot(a.data(), b.data(), count) == dot);
    }
  }
  set_simd_level(before);
}

TEST(the_next_change_is_found_and_unknowns_are_counted) {
  std::mt19937_64 random(5);
  const SimdLevel before = simd_level();
  for (int trial = 0; trial < 500; ++trial) {
    std::vector<double> numbers(1 + random() % 200, 1.0);
    for (double& number : numbers) {
      if (random() % 50 == 0) number = kNone;
      if (random() % 150 == 0) number = 0.0;
    }
    for (const SimdLevel level : simd_levels()) {
      set_simd_level(level);
      TargetRuns runs(numbers.data(), numbers.size());
      // Asked again from a row before the change it found: something else happened there.
      for (std::size_t from = 0; from < numbers.size(); from += 1 + random() % 40) {
        const double acted = random() % 5 == 0 ? kNone : 1.0;
        std::size_t expected = from;
        std::size_t unknown = 0;
        while (expected < numbers.size() &&
               (std::isnan(numbers[expected]) || numbers[expected] == acted)) {
          unknown += std::isnan(numbers[expected]) ? 1 : 0;
          ++expected;
        }
        std::size_t seen = 0;
        CHECK(runs.next_change(from, acted, seen) == expected);
        CHECK(seen == unknown);
      }
    }
  }
  set_simd_level(before);
}
