#include "app/log.h"

#include <doctest/doctest.h>

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
