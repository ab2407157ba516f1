// The whole test framework: TEST(name) { CHECK(claim); }. A failed claim is printed and counted.
#pragma once

#include <cstdio>
#include <vector>

namespace algotrader::tests {

struct Test {
  const char* name;
  void (*run)();
};

inline std::vector<Test>& all() {
  static std::vector<Test> tests;
  return tests;
}

inline int& failures() {
  static int count = 0;
  return count;
}

struct Registered {
  Registered(const char* name, void (*run)()) { all().push_back({name, run}); }
};

}  // namespace algotrader::tests

#define TEST(name)                                                            \
  static void name();                                                         \
  static const ::algotrader::tests::Registered registered_##name(#name, name); \
  static void name()

#define CHECK(claim)                                                       \
  do {                                                                     \
    if (!(claim)) {                                                        \
      std::printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #claim);      \
      ++::algotrader::tests::failures();                                   \
    }                                                                      \
  } while (false)
