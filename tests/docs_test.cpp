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
  for (const char* const name :
       {"README.md", "CONTRIBUTING.md", "docs/guide.md", "docs/security.md", "docs/fleet.md", "docs/api.md",
        "docs/architecture.md", "docs/comparison.md", "docs/upgrading.md"}) {
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
  for (const char* const name : {"README.md", "docs/guide.md", "docs/findings.md", "docs/fleet.md",
                                 "docs/architecture.md", "docs/comparison.md", "docs/upgrading.md"}) {
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

TEST_CASE("docs: every unit has its man page, and every variable that is read its line") {
  const fs::path top = fettle::test::source_dir();
  const auto plain = [](const std::string& text) {
    return std::regex_replace(text, std::regex(R"(\\-)"), "-");
  };
  const std::string daemon = plain(read(top / "docs/man/fettled.8"));
  const auto from = daemon.find(".SH UNITS");
  REQUIRE(from != std::string::npos);
  const std::string units = daemon.substr(from, daemon.find(".SH ", from + 1) - from);
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(top / "systemd")) {
    const std::string name = entry.path().filename().string();
    if (!std::regex_search(name, std::regex("\\.(service|socket|target|timer|mount|slice)$"))) continue;
    CAPTURE(name);
    ++count;
    CHECK(read(top / "docs/man" / (name + ".8")) == ".so man8/fettled.8\n");
    const auto at = name.find('@');
    CHECK(units.find(at == std::string::npos ? name : name.substr(0, at + 1)) != std::string::npos);
  }
  CHECK(count > 15);
  const std::string manual = plain(read(top / "docs/man/fettle.1")) + daemon;
  const std::regex variable("getenv\\(\"([A-Z_]+)\"\\)");
  for (const char* const file : {"daemon/command_line.cpp", "daemon/fettled.cpp"}) {
    const std::string source = read(top / file);
    for (std::sregex_iterator at(source.begin(), source.end(), variable), end; at != end; ++at) {
      CAPTURE((*at)[1].str());
      CHECK(manual.find((*at)[1].str()) != std::string::npos);
    }
  }
}

TEST_CASE(
    "docs: every kind of file, and every key of those that operators write, has its line in fettle.yaml(5)") {
  const fs::path top = fettle::test::source_dir();
  const std::string manual =
      std::regex_replace(read(top / "docs/man/fettle.yaml.5"), std::regex(R"(\\-)"), "-");
  const auto has = [&](const std::string& word) {
    return std::regex_search(manual, std::regex("(^|[^a-z_-])" + word + "([^a-z_-]|$)"));
  };
  const auto all = [&](const std::string& file, const std::string& pattern) {
    const std::string source = read(top / "daemon/profile" / file);
    const std::regex word(pattern);
    std::size_t count = 0;
    for (std::sregex_iterator at(source.begin(), source.end(), word), end; at != end; ++at) {
      CAPTURE(file);
      CAPTURE((*at)[1].str());
      CHECK(has((*at)[1].str()));
      ++count;
    }
    return count;
  };
  CHECK(all("kinds.cpp", "Kind\\{\"([a-z-]+)\"") > 8);
  for (const char* const file : {"document_configuration.cpp", "document_profile.cpp", "document_shelf.cpp",
                                 "document_images.cpp", "document_host.cpp"}) {
    CHECK(all(file, "field<&[A-Za-z]+::[^;]*?>\\(\\s*\"([a-z_]+)\"") > 4);
  }
  for (const char* const key : {"format", "revision", "ref", "path", "size", "blob", "sha256", "version"})
    CHECK(has(key));
}
