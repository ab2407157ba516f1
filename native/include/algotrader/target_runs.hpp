// Targets of a lone instrument as runs of rows that hold the same number: what is asked of one row of
// a run is answered for all of it.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "algotrader/reduce.hpp"

namespace algotrader {

class TargetRuns {
 public:
  TargetRuns(const double* numbers, std::size_t rows)
      : numbers_(numbers), rows_(rows), begins_((rows + 63) / 64) {
    mark_changes(numbers, rows, begins_.data());
  }

  double operator[](std::size_t row) const noexcept { return numbers_[row]; }
  const double* at(std::size_t row) const noexcept { return numbers_ + row; }

  // First row in [from, rows) at which a run begins; rows if none does.
  std::size_t next(std::size_t from) const noexcept {
    std::size_t word = from / 64;
    if (from >= rows_) return rows_;
    std::uint64_t bits = begins_[word] & (~std::uint64_t{0} << (from % 64));
    while (bits == 0) {
      if (++word == begins_.size()) return rows_;
      bits = begins_[word];
    }
    return word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
  }

  // First row in [from, rows) whose number is not NaN and differs from `acted`; rows if none.
  // `unknown` grows by the NaN before it.
  std::size_t next_change(std::size_t from, double acted, std::size_t& unknown) const noexcept {
    while (from < rows_) {
      const double number = numbers_[from];
      const bool is_unknown = number != number;
      if (!is_unknown && number != acted) return from;
      const std::size_t end = next(from + 1);
      if (is_unknown) unknown += end - from;
      from = end;
    }
    return rows_;
  }

 private:
  const double* numbers_;
  std::size_t rows_;
  std::vector<std::uint64_t> begins_;  // a bit for each row
};

}  // namespace algotrader
