// Rows at which a lone instrument needs nothing but a mark.
#include "algotrader/simulator.hpp"

namespace algotrader {

std::size_t Simulator::quiet_until(std::size_t row, const double*) const { return row; }
void Simulator::skip_quiet(std::size_t, std::size_t) {}

}  // namespace algotrader
