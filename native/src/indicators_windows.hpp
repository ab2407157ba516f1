// Folds over sliding windows that never take anything away: nothing is subtracted, so nothing drifts
// and a value that left a window leaves no trace in its rounding.
//
// `block_windows` cuts the rows into blocks as long as the window. A window is the tail of one block
// and the head of the next; tails are folded from the right and heads from the left, then joined
// (van Herk 1992; Gil and Werman 1993). Its cost does not depend on the window.
//
// `join_windows` serves folds of many columns: a window is joined from shorter windows: of 1, 2, 4, 8 rows and so on, by its length in binary.
// The joins of all windows of one length run side by side over a chunk of rows.
//
// In both the order of operations depends on the rows up to this one alone.
#pragma once

#include <algorithm>
#include <array>
#include <limits>
#include <memory>

#include "algotrader/indicators.hpp"
#include "algotrader/simd.hpp"

// The iterations of the next loop may run side by side: each reads its own and later elements only.
#if defined(__clang__)
#define ALGOTRADER_SIDE_BY_SIDE _Pragma("clang loop vectorize(assume_safety)")
#else
#define ALGOTRADER_SIDE_BY_SIDE _Pragma("GCC ivdep")
#endif

namespace algotrader::indicators {

inline constexpr double NOT_YET = std::numeric_limits<double>::quiet_NaN();
inline constexpr Size CHUNK = 512;  // rows worked on at a time: a few columns fit the first cache

// Memory that is written before it is read.
using Scratch = std::unique_ptr<double[]>;
inline Scratch scratch(Size count) { return Scratch(new double[count]); }

// Calls work() with the widest registers that this machine has. Its loops do the same operations on
// each element, so the bits are the same (R34).
#if defined(__x86_64__)
template <class Work>
__attribute__((target("avx2"), flatten, noinline)) void in_wide_registers(const Work& work) {
  work();
}

template <class Work>
void widest(const Work& work) {
  if (simd_level() >= SimdLevel::Avx2) return in_wide_registers(work);
  work();
}
#else
template <class Work>
void widest(const Work& work) {
  work();
}
#endif

// Without branches, and on two values, unlike std::max.
inline double larger(double a, double b) noexcept { return a > b ? a : b; }
inline double smaller(double a, double b) noexcept { return a < b ? a : b; }

// 1 above zero, else 0. By arithmetic: the sign of a market's move is not for a branch to predict.
// (Only differences under 1e-300 count as none.)
inline double above_zero(double x) noexcept { return larger(0.0, smaller(1.0, x * 1e300)); }

// NaN in the first `warmup` rows; true when there are rows after them.
template <Size Out>
bool begin_after(const Outputs<Out>& out, Size rows, Size warmup) {
  for (double* series : out) std::fill(series, series + std::min(rows, warmup), NOT_YET);
  return rows > warmup;
}

// Calls work(first, count) for [begin, rows) in chunks; all but the last hold CHUNK rows.
template <class Work>
void in_chunks(Size begin, Size rows, Work work) {
  for (Size first = begin; first < rows; first += CHUNK) {
    widest([&] { work(first, std::min(CHUNK, rows - first)); });
  }
}

template <Size Width>
using Columns = std::array<double*, Width>;

template <Size Width>
Columns<Width> from(Columns<Width> columns, Size row) noexcept {
  for (double*& column : columns) column += row;
  return columns;
}

// Length of a column of a block of `columns`, such that equal rows of different columns never share
// the low twelve bits of their address, which a processor would mistake for the same place.
inline Size apart(Size rows, Size columns) noexcept {
  constexpr Size page = 512;
  return (rows + page - 1) / page * page + page / columns;
}

// Joins the windows that begin at `starts` rows from `first` on, out of windows of 1, 2, 4, 8 rows and
// so on. They end up in `part`, or in `level` when 0 is returned.
template <Size Width, class Load, class Join>
Size join_powers(Size window, Size starts, Size first, const Columns<Width>& level,
                 const Columns<Width>& part, const Load& load, const Join& join) {
  Size length = starts + window - 1;
  load(first, length, level);
  Size have = 0;
  Size size = 1;
  for (; 2 * size <= window; size *= 2) {
    if ((window & size) != 0) {
      if (have == 0) {
        for (Size k = 0; k < Width; ++k) std::copy_n(level[k], starts, part[k]);
      } else {
        join(part, from(level, have), starts, static_cast<double>(have), static_cast<double>(size));
      }
      have += size;
    }
    length -= size;
    join(level, from(level, size), length, static_cast<double>(size), static_cast<double>(size));
  }
  if (have > 0) {
    join(part, from(level, have), starts, static_cast<double>(have), static_cast<double>(size));
  }
  return have;
}

// Calls emit(row, count, windows): element k of `windows` folds the window that ends at row + k.
// load(row, count, columns) writes the rows' own values. join(older, newer, count, a, b) folds
// windows of b rows into the windows of a rows before them, in place.
template <Size Width, class Load, class Join, class Emit>
void join_windows(Size rows, Size window, Load load, Join join, Emit emit) {
  if (window == 0 || window > rows) return;
  const Size chunk = std::max(CHUNK, 4 * window);
  const Size space = std::min(rows, chunk + window - 1);
  const Size stride = apart(space, 2 * Width);
  const Scratch memory = scratch(2 * Width * stride);
  Columns<Width> level;  // element k folds `size` rows from row first + k on
  Columns<Width> part;   // element k folds `have` rows from row first + k on
  for (Size k = 0; k < Width; ++k) {
    level[k] = memory.get() + k * stride;
    part[k] = memory.get() + (Width + k) * stride;
  }
  for (Size first = 0; first + window <= rows; first += chunk) {
    const Size starts = std::min(chunk, rows - window + 1 - first);
    widest([&] {
      const Size have = join_powers(window, starts, first, level, part, load, join);
      emit(first + window - 1, starts, have > 0 ? part : level);
    });
  }
}

// Sums of each of the columns that `load` writes.
template <Size Width, class Load, class Emit>
void sum_windows(Size rows, Size window, Load load, Emit emit) {
  join_windows<Width>(
      rows, window, load,
      [](const Columns<Width>& older, const Columns<Width>& newer, Size count, double, double) {
        for (Size k = 0; k < Width; ++k) {
          double* sum = older[k];
          const double* next = newer[k];
          ALGOTRADER_SIDE_BY_SIDE
          for (Size i = 0; i < count; ++i) sum[i] += next[i];
        }
      },
      emit);
}

inline auto copy_of(const double* x) {
  return [x](Size row, Size count, const auto& columns) { std::copy_n(x + row, count, columns[0]); };
}

// Two values worked on together: one towards the head of a block, one towards its tail.
using Pair = double __attribute__((vector_size(16)));

// A row as a fold sees it: `of` its series, those of the block's first row, the way from there.
struct OneRow {
  using Value = double;
  double of(const double* x) const noexcept { return x[row]; }
  double origin(const double* x) const noexcept { return x[start]; }
  double distance() const noexcept { return away; }
  Size row;
  Size start;
  double away;
};

// The rows `j` after and `j` before the block's first.
struct TwoRows {
  using Value = Pair;
  Pair of(const double* x) const noexcept { return Pair{x[start + j], x[start - j]}; }
  Pair origin(const double* x) const noexcept { return Pair{x[start], x[start]}; }
  Pair distance() const noexcept { return away; }
  Size start;
  Size j;
  Pair away;
};

template <class Value, Size Width>
struct Values {
  Value of[Width];
};

// A fold by addition: at(row) gives the values of a row, OneRow or TwoRows, as Values. The origin is
// a row inside every window that the values are used for, so sums may be taken about it.
template <Size Width, class At>
struct SumsOf {
  static constexpr Size WIDTH = Width;
  static constexpr double NEUTRAL[Width] = {};
  static double join(Size, double older, double newer) noexcept { return older + newer; }
  At at;
};

template <Size Width, class At>
SumsOf<Width, At> sums_of(At at) {
  return {at};
}

// Heads of a block's own rows, and tails of the rows before it, both about its first row.
template <class Fold>
class Block {
 public:
  static constexpr Size WIDTH = Fold::WIDTH;
  Block(const Fold& fold, Size start, Size length, Size window, const Columns<WIDTH>& head,
        const Columns<WIDTH>& tail)
      : fold_(fold), start_(start), length_(length), window_(window), head_(head), tail_(tail) {}

  void fold() {
    const auto first = fold_.at(OneRow{start_, start_, 0.0});
    double forwards[WIDTH];
    double backwards[WIDTH];
    for (Size k = 0; k < WIDTH; ++k) {
      head_[k][0] = forwards[k] = first.of[k];
      tail_[k][window_ - 1] = backwards[k] = Fold::NEUTRAL[k];
    }
    if (start_ == 0) {
      for (Size k = 0; k < WIDTH; ++k) std::fill_n(tail_[k], window_, Fold::NEUTRAL[k]);
      for (Size j = 1; j < length_; ++j) add_head(j, forwards);
      return;
    }
    both(forwards, backwards);
    for (Size j = length_; j < window_; ++j) add_tail(j, backwards);
  }

 private:
  // Sums go to both sides at once; extremes, which have no such instruction, in turn.
  void both(double (&forwards)[WIDTH], double (&backwards)[WIDTH]) {
    if constexpr (requires { fold_.at(TwoRows{}); }) {
      Pair sums[WIDTH];
      for (Size k = 0; k < WIDTH; ++k) sums[k] = Pair{forwards[k], backwards[k]};
      Pair away{1.0, -1.0};
      for (Size j = 1; j < length_; ++j, away += Pair{1.0, -1.0}) {
        const auto next = fold_.at(TwoRows{start_, j, away});
        for (Size k = 0; k < WIDTH; ++k) {
          sums[k] += next.of[k];
          head_[k][j] = sums[k][0];
          tail_[k][window_ - 1 - j] = sums[k][1];
        }
      }
      for (Size k = 0; k < WIDTH; ++k) backwards[k] = sums[k][1];
    } else {
      for (Size j = 1; j < length_; ++j) {
        add_tail(j, backwards);
        add_head(j, forwards);
      }
    }
  }
  void add_head(Size j, double (&folded)[WIDTH]) {
    const auto next = fold_.at(OneRow{start_ + j, start_, static_cast<double>(j)});
    for (Size k = 0; k < WIDTH; ++k) {
      head_[k][j] = folded[k] = Fold::join(k, folded[k], next.of[k]);
    }
  }
  void add_tail(Size j, double (&folded)[WIDTH]) {
    const auto next = fold_.at(OneRow{start_ - j, start_, -static_cast<double>(j)});
    for (Size k = 0; k < WIDTH; ++k) {
      tail_[k][window_ - 1 - j] = folded[k] = Fold::join(k, next.of[k], folded[k]);
    }
  }

  const Fold& fold_;
  Size start_;
  Size length_;
  Size window_;
  Columns<WIDTH> head_;
  Columns<WIDTH> tail_;
};

// Calls emit(row, count, tail, head, at): the join of element k of both folds the window that ends at
// row + k, and at + k is its row's place among the chunk's blocks, each `window` long.
template <class Fold, class Emit>
void block_windows(Size rows, Size window, const Fold& fold, Emit emit) {
  constexpr Size width = Fold::WIDTH;
  if (window == 0 || window > rows) return;
  const Size chunk = std::max(Size{1}, CHUNK / window) * window;
  const Size stride = apart(chunk, 2 * width);
  const Scratch memory = scratch(2 * width * stride);
  Columns<width> head;
  Columns<width> tail;
  for (Size k = 0; k < width; ++k) {
    head[k] = memory.get() + k * stride;
    tail[k] = memory.get() + (width + k) * stride;
  }
  for (Size first = 0; first < rows; first += chunk) {
    const Size count = std::min(chunk, rows - first);
    for (Size start = 0; start < count; start += window) {
      Block<Fold>(fold, first + start, std::min(window, count - start), window, from(head, start),
                  from(tail, start))
          .fold();
    }
    const Size skip = first == 0 ? window - 1 : 0;
    widest([&] { emit(first + skip, count - skip, from(tail, skip), from(head, skip), skip); });
  }
}

// The values of the rows about which `block_windows` takes its sums, and each row's distance from
// there: both for a whole chunk.
class Origins {
 public:
  Origins(const double* x, Size window)
      : x_(x), window_(window), chunk_(std::max(Size{1}, CHUNK / window) * window),
        memory_(scratch(2 * chunk_)) {
    for (Size start = 0; start < chunk_; start += window) {
      double* distance = memory_.get() + chunk_ + start;
      for (Size i = 0; i < window; ++i) distance[i] = static_cast<double>(i);
    }
  }
  // Values for `count` rows from `row` on, the first of which has the place `at` in its chunk.
  const double* values(Size row, Size count, Size at) {
    const Size first = row - at;
    for (Size start = 0; start < at + count; start += window_) {
      std::fill_n(memory_.get() + start, window_, x_[first + start]);
    }
    return memory_.get() + at;
  }
  const double* distances(Size at) const noexcept { return memory_.get() + chunk_ + at; }

 private:
  const double* x_;
  Size window_;
  Size chunk_;
  Scratch memory_;
};

// Calls each(row, mean) for every window.
template <class Each>
void mean_windows(const double* x, Size rows, Size window, Each each) {
  const double share = 1.0 / static_cast<double>(window);
  Origins origins(x, std::min(window, rows + 1));
  const auto fold = sums_of<1>([x]<class Row>(const Row& row) {
    return Values<typename Row::Value, 1>{{row.of(x) - row.origin(x)}};
  });
  block_windows(rows, window, fold,
                [&](Size row, Size count, const Columns<1>& tail, const Columns<1>& head, Size at) {
                  const double* about = origins.values(row, count, at);
                  for (Size i = 0; i < count; ++i) {
                    each(row + i, about[i] + (tail[0][i] + head[0][i]) * share);
                  }
                });
}

// Calls each(row, mean, tilt): a tilt is the sum of x weighted by the distance from the window's
// middle row.
template <class Each>
void tilted_windows(const double* x, Size rows, Size window, Each each) {
  const double share = 1.0 / static_cast<double>(window);
  const double middle = (static_cast<double>(window) - 1.0) / 2.0;
  Origins origins(x, std::min(window, rows + 1));
  const auto fold = sums_of<2>([x]<class Row>(const Row& row) {
    const auto value = row.of(x) - row.origin(x);
    return Values<typename Row::Value, 2>{{value, row.distance() * value}};
  });
  block_windows(rows, window, fold,
                [&](Size row, Size count, const Columns<2>& tail, const Columns<2>& head, Size at) {
                  const double* about = origins.values(row, count, at);
                  const double* distance = origins.distances(at);
                  for (Size i = 0; i < count; ++i) {
                    const double sum = tail[0][i] + head[0][i];
                    const double turned = tail[1][i] + head[1][i];
                    each(row + i, about[i] + sum * share, turned - (distance[i] - middle) * sum);
                  }
                });
}

}  // namespace algotrader::indicators
