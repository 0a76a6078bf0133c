#include <doctest/doctest.h>

#include <cerrno>
#include <chrono>
#include <string>

#include "base/bytes.h"
#include "base/finding.h"
#include "base/text.h"
#include "base/utc.h"
#include "base/version.h"

using namespace fettle;

TEST_CASE("base: sizes are printed for people") {
  CHECK(to_text(Bytes{0}) == "0 B");
  CHECK(to_text(Bytes{1023}) == "1023 B");
  CHECK(to_text(1_KiB) == "1.0 KiB");
  CHECK(to_text(Bytes{1048575}) == "1.0 MiB");
  CHECK(to_text(Bytes{3840755982336}) == "3.5 TiB");
}

TEST_CASE("base: a size needs a number and a unit") {
  CHECK(parse_bytes("512 MiB")->count == 512U << 20U);
  CHECK(parse_bytes("1.5TB")->count == 1500000000000);
  CHECK(parse_bytes("42 B")->count == 42);
  for (const char* bad :
       {"", "512", "MiB", "-1 MiB", "1e3 MiB", "1 mib", "1  MiB", "99999999999 TiB", "nan B"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_bytes(bad));
  }
}

TEST_CASE("base: versions compare by number, not by letter") {
  CHECK(*parse_version("7.14.0") > *parse_version("7.2.4"));
  CHECK(*parse_version("10.0.0") > *parse_version("7.14.0"));
  CHECK(*parse_version("7.0") == *parse_version("7.0.0"));
  const auto kernel = parse_version("6.14.0-32-generic");
  REQUIRE(kernel);
  CHECK(kernel->series() == "6.14");
  CHECK(kernel->rest == "-32-generic");
  CHECK(kernel->to_text() == "6.14.0-32-generic");
  CHECK_FALSE(parse_version("generic"));
  CHECK_FALSE(parse_version("99999999999999.1"));
}

TEST_CASE("base: the worst finding is the state, and nothing looked at is unknown") {
  const auto named = [](Status status) { return NamedFinding{"a.b", "title", {status, "says", ""}}; };
  CHECK(worst({}) == Status::unknown);
  CHECK(worst({named(Status::pass), named(Status::not_applicable)}) == Status::pass);
  CHECK(worst({named(Status::warn), named(Status::unknown)}) == Status::unknown);
  CHECK(worst({named(Status::unknown), named(Status::fail)}) == Status::fail);
}

TEST_CASE("base: text is trimmed, split and counted") {
  CHECK(trim(std::string_view("  QEMU NVMe Ctrl \0\n", 18)) == "QEMU NVMe Ctrl");
  CHECK(split("a,,b", ',') == std::vector<std::string_view>{"a", "", "b"});
  CHECK(lines("a\nb\n") == std::vector<std::string_view>{"a", "b"});
  CHECK(lines("").empty());
  CHECK(to_number<unsigned>("0x74a1", 16) == 0x74a1U);
  CHECK_FALSE(to_number<unsigned>("12 ").has_value());
  CHECK_FALSE(to_number<unsigned>("").has_value());
  CHECK(count_of(1, "drive") == "1 drive");
  CHECK(count_of(0, "drive") == "0 drives");
}

TEST_CASE("base: a time is text and back, and one that the clock cannot hold is none") {
  using namespace std::chrono;
  const system_clock::time_point time{sys_days{2026y / November / 24} + 16h + 1min + 2s};
  CHECK(utc_text(time) == "2026-11-24T16:01:02Z");
  CHECK(parse_utc("2026-11-24T16:01:02Z") == time);
  CHECK(parse_utc("2261-12-31T23:59:59Z") > time);
  for (const std::string text :
       {"", "2026-11-24", "2026-11-24T16:01:02", "2026-11-24T16:01:02Z ", "1013-11-28T03:00:00Z",
        "1969-12-31T23:59:59Z", "2262-01-01T00:00:00Z", "9999-12-31T23:59:59Z"}) {
    CAPTURE(text);
    CHECK(parse_utc(text) == system_clock::time_point{});
  }
  CHECK(parse_utc(std::string("2026-11-24T16:01:02Z\0x", 22)) == system_clock::time_point{});
}

TEST_CASE("base: an error ends in advice") {
  const Error error = cannot("read", "/x", ENOENT, "is it there?");
  CHECK(error.why == Why::missing);
  CHECK(to_text(error) == "cannot read '/x': No such file or directory\n  hint: is it there?");
  CHECK(while_doing("load the profile", error).said ==
        "cannot load the profile: cannot read '/x': No such file or directory");
}
