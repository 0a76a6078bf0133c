// Golden pages: whole answers kept in tests/golden/. FETTLE_GOLDEN=update rewrites them; the diff is part of
// the review.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

namespace fettle::test {

inline void check_golden(const std::string& name, const std::string& text) {
  const std::string path = std::string(FETTLE_TESTS_DIR) + "/golden/" + name;
  const char* const wish = std::getenv("FETTLE_GOLDEN");
  if (wish != nullptr && std::string(wish) == "update") {
    std::ofstream(path, std::ios::binary) << text;
    return;
  }
  std::ifstream in(path, std::ios::binary);
  std::ostringstream kept;
  kept << in.rdbuf();
  INFO("FETTLE_GOLDEN=update rewrites " << path);
  CHECK(text == kept.str());
}

}  // namespace fettle::test
