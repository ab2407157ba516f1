// Work split over threads in fixed ranges. What a range computes must not depend on its
// neighbours, so results have the same bits for every number of threads (R34).
#pragma once

#include <algorithm>
#include <cstddef>
#include <thread>
#include <vector>

namespace algotrader {

// Calls work(first, last) for consecutive ranges that cover [0, count), the first in this thread.
// Threads: 0 = all cores. `work` must not throw.
template <class Work>
void parallel_ranges(std::size_t count, unsigned threads, Work work) {
  struct Pool {  // joins also when a later thread cannot be started
    std::vector<std::thread> threads;
    ~Pool() {
      for (std::thread& thread : threads) thread.join();
    }
  } pool;
  if (threads == 0) threads = std::max(1u, std::thread::hardware_concurrency());
  const std::size_t parts = std::max<std::size_t>(1, std::min<std::size_t>(threads, count));
  pool.threads.reserve(parts);
  for (std::size_t p = 1; p < parts; ++p) {
    pool.threads.emplace_back(work, count * p / parts, count * (p + 1) / parts);
  }
  work(std::size_t{0}, count / parts);
}

}  // namespace algotrader
