#include "support/source.h"

namespace fettle::test {

const std::filesystem::path& source_dir() {
  static const std::filesystem::path path = FETTLE_SOURCE_DIR;
  return path;
}

const std::filesystem::path& tests_dir() {
  static const std::filesystem::path path = source_dir() / "tests";
  return path;
}

}  // namespace fettle::test
