// Targets of a lone instrument as runs of rows that hold the same number: what is asked of one row of
// a run is answered for all of it.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "algotrader/reduce.hpp"

namespace algotrader {

class TargetRuns {
 public:
  TargetRuns(const double* numbers, std::size_t rows) : numbers_(numbers), rows_(rows) {
    std::vector<std::uint64_t> words((rows + 63) / 64);
    mark_changes(numbers, rows, words.data());
    std::size_t count = 0;
    for (const std::uint64_t bits : words) count += static_cast<std::size_t>(std::popcount(bits));
    begins_.reserve(count + 1);
    for (std::size_t word = 0; word < words.size(); ++word) {
      for (std::uint64_t bits = words[word]; bits != 0; bits &= bits - 1) {
        begins_.push_back(word * 64 + static_cast<std::size_t>(std::countr_zero(bits)));
      }
    }
    begins_.push_back(rows);
  }

  double operator[](std::size_t row) const noexcept { return numbers_[row]; }
  const double* at(std::size_t row) const noexcept { return numbers_ + row; }

  // First row in [from, rows), which is not empty, whose number is not NaN and differs from `acted`;
  // rows if none. `unknown` grows by the NaN before it. `from` may not go back between calls.
  std::size_t next_change(std::size_t from, double acted, std::size_t& unknown) noexcept {
    while (begins_[after_] <= from) ++after_;
    for (found_ = after_; from < rows_; from = begins_[found_++]) {
      const double number = numbers_[from];
      const bool is_unknown = number != number;
      if (!is_unknown && number != acted) return from;
      if (is_unknown) unknown += begins_[found_] - from;
    }
    return rows_;
  }

  // Where the run begins that is `count` runs after the change last found; rows beyond the last.
  std::size_t ahead(std::size_t count) const noexcept {
    return begins_[std::min(found_ - 1 + count, begins_.size() - 1)];
  }

 private:
  const double* numbers_;
  std::size_t rows_;
  std::vector<std::size_t> begins_;  // rows at which runs begin, then the number of rows
  std::size_t after_ = 0;            // run after the one that `from` was in
  std::size_t found_ = 0;            // run after the one of the change last found
};

}  // namespace algotrader
