#include "check.hpp"

int main() {
  for (const auto& test : algotrader::tests::all()) {
    const int before = algotrader::tests::failures();
    test.run();
    if (algotrader::tests::failures() != before) std::printf("failed: %s\n", test.name);
  }
  std::printf("%zu tests, %d failures\n", algotrader::tests::all().size(),
              algotrader::tests::failures());
  return algotrader::tests::failures() == 0 && !algotrader::tests::all().empty() ? 0 : 1;
}
