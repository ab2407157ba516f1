#include "algotrader/panel_index.hpp"

#include <algorithm>
#include <array>

#include "algotrader/costs.hpp"
#include "algotrader/orders.hpp"

namespace algotrader {

PanelIndex::PanelIndex(const PanelView& panel, bool packed) : source_(panel), view_(panel) {
  for (std::size_t row = 0; row < panel.rows; ++row) {
    const bool ends =
        row + 1 == panel.rows || day_of_row(panel, row) != day_of_row(panel, row + 1);
    if (ends) day_ends_.push_back(row);
  }
  if (panel.columns != 1) return;
  find_blocks();
  fill_forward();
  if (packed) pack();
}

double PanelIndex::lowest(std::size_t row) const noexcept {
  double low = source_.low[row];
  if (source_.mark_low != nullptr) {
    low = std::fmin(low, std::fmin(source_.mark_low[row],
                                   std::fmin(source_.mark_open[row], source_.mark_close[row])));
  }
  return low;
}

double PanelIndex::highest(std::size_t row) const noexcept {
  double high = source_.high[row];
  if (source_.mark_high != nullptr) {
    high = std::fmax(high, std::fmax(source_.mark_high[row],
                                     std::fmax(source_.mark_open[row], source_.mark_close[row])));
  }
  return high;
}

void PanelIndex::find_blocks() {
  const std::size_t blocks = (source_.rows + kBlock - 1) / kBlock;
  block_low_.assign(blocks, kInfinity);
  block_high_.assign(blocks, -kInfinity);
  for (std::size_t row = 0; row < source_.rows; ++row) {
    const std::size_t block = row / kBlock;
    block_low_[block] = std::fmin(block_low_[block], lowest(row));
    block_high_[block] = std::fmax(block_high_[block], highest(row));
  }
}

void PanelIndex::fill_forward() {
  filled_.resize(2 * source_.rows);
  double last = 0.0;
  for (std::size_t row = 0; row < source_.rows; ++row) {
    if (given(source_.close[row])) last = source_.close[row];
    const bool marked = source_.mark_close != nullptr && given(source_.mark_close[row]);
    filled_[row] = last;
    filled_[source_.rows + row] = marked ? source_.mark_close[row] : last;
  }
  close_ = filled_.data();
  mark_ = filled_.data() + source_.rows;
  for (const std::size_t row : day_ends_) {
    day_close_.push_back(close_[row]);
    day_mark_.push_back(mark_[row]);
  }
}

void PanelIndex::pack() {
  std::array<const double*, 11> fields{
      source_.open, source_.high,      source_.low,       source_.close,    source_.volume, close_,
      mark_,        source_.mark_open, source_.mark_high, source_.mark_low, source_.mark_close};
  const bool marked = source_.mark_open != nullptr;
  const std::size_t used = marked ? fields.size() : 7;
  stride_ = marked ? 16 : 8;
  packed_.assign(source_.rows * (stride_ / 8), Line{});
  double* packed = packed_.data()->numbers;
  for (std::size_t row = 0; row < source_.rows; ++row) {
    for (std::size_t field = 0; field < used; ++field) {
      packed[row * stride_ + field] = fields[field][row];
    }
  }
  view_.stride = stride_;
  view_.open = packed;
  view_.high = packed + 1;
  view_.low = packed + 2;
  view_.close = packed + 3;
  view_.volume = packed + 4;
  close_ = packed + 5;
  mark_ = packed + 6;
  if (!marked) return;
  view_.mark_open = packed + 7;
  view_.mark_high = packed + 8;
  view_.mark_low = packed + 9;
  view_.mark_close = packed + 10;
}

std::size_t PanelIndex::first_touch(std::size_t from, std::size_t until, double low,
                                    double high) const {
  std::size_t row = from;
  while (row < until) {
    const std::size_t block = row / kBlock;
    const std::size_t end = std::min(until, (block + 1) * kBlock);
    if (block_low_[block] > low && block_high_[block] < high) {
      row = end;
      continue;
    }
    for (; row < end; ++row) {
      if (lowest(row) <= low || highest(row) >= high) return row;
    }
  }
  return until;
}

std::size_t PanelIndex::follow_trail(Trail& trail, std::size_t from, std::size_t until,
                                     double low, double high) const {
  const bool selling = trail.side < 0;
  // A bar's own extreme may move the trail inside it: the bound takes it in (R18).
  const auto reached = [&](double best, double lows, double highs) {
    const double level = selling ? best * (1.0 - trail.fraction) + trail.tick
                                 : best * (1.0 + trail.fraction) - trail.tick;
    return lows <= low || highs >= high || (selling ? lows <= level : highs >= level);
  };
  for (std::size_t row = from; row < until;) {
    const std::size_t block = row / kBlock;
    const bool whole = row % kBlock == 0 && row + kBlock <= until;
    const double lows = whole ? block_low_[block] : lowest(row);
    const double highs = whole ? block_high_[block] : highest(row);
    if (!given(source_.close[row]) && !whole) {
      ++row;
      continue;
    }
    // Marks in the extremes only make the bound earlier; the best price is the trade's own.
    const double best = better_of(trail.side, trail.best, selling ? highs : lows);
    if (!reached(best, lows, highs)) {
      trail.best = whole ? best_of_rows(trail, row, row + kBlock)
                         : better_of(trail.side, trail.best,
                                     selling ? source_.high[row] : source_.low[row]);
      row += whole ? kBlock : 1;
      continue;
    }
    if (!whole) return row;
    const std::size_t end = row + kBlock;
    for (; row < end; ++row) {
      if (!given(source_.close[row])) continue;
      const double next = better_of(trail.side, trail.best,
                                    selling ? highest(row) : lowest(row));
      if (reached(next, lowest(row), highest(row))) return row;
      trail.best = better_of(trail.side, trail.best,
                             selling ? source_.high[row] : source_.low[row]);
    }
  }
  return until;
}

// The best price of the rows of a block; of prices alone the block's own extreme.
double PanelIndex::best_of_rows(const Trail& trail, std::size_t from, std::size_t until) const {
  if (source_.mark_low == nullptr) {
    const std::size_t block = from / kBlock;
    const double extreme = trail.side < 0 ? block_high_[block] : block_low_[block];
    return std::isinf(extreme) ? trail.best : better_of(trail.side, trail.best, extreme);
  }
  double best = trail.best;
  for (std::size_t row = from; row < until; ++row) {
    if (!given(source_.close[row])) continue;
    best = better_of(trail.side, best, trail.side < 0 ? source_.high[row] : source_.low[row]);
  }
  return best;
}

}  // namespace algotrader
