#include <doctest/doctest.h>

#include "base/version_range.h"

using namespace fettle;

namespace {

bool fits(const char* range, const char* version) {
  const auto parsed = VersionRange::parse(range);
  REQUIRE_MESSAGE(parsed, parsed.error().said);
  const auto release = parse_release(version);
  REQUIRE(release);
  return parsed->contains(*release);
}

}  // namespace

TEST_CASE("version range: a version must lie within all bounds") {
  CHECK(fits(">=0.11.0,<0.12", "0.11.2"));
  CHECK(fits(">=0.11.0,<0.12", "v0.11.0"));
  CHECK_FALSE(fits(">=0.11.0,<0.12", "0.12.0"));
  CHECK_FALSE(fits(">0.11", "0.11.0"));
  CHECK(fits("==0.11.0", "0.11.0+rocm700"));
  CHECK_FALSE(fits("==0.11.0", "0.11.1"));
  CHECK(fits("<=0.11", "0.11.0"));
}

TEST_CASE("version range: a post release is later than its release") {
  CHECK(fits(">=0.1.5,<0.1.5.post3", "0.1.5.post2"));
  CHECK_FALSE(fits(">=0.1.5,<0.1.5.post3", "0.1.5.post3"));
  CHECK(fits(">=0.1.5.post4,<0.1.8", "v0.1.6.post1"));
  CHECK(fits(">=0.1.8,<0.1.12", "0.1.10.post2"));
}

TEST_CASE("version range: what no version can fit is malformed") {
  for (const char* bad : {"", "0.11", ">=", "=>0.11", ">=x", ">=0.12,<0.12", ">=0.12,<0.11", "==0.11,==0.12",
                          ">=0.11,,<0.12"}) {
    CAPTURE(bad);
    CHECK_FALSE(VersionRange::parse(bad));
  }
}

TEST_CASE("version range: two ranges meet when a version lies in both") {
  const auto meets = [](const char* a, const char* b) {
    return VersionRange::parse(a)->meets(*VersionRange::parse(b));
  };
  CHECK(meets(">=0.11", "<0.12"));
  CHECK(meets("<=0.11", ">=0.11"));
  CHECK_FALSE(meets("<0.11", ">=0.11"));
}
