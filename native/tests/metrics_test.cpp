#include "algotrader/metrics.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "algotrader/simd.hpp"
#include "check.hpp"

using namespace algotrader;
using namespace algotrader::metrics;

namespace {

// Returns that look random without a generator: the same on every machine.
std::vector<double> returns_of(std::size_t count, unsigned seed) {
  std::vector<double> values(count);
  unsigned state = seed * 2654435761u + 1u;
  for (double& value : values) {
    state = state * 1664525u + 1013904223u;
    const int step = static_cast<int>(state >> 24) - 128;
    value = step * step * step / 1e8;  // fat tails and many ties
  }
  return values;
}

std::vector<double> row_of(const std::vector<double>& r) {
  std::vector<double> row(COLUMNS);
  main_metrics(r.data(), 1, r.size(), {365.0, 0.0}, 1, row.data());
  return row;
}

}  // namespace

TEST(every_length_gives_the_same_bits_on_every_instruction_set) {
  const SimdLevel before = simd_level();
  for (std::size_t count = 0; count <= 400; ++count) {
    const auto r = returns_of(count, static_cast<unsigned>(count));
    CHECK(set_simd_level(SimdLevel::Baseline));
    const auto plain = row_of(r);
    for (const SimdLevel level : simd_levels()) {
      CHECK(set_simd_level(level));
      const auto wide = row_of(r);
      CHECK(std::memcmp(plain.data(), wide.data(), COLUMNS * sizeof(double)) == 0);
    }
  }
  set_simd_level(before);
}

TEST(tails_are_the_order_statistics_of_a_sorted_copy) {
  for (std::size_t count = 2; count <= 600; count += 7) {
    auto r = returns_of(count, 3u);
    const auto row = row_of(r);
    std::sort(r.begin(), r.end());
    for (const auto& [tail, var] : {std::pair{0.05, VAR_95}, std::pair{0.01, VAR_99}}) {
      const double at = tail * static_cast<double>(count - 1);
      const auto k = static_cast<std::size_t>(at);
      const double part = at - static_cast<double>(k);
      const double expected = part == 0.0 ? r[k] : r[k] + (r[k + 1] - r[k]) * part;
      CHECK(row[var] == expected);
      double sum = 0.0;
      std::size_t n = 0;
      for (; n < count && r[n] <= expected; ++n) sum += r[n];
      CHECK(std::abs(row[var + 1] - sum / static_cast<double>(n)) < 1e-12);
    }
  }
}

TEST(the_lowest_returns_are_found_whatever_the_order) {
  std::vector<double> rising(1000);
  for (std::size_t i = 0; i < rising.size(); ++i) rising[i] = static_cast<double>(i) / 1e5;
  auto falling = rising;
  std::reverse(falling.begin(), falling.end());
  const std::vector<double> equal(1000, 0.01);
  CHECK(std::abs(row_of(rising)[VAR_95] - 49.95e-5) < 1e-15);
  CHECK(row_of(rising)[VAR_95] == row_of(falling)[VAR_95]);
  CHECK(std::abs(row_of(equal)[ES_99] - 0.01) < 1e-15);
  CHECK(std::isnan(row_of(equal)[SHARPE]));
}

TEST(a_series_that_is_not_finite_is_undefined) {
  for (const double bad : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
    auto r = returns_of(100, 9u);
    r[57] = bad;
    for (const double value : row_of(r)) CHECK(std::isnan(value));
  }
}

TEST(threads_change_nothing) {
  const std::size_t series = 300, count = 500;
  const auto r = returns_of(series * count, 11u);
  std::vector<double> one(series * COLUMNS), many(series * COLUMNS);
  main_metrics(r.data(), series, count, {252.0, 2.0}, 1, one.data());
  main_metrics(r.data(), series, count, {252.0, 2.0}, 3, many.data());
  CHECK(std::memcmp(one.data(), many.data(), one.size() * sizeof(double)) == 0);
}

TEST(every_split_is_judged_once_from_both_sides) {
  const std::size_t trials = 7, blocks = 6, count = 60;
  const auto r = returns_of(trials * count, 13u);
  const std::size_t splits = cscv_splits(blocks);
  CHECK(splits == 20);
  std::vector<double> rank(splits), in(splits), out(splits), rank3(splits), in3(splits), out3(splits);
  cscv(r.data(), trials, count, blocks, 1, rank.data(), in.data(), out.data());
  cscv(r.data(), trials, count, blocks, 3, rank3.data(), in3.data(), out3.data());
  CHECK(rank == rank3);
  CHECK(in == in3);
  CHECK(out == out3);
  for (std::size_t s = 0; s < splits; ++s) {
    CHECK(rank[s] >= 1.0 && rank[s] <= static_cast<double>(trials));
    CHECK(in[s] != 0.0);
  }
}
