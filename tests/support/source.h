// Where the tests find this repository: only one file is compiled with its paths, so a compiler cache serves
// all checkouts.
#pragma once

#include <filesystem>

namespace fettle::test {

const std::filesystem::path& source_dir();  // top of the repository
const std::filesystem::path& tests_dir();   // its tests/

}  // namespace fettle::test
