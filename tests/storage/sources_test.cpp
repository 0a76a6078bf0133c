// What must not stand in any source: the switches that take a program's own guard away.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include "support/source.h"

TEST_CASE("storage: no source forces, answers yes for the operator, or wipes whole devices") {
  namespace fs = std::filesystem;
  // Written in two halves, so that this file is no hit of its own.
  const std::string forbidden[] = {std::string("--fo") + "rce",      std::string("wipefs -") + "a",
                                   std::string("wipefs --a") + "ll", std::string("yes ") + "|",
                                   std::string("\"--r") + "un\"",    std::string("\"--assume-") + "clean\"",
                                   std::string("mkfs.xfs -") + "f"};
  unsigned files = 0;
  for (const char* const top : {"daemon", "systemd", "packaging"}) {
    for (const auto& entry : fs::recursive_directory_iterator(fettle::test::source_dir() / top)) {
      if (!entry.is_regular_file()) continue;
      std::ifstream in(entry.path(), std::ios::binary);
      std::stringstream text;
      text << in.rdbuf();
      const std::string content = text.str();
      ++files;
      for (const std::string& word : forbidden) {
        const bool is_code = entry.path().extension() == ".cpp" || entry.path().extension() == ".h" ||
                             entry.path().string().find("/systemd/") != std::string::npos ||
                             entry.path().string().find("/debian/") != std::string::npos;
        if (!is_code) continue;
        CHECK_MESSAGE(content.find(word) == std::string::npos, "'", word, "' in ", entry.path().string());
      }
      // "-f" as a word of a command line of mkfs.xfs.
      if (entry.path().filename() == "steps.cpp") CHECK(content.find("\"-f\"") == std::string::npos);
    }
  }
  CHECK(files > 50);
}
