#include <algorithm>
#include <cmath>
#include <vector>

#include "algotrader/metrics.hpp"
#include "algotrader/parallel.hpp"
#include "algotrader/reduce.hpp"

namespace algotrader::metrics {
namespace {

// Sums per block and trial, block after block: a split is then additions over all trials.
struct BlockSums {
  std::size_t trials, blocks, length;
  std::vector<double> sum, square;  // (blocks, trials) of the returns less the trial's mean
  std::vector<double> mean;         // (trials,) over all days
};

BlockSums sums_of(const double* returns, std::size_t trials, std::size_t count,
                  std::size_t blocks) {
  BlockSums out{trials, blocks, count / blocks, {}, {}, {}};
  out.sum.resize(trials * blocks);
  out.square.resize(trials * blocks);
  out.mean.resize(trials);
  std::vector<double> centred(out.length), squared(out.length);
  for (std::size_t t = 0; t < trials; ++t) {
    const double* row = returns + t * count;
    out.mean[t] = fixed_sum(row, count) / static_cast<double>(count);
    for (std::size_t b = 0; b < blocks; ++b) {
      for (std::size_t i = 0; i < out.length; ++i) {
        centred[i] = row[b * out.length + i] - out.mean[t];
        squared[i] = centred[i] * centred[i];
      }
      out.sum[b * trials + t] = fixed_sum(centred.data(), out.length);
      out.square[b * trials + t] = fixed_sum(squared.data(), out.length);
    }
  }
  return out;
}

double sharpe(double sum, double square, double n, double overall) {
  const double centred = sum / n;
  const double mean = overall + centred;
  const double variance = (square - sum * centred) / (n - 1.0);
  // Equal returns leave a rounding error for a variance; no real series is a million deviations
  // away from zero.
  const bool varies = variance > 1e-12 * (mean * mean + overall * overall);
  return varies ? mean / std::sqrt(variance) : 0.0;
}

struct Out {
  double *rank, *inside, *outside;
};

class Half {
 public:
  explicit Half(const BlockSums& sums)
      : in_(sums), sum_(sums.trials), square_(sums.trials), ratio_(sums.trials) {}

  // Sharpe ratio of every trial over the blocks of `mask`.
  const std::vector<double>& ratios(std::uint32_t mask) {
    std::fill(sum_.begin(), sum_.end(), 0.0);
    std::fill(square_.begin(), square_.end(), 0.0);
    for (std::size_t b = 0; b < in_.blocks; ++b) {
      if ((mask >> b & 1u) == 0) continue;
      const double* sum = in_.sum.data() + b * in_.trials;
      const double* square = in_.square.data() + b * in_.trials;
      for (std::size_t t = 0; t < in_.trials; ++t) sum_[t] += sum[t];
      for (std::size_t t = 0; t < in_.trials; ++t) square_[t] += square[t];
    }
    const double n = static_cast<double>(in_.length * in_.blocks / 2);
    for (std::size_t t = 0; t < in_.trials; ++t) {
      ratio_[t] = sharpe(sum_[t], square_[t], n, in_.mean[t]);
    }
    return ratio_;
  }

 private:
  const BlockSums& in_;
  std::vector<double> sum_, square_, ratio_;
};

void judge(const std::vector<double>& in, const std::vector<double>& out, std::size_t split,
           Out to) {
  const std::size_t best =
      static_cast<std::size_t>(std::max_element(in.begin(), in.end()) - in.begin());
  std::size_t below = 0, equal = 0;
  for (const double other : out) {
    below += other < out[best] ? 1 : 0;
    equal += other == out[best] ? 1 : 0;
  }
  to.rank[split] = static_cast<double>(below) + 0.5 * static_cast<double>(equal + 1);
  to.inside[split] = in[best];
  to.outside[split] = out[best];
}

std::vector<std::uint32_t> halves(std::size_t blocks) {
  std::vector<std::uint32_t> masks;
  std::vector<std::size_t> chosen(blocks / 2);
  for (std::size_t k = 0; k < chosen.size(); ++k) chosen[k] = k;
  for (;;) {
    std::uint32_t mask = 0;
    for (const std::size_t block : chosen) mask |= 1u << block;
    masks.push_back(mask);
    std::size_t k = chosen.size();
    while (k > 0 && chosen[k - 1] == blocks / 2 + k - 1) --k;
    if (k == 0) return masks;
    ++chosen[k - 1];
    for (; k < chosen.size(); ++k) chosen[k] = chosen[k - 1] + 1;
  }
}

}  // namespace

std::size_t cscv_splits(std::size_t blocks) noexcept {
  std::size_t ways = 1;
  for (std::size_t k = 1; k <= blocks / 2; ++k) ways = ways * (blocks - blocks / 2 + k) / k;
  return ways;
}

void cscv(const double* returns, std::size_t trials, std::size_t count, std::size_t blocks,
          unsigned threads, double* rank, double* inside, double* outside) {
  const BlockSums sums = sums_of(returns, trials, count, blocks);
  const std::vector<std::uint32_t> masks = halves(blocks);
  const std::uint32_t all = (1u << blocks) - 1u;
  const Out to{rank, inside, outside};
  // In lexicographic order the complement of split i is split n - 1 - i: both are judged at once.
  const std::size_t pairs = masks.size() / 2;
  const auto work = [&](std::size_t first, std::size_t last) {
    Half one(sums), other(sums);
    for (std::size_t split = first; split < last; ++split) {
      const auto& in = one.ratios(masks[split]);
      const auto& out = other.ratios(all & ~masks[split]);
      judge(in, out, split, to);
      judge(out, in, masks.size() - 1 - split, to);
    }
  };
  parallel_ranges(pairs, threads, work);
}

}  // namespace algotrader::metrics
