// Drives the simulator over a panel: every row a step, then its decision.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "algotrader/panel_index.hpp"
#include "algotrader/simulator.hpp"

namespace algotrader {

// Requests of a script, ordered by row.
using Script = std::vector<std::pair<std::size_t, Request>>;

// Where a run writes what it records; null is not wanted.
struct Recording {
  double* equity = nullptr;    // (T,)
  double* cash = nullptr;      // (T,)
  double* position = nullptr;  // (T, N)
  double* funding = nullptr;   // (T, N), zeros before
};

// Writes one row of the recording.
void record_row(const Simulator& simulator, std::size_t row, const Recording& recording);

// A run with targets (T, N) and a script, either may be absent. `skip` allows the shortcut of plain
// portfolios, which changes no bit.
void run_rows(Simulator& simulator, const double* targets, const Script& script,
              const Recording& recording, bool skip = true);

// The same with targets alone of a lone instrument, to the bit; rows at rest are skipped over.
void run_lone(Simulator& simulator, const PanelIndex& index, const double* targets,
              const Recording& recording);

// The same, keeping the equity at the end of each day of the index.
void run_lone_daily(Simulator& simulator, const PanelIndex& index, const double* targets,
                    double* daily_equity);
void run_rows_daily(Simulator& simulator, const PanelIndex& index, const double* targets,
                    double* daily_equity);

}  // namespace algotrader
