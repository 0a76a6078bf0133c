// Golden pages: what a program prints, kept in tests/golden/ and compared as a whole.
//
// FETTLE_GOLDEN=update in the environment rewrites the page instead; the difference is part of the review.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include "support/source.h"

namespace fettle::test {

// Number and both texts of the first line that differs, for the failure message.
inline std::string first_difference(const std::string& wanted, const std::string& got) {
  std::istringstream left(wanted);
  std::istringstream right(got);
  for (int number = 1;; ++number) {
    std::string a;
    std::string b;
    const bool more_left = static_cast<bool>(std::getline(left, a));
    const bool more_right = static_cast<bool>(std::getline(right, b));
    if (!more_left && !more_right) return "only in its line ends";
    if (more_left != more_right || a != b) {
      return "in line " + std::to_string(number) + "\n  page: " + (more_left ? a : "(ends)") +
             "\n  now:  " + (more_right ? b : "(ends)");
    }
  }
}

// `name` is a file of tests/golden/: "health-baremetal-spx.txt".
inline void check_golden(const std::string& name, const std::string& text) {
  const std::filesystem::path path = fettle::test::tests_dir() / "golden" / name;
  const char* const mode = std::getenv("FETTLE_GOLDEN");
  if (mode != nullptr && std::string_view(mode) == "update") {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out << text;
    if (!out.flush()) FAIL_CHECK("cannot write ", path.string());
    return;
  }
  std::ifstream in(path, std::ios::binary);
  std::ostringstream wanted;
  if (in) wanted << in.rdbuf();
  if (!in) {
    FAIL_CHECK("no golden page ", path.string(), "; FETTLE_GOLDEN=update writes it");
    return;
  }
  if (wanted.str() != text)
    FAIL_CHECK("golden page ", name, " differs ", first_difference(wanted.str(), text));
}

}  // namespace fettle::test
