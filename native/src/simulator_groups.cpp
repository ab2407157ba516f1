// Legs of one decision (R37).
#include <algorithm>

#include "algotrader/simulator.hpp"

namespace algotrader {

void Simulator::hold_incomplete_groups(std::vector<Execution>&) {}
void Simulator::match_groups(std::size_t) {}

}  // namespace algotrader
