// What the pages in docs/ point to is there.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "support/source.h"

namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::ifstream file(path);
  REQUIRE_MESSAGE(file, path.string());
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// Everything below tests/ with this ending, as one text. Titles that go over two lines are joined.
std::string sources(const std::string& ending) {
  std::string all;
  for (const auto& entry : fs::recursive_directory_iterator(fettle::test::source_dir() / "tests")) {
    if (entry.is_regular_file() && entry.path().extension() == ending) all += read(entry.path());
  }
  return std::regex_replace(all, std::regex("\"\\s*\\n\\s*\""), "");
}

std::vector<std::string> named(const std::string& page, const std::string& word) {
  std::vector<std::string> titles;
  const std::regex line(word + ": \"([^\"\\n]+)\"");
  for (std::sregex_iterator at(page.begin(), page.end(), line), end; at != end; ++at)
    titles.push_back((*at)[1]);
  return titles;
}

}  // namespace

TEST_CASE("docs: every test and step that the security page names exists") {
  const std::string page = read(fettle::test::source_dir() / "docs/security.md");
  const std::string tests = sources(".cpp");
  const std::string steps = sources(".py");
  const auto titles = named(page, "Test");
  CHECK(titles.size() > 20);
  for (const std::string& title : titles) {
    CAPTURE(title);
    CHECK(tests.find("TEST_CASE(\"" + title + "\")") != std::string::npos);
  }
  CHECK_FALSE(named(page, "Step").empty());
  for (const std::string& title : named(page, "Step")) {
    CAPTURE(title);
    CHECK(steps.find("step(\"" + title + "\")") != std::string::npos);
  }
}

TEST_CASE("docs: every link between the pages leads to a file") {
  for (const char* const name : {"README.md", "CONTRIBUTING.md", "docs/guide.md", "docs/security.md"}) {
    const fs::path path = fettle::test::source_dir() / name;
    const std::string page = read(path);
    const std::regex link("\\]\\(([^)#:]+)(#[^)]*)?\\)");
    for (std::sregex_iterator at(page.begin(), page.end(), link), end; at != end; ++at) {
      CAPTURE(name);
      CAPTURE((*at)[1].str());
      CHECK(fs::exists(path.parent_path() / (*at)[1].str()));
    }
  }
}

TEST_CASE("docs: every command that the pages name has its section in fettle(1)") {
  std::string manual = read(fettle::test::source_dir() / "docs/man/fettle.1");
  manual = std::regex_replace(manual, std::regex(R"(\\-)"), "-");
  const std::regex command("(?:`|\\n    )fettle ([a-z]+(?:-[a-z]+)*)(?: ([a-z]+(?:-[a-z]+)*))?");
  for (const char* const name : {"README.md", "docs/guide.md", "docs/findings.md"}) {
    const std::string page = read(fettle::test::source_dir() / name);
    for (std::sregex_iterator at(page.begin(), page.end(), command), end; at != end; ++at) {
      const std::string first = (*at)[1];
      CAPTURE(name);
      CAPTURE((*at)[0].str());
      CHECK(std::regex_search(manual, std::regex("\\n\\.SS fettle " + first + "\\b")));
      // A second word is a sub-command where the command has any.
      static const std::regex grouped("^(shelf|storage|profile|host|models|jit)$");
      if (!std::regex_match(first, grouped) || !(*at)[2].matched) continue;
      const std::string second = (*at)[2];
      CHECK(std::regex_search(manual,
                              std::regex("\\n\\.SS fettle " + first + "[^\\n]*[ \\[|]" + second + "\\b")));
    }
  }
}
