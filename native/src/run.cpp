#include "algotrader/run.hpp"

#include <algorithm>

namespace algotrader {

void record_row(const Simulator& simulator, std::size_t row, const Recording& recording) {
  const std::size_t columns = simulator.panel().columns;
  if (recording.equity != nullptr) recording.equity[row] = simulator.equity();
  if (recording.cash != nullptr) recording.cash[row] = simulator.cash();
  if (recording.position != nullptr) {
    std::copy_n(simulator.quantities().data(), columns, recording.position + row * columns);
  }
  if (recording.funding != nullptr) {
    for (const std::int64_t column : simulator.funded_columns()) {
      const auto k = static_cast<std::size_t>(column);
      recording.funding[row * columns + k] = simulator.funding_of_bar()[k];
    }
  }
}

void run_rows(Simulator& simulator, const double* targets, const Script& script,
              const Recording& recording, bool skip) {
  const std::size_t rows = simulator.panel().rows;
  const std::size_t columns = simulator.panel().columns;
  const bool direct =
      skip && targets != nullptr && script.empty() && simulator.is_plain_portfolio();
  std::size_t next = 0;
  simulator.step(0);
  for (std::size_t row = 0; row < rows; ++row) {
    record_row(simulator, row, recording);
    if (direct && simulator.rebalance_directly(row, targets + row * columns)) continue;
    while (next < script.size() && script[next].first == row) {
      simulator.request(row, script[next++].second);
    }
    simulator.decide(row, targets == nullptr ? nullptr : targets + row * columns);
    if (row + 1 < rows) simulator.step(row + 1);
  }
}

namespace {

// Writes what run_rows would have recorded.
class Recorder {
 public:
  Recorder(const Recording& recording) : recording_(recording) {}

  void row(const Simulator& simulator, std::size_t row) { record_row(simulator, row, recording_); }
  void rest(const Simulator& simulator, const PanelIndex& index, std::size_t from, std::size_t to) {
    for (std::size_t row = from; row < to && recording_.equity != nullptr; ++row) {
      recording_.equity[row] = simulator.equity_at_rest(index.close(row), index.mark(row));
    }
    if (recording_.cash != nullptr) {
      std::fill(recording_.cash + from, recording_.cash + to, simulator.cash());
    }
    if (recording_.position != nullptr) {
      std::fill(recording_.position + from, recording_.position + to, simulator.quantities()[0]);
    }
  }

 private:
  const Recording& recording_;
};

// Keeps the equity at the end of each day alone.
class DailyEquity {
 public:
  DailyEquity(const PanelIndex& index, double* equity) : index_(index), equity_(equity) {}

  void row(const Simulator& simulator, std::size_t row) {
    if (day_ < index_.day_ends().size() && index_.day_ends()[day_] == row) {
      equity_[day_++] = simulator.equity();
    }
  }
  void rest(const Simulator& simulator, const PanelIndex& index, std::size_t, std::size_t to) {
    const std::size_t first = day_;
    while (day_ < index_.day_ends().size() && index_.day_ends()[day_] < to) ++day_;
    simulator.equity_of_days(index, first, day_, equity_);
  }

 private:
  const PanelIndex& index_;
  double* equity_;
  std::size_t day_ = 0;
};

template <class Sink>
void run_resting(Simulator& simulator, const PanelIndex& index, const double* numbers, Sink sink) {
  const std::size_t rows = simulator.panel().rows;
  TargetRuns targets(numbers, rows);
  const auto full = [&](std::size_t row) {
    simulator.step(row);
    sink.row(simulator, row);
    simulator.decide(row, targets.at(row));
  };
  const bool plain = simulator.is_plain();
  for (std::size_t row = 0; row < rows;) {
    if (!simulator.at_rest()) {
      full(row++);
      continue;
    }
    const std::size_t change = simulator.next_change(targets, row);
    // The rows of later changes are on their way from memory while this one is traded.
    const std::size_t ahead = targets.ahead(4);
    index.prefetch(ahead);
    __builtin_prefetch(targets.at(ahead));
    const std::size_t until = std::min(change + 1, rows);
    const std::size_t event = simulator.next_event(index, row, until);
    if (event > row) {
      simulator.rest(index, targets, row, event, std::min(event, change));
      sink.rest(simulator, index, row, event);
    }
    row = event;
    if (event == until) {
      if (change == rows || (plain && simulator.trade_directly(change, targets[change]))) continue;
      simulator.decide(change, targets.at(change));
    } else {
      full(row++);
    }
  }
}

}  // namespace

void run_lone(Simulator& simulator, const PanelIndex& index, const double* targets,
              const Recording& recording) {
  run_resting(simulator, index, targets, Recorder(recording));
}

void run_lone_daily(Simulator& simulator, const PanelIndex& index, const double* targets,
                    double* daily_equity) {
  run_resting(simulator, index, targets, DailyEquity(index, daily_equity));
}

void run_rows_daily(Simulator& simulator, const PanelIndex& index, const double* targets,
                    double* daily_equity) {
  const PanelView& panel = simulator.panel();
  const bool direct = simulator.is_plain_portfolio();
  DailyEquity sink(index, daily_equity);
  simulator.step(0);
  for (std::size_t row = 0; row < panel.rows; ++row) {
    sink.row(simulator, row);
    const double* numbers = targets + row * panel.columns;
    if (direct && simulator.rebalance_directly(row, numbers)) continue;
    simulator.decide(row, numbers);
    if (row + 1 < panel.rows) simulator.step(row + 1);
  }
}

}  // namespace algotrader
