#include "app/log.h"

#include <doctest/doctest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "base/names.h"
#include "base/text.h"
#include "support/source.h"

using namespace fettle;
using namespace fettle::app;

TEST_CASE("log: how much it tells can be changed, and a word that is no level is none") {
  Log log(Log::Goes::to_stderr, Level::error);
  CHECK(log.least() == Level::error);
  log.set_least(Level::debug);
  CHECK(log.least() == Level::debug);
  CHECK(level_of("warning") == Level::warning);
  CHECK(level_of("debug") == Level::debug);
  CHECK_FALSE(level_of("loud"));
}

TEST_CASE("log: every message id has its page in the catalog, and the catalog no other") {
  std::ifstream file(test::source_dir() / "packaging/fettle.catalog");
  REQUIRE(file);
  std::ostringstream text;
  text << file.rdbuf();
  const std::string catalog = text.str();
  std::set<std::string> listed;
  std::size_t subjects = 0;
  for (const std::string_view line : lines(catalog)) {
    if (line.starts_with("-- ")) {
      CHECK(line.size() == 35);
      listed.emplace(line.substr(3));
    }
    if (line.starts_with("Subject: ")) ++subjects;
  }
  std::set<std::string> known;
  for (const std::string_view id : names::messages) known.emplace(id);
  CHECK(known.size() == names::messages.size());
  CHECK(listed == known);
  CHECK(subjects == known.size());
}
