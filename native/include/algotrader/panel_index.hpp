// What many runs over one panel share: when its days end and, for a lone instrument, where its
// extremes are and what a row's numbers are, one cache line per row.
#pragma once

#include <cstddef>
#include <vector>

#include "algotrader/simulation_types.hpp"

namespace algotrader {

class PanelIndex {
 public:
  static constexpr std::size_t kBlock = 32;

  // `packed` also lays the rows of a lone instrument side by side, for many runs.
  PanelIndex(const PanelView& panel, bool packed);

  // The panel to run on; rows are packed where asked for.
  const PanelView& view() const noexcept { return view_; }
  const std::vector<std::size_t>& day_ends() const noexcept { return day_ends_; }
  // Of a lone instrument: last close known at a row (0 before the first), and what marks it.
  double close(std::size_t row) const noexcept { return close_[row * stride_]; }
  double mark(std::size_t row) const noexcept { return mark_[row * stride_]; }
  // The same at the end of a day.
  double day_close(std::size_t day) const noexcept { return day_close_[day]; }
  double day_mark(std::size_t day) const noexcept { return day_mark_[day]; }
  // Rows that will be asked for soon; the one after a row is its neighbour in memory.
  void prefetch(std::size_t row) const noexcept {
    if (row < source_.rows) __builtin_prefetch(view_.open + row * view_.stride);
    if (row + 1 < source_.rows) __builtin_prefetch(view_.open + (row + 1) * view_.stride);
  }

  // First row in [from, until) whose low is at or below `low` or whose high is at or above `high`.
  std::size_t first_touch(std::size_t from, std::size_t until, double low, double high) const;

  struct Trail {
    int side;  // of the exit
    double fraction;
    double best;
    double tick;
  };
  // The same for a trail besides; its best price follows the rows before (R18).
  std::size_t follow_trail(Trail& trail, std::size_t from, std::size_t until, double low,
                           double high) const;

 private:
  struct alignas(64) Line {
    double numbers[8];
  };

  double lowest(std::size_t row) const noexcept;
  double highest(std::size_t row) const noexcept;
  double best_of_rows(const Trail& trail, std::size_t from, std::size_t until) const;
  void find_blocks();
  void fill_forward();
  void pack();

  PanelView source_;  // as given: contiguous columns for scans
  PanelView view_;
  std::vector<std::size_t> day_ends_;
  // Blocks of rows: lowest low and highest high of prices and marks, missing bars left out.
  std::vector<double> block_low_;
  std::vector<double> block_high_;
  std::vector<double> filled_;
  std::vector<double> day_close_;
  std::vector<double> day_mark_;
  std::vector<Line> packed_;
  const double* close_ = nullptr;
  const double* mark_ = nullptr;
  std::size_t stride_ = 1;
};

}  // namespace algotrader
