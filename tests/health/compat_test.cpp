#include <doctest/doctest.h>

#include "health/compat.h"
#include "health/shipped.h"

using namespace fettle;
using namespace fettle::health;
using profile::Compat;
using profile::CompatKernel;

namespace {

// A table small enough to see why each answer is right.
Compat small_table() {
  using Listed = CompatKernel::Listed;
  Compat table;
  table.as_of = "2026-11";
  table.releases = {
      {.rocm = "6.2.2",
       .ubuntu = {{"22.04.5",
                   {{"5.15", "GA", Listed::yes, ""}, {"6.8", "HWE", Listed::no, "excluded by footnote"}}}}},
      {.rocm = "6.4.4", .ubuntu = {{"24.04.2", {{"6.8", "GA", Listed::unstated, "no page found"}}}}},
      {.rocm = "7.0.2",
       .drivers = {"30.10.2", "30.10.1", "30.10", "6.4.x"},
       .ubuntu = {{"24.04.3", {{"6.8", "GA", Listed::yes, ""}, {"6.14", "HWE", Listed::yes, ""}}}}},
      {.rocm = "7.1.0",
       .drivers = {"30.20.0", "30.10.2"},
       .ubuntu = {{"24.04.3", {{"6.8", "GA", Listed::yes, ""}, {"6.14", "HWE", Listed::yes, ""}}}}},
      {.rocm = "10.0.0", .drivers = {"31.40.0"}, .ubuntu = {{"24.04.4", {{"6.8", "GA", Listed::yes, ""}}}}},
  };
  table.drivers = {
      {.release = "6.2.x", .module_version = "6.8.5", .user_space = {"6.2", "7.0"}},
      {.release = "30.10.1", .module_version = "6.14.14", .user_space = {"7.0"}},
      {.release = "30.10.2", .module_version = "6.14.14", .user_space = {"7.0", "7.1"}},
      {.release = "31.40.0", .module_version = "6.19.14", .user_space = {"7.0", "10.0"}},
      {.release = "31.50.x", .user_space = {"10.0"}},
  };
  return table;
}

Question ask(const char* os, const char* kernel, const char* flavour, const char* rocm, const char* driver,
             const char* module = "") {
  return {.os_release = os,
          .kernel_series = kernel,
          .kernel_flavour = flavour,
          .rocm = rocm,
          .driver_release = driver,
          .driver_module = module};
}

}  // namespace

TEST_CASE("compat: the five combinations come out as the platform notes say, by the shipped table") {
  const Compat table = test::shipped_profile().compat;
  struct Row {
    Question question;
    Verdict verdict;
    const char* why;
  };
  for (const Row& row : {
           Row{ask("24.04.3", "6.14", "generic", "7.0.2", "30.10.2", "6.14.14"), Verdict::supported,
               "Ubuntu 24.04.3, kernel 6.14, driver 30.10.2, ROCm 7.0.2: listed for MI300X"},
           Row{ask("22.04.5", "5.15", "generic", "6.2.2", "6.2.2", "6.8.5"), Verdict::supported,
               "Ubuntu 22.04.5, kernel 5.15, driver 6.2.2, ROCm 6.2.2: listed for MI300X"},
           Row{ask("22.04.4", "5.15", "generic", "6.2.2", "", "6.8.5"), Verdict::supported,
               "Ubuntu 22.04.4, kernel 5.15, ROCm 6.2.2: listed for MI300X"},
           Row{ask("22.04.5", "6.8", "generic", "6.2.2", "6.2.2"), Verdict::excluded,
               "kernel 6.8 (HWE) is excluded for MI300X on Ubuntu 22.04.5 with ROCm 6.2.2: excluded for "
               "MI300X by "
               "footnote"},
           Row{ask("24.04.3", "6.14", "generic", "6.4.0", "6.4.0"), Verdict::not_listed,
               "Ubuntu 24.04.3 is first listed with ROCm 7.0.0, not with 6.4.0"},
           Row{ask("24.04.3", "6.14", "generic", "6.4.3", "6.4.3"), Verdict::not_listed,
               "Ubuntu 24.04.3 is first listed with ROCm 7.0.0, not with 6.4.3"},
           Row{ask("24.04.4", "6.17", "generic", "10.0.0", "31.40.0"), Verdict::not_listed,
               "kernel 6.17 is not listed on Ubuntu 24.04.4 with ROCm 10.0.0, only 6.8 (GA)"},
           Row{ask("24.04.3", "6.14", "azure", "7.0.2", "30.10.2"), Verdict::flavour_not_listed,
               "Ubuntu 24.04.3, kernel 6.14, driver 30.10.2, ROCm 7.0.2: listed for generic kernels, nobody "
               "names the "
               "flavour azure"},
       }) {
    const Answer answer = judge(row.question, table);
    CHECK(to_text(answer.verdict) == to_text(row.verdict));
    CHECK(answer.why == row.why);
    CHECK(answer.hint.empty() == (row.verdict == Verdict::supported));
  }
}

TEST_CASE("compat: each part can be the reason, and the advice names what would do") {
  const Compat table = small_table();
  struct Row {
    Question question;
    Verdict verdict;
    const char* why;
    const char* hint;
  };
  for (const Row& row : {
           Row{ask("24.04.3", "6.14", "", "7.0.2", ""), Verdict::supported,
               "Ubuntu 24.04.3, kernel 6.14, ROCm 7.0.2: listed for MI300X", ""},
           Row{ask("24.04.3", "6.14", "generic", "7.0.2", "30.10.0"), Verdict::supported,
               "Ubuntu 24.04.3, kernel 6.14, driver 30.10.0, ROCm 7.0.2: listed for MI300X", ""},
           Row{ask("24.04.3", "6.14", "generic", "7.0.2", "6.4.3"), Verdict::supported,
               "Ubuntu 24.04.3, kernel 6.14, driver 6.4.3, ROCm 7.0.2: listed for MI300X", ""},
           // Not on the release's own page, but in the driver's matrix.
           Row{ask("24.04.3", "6.14", "generic", "7.0.2", "31.40.0"), Verdict::supported,
               "Ubuntu 24.04.3, kernel 6.14, driver 31.40.0, ROCm 7.0.2: listed for MI300X", ""},
           Row{ask("24.04.3", "6.14", "generic", "7.1.0", "6.4.3"), Verdict::not_listed,
               "driver 6.4.3 is not listed with ROCm 7.1.0", "install driver 30.20.0"},
           Row{ask("24.04.3", "6.14", "generic", "7.1.0", "32.10.0"), Verdict::newer_than_table,
               "driver 32.10.0 is newer than the table of 2026-11",
               "look for a newer table; until then install driver 30.20.0"},
           Row{ask("24.04.3", "6.11", "generic", "7.0.2", "30.10.2"), Verdict::not_listed,
               "kernel 6.11 is not listed on Ubuntu 24.04.3 with ROCm 7.0.2, only 6.8 (GA) and 6.14 (HWE)",
               "boot kernel 6.8 (GA) or 6.14 (HWE)"},
           Row{ask("24.04.3", "6.20", "generic", "7.0.2", "30.10.2"), Verdict::newer_than_table,
               "kernel 6.20 is newer than the table of 2026-11",
               "look for a newer table, or boot kernel 6.8 (GA) or 6.14 (HWE)"},
           Row{ask("22.04.5", "6.8", "generic", "6.2.2", ""), Verdict::excluded,
               "kernel 6.8 (HWE) is excluded for MI300X on Ubuntu 22.04.5 with ROCm 6.2.2: excluded by "
               "footnote",
               "boot kernel 5.15 (GA)"},
           Row{ask("24.04.2", "6.8", "generic", "6.4.4", ""), Verdict::not_listed,
               "nobody states whether MI300X works with kernel 6.8 (GA) on Ubuntu 24.04.2 with ROCm 6.4.4: "
               "no page "
               "found",
               "use a ROCm release whose page lists MI300X with this kernel"},
           Row{ask("24.04.3", "6.8", "generic", "10.0.0", ""), Verdict::not_listed,
               "Ubuntu 24.04.3 is last listed with ROCm 7.1.0, not with 10.0.0",
               "install ROCm 7.0.2 to 7.1.0, or use Ubuntu 24.04.4"},
           Row{ask("24.04.9", "6.8", "generic", "10.0.0", ""), Verdict::newer_than_table,
               "Ubuntu 24.04.9 is newer than the table of 2026-11", "look for a newer table"},
           Row{ask("24.10", "6.8", "generic", "10.0.0", ""), Verdict::not_listed,
               "Ubuntu 24.10 is not in the table of 2026-11", "use Ubuntu 24.04.4"},
           Row{ask("24.04.1", "6.8", "generic", "7.0.2", ""), Verdict::not_listed,
               "Ubuntu 24.04.1 is not in the table of 2026-11", "use Ubuntu 24.04.3"},
           Row{ask("24.04.3", "6.8", "generic", "7.0.9", ""), Verdict::not_listed,
               "ROCm 7.0.9 is not in the table of 2026-11", "install a release of the table"},
           Row{ask("24.04.3", "6.8", "generic", "11.0.0", ""), Verdict::newer_than_table,
               "ROCm 11.0.0 is newer than the table of 2026-11", "look for a newer table"},
           // 7.14 is newer than 7.2, and older than 10.
           Row{ask("24.04.3", "6.8", "generic", "7.14.0", ""), Verdict::not_listed,
               "ROCm 7.14.0 is not in the table of 2026-11", "install a release of the table"},
       }) {
    CAPTURE(row.why);
    const Answer answer = judge(row.question, table);
    CHECK(to_text(answer.verdict) == to_text(row.verdict));
    CHECK(answer.why == row.why);
    CHECK(answer.hint == row.hint);
  }
}

TEST_CASE("compat: a module version stands for all its releases, and all of them must fit") {
  const Compat table = small_table();
  CHECK(releases_of_module("6.14.14", table) == std::vector<std::string>{"30.10.1", "30.10.2"});
  CHECK(judge(ask("24.04.3", "6.14", "generic", "7.0.2", "", "6.14.14"), table).verdict ==
        Verdict::supported);
  const Answer answer = judge(ask("24.04.3", "6.14", "generic", "7.1.0", "", "6.14.14"), table);
  CHECK(answer.verdict == Verdict::not_listed);  // 30.10.1 is not listed with 7.1.0
  CHECK(answer.why == "driver module 6.14.14 (30.10.1 and 30.10.2) is not listed with ROCm 7.1.0");
  CHECK(judge(ask("24.04.3", "6.14", "generic", "7.0.2", "", "5.0.0"), table).verdict == Verdict::not_listed);
}

TEST_CASE("compat: without ROCm on the host any release of the table will do") {
  const Compat table = small_table();
  Answer answer = judge(ask("24.04.3", "6.14", "generic", "", "30.10.2"), table);
  CHECK(answer.verdict == Verdict::supported);
  CHECK(answer.why ==
        "Ubuntu 24.04.3, kernel 6.14, driver 30.10.2, any of ROCm 7.0.2 to 7.1.0 in containers: listed for "
        "MI300X");
  answer = judge(ask("24.04.3", "6.14", "aws", "", "30.10.2"), table);
  CHECK(answer.verdict == Verdict::flavour_not_listed);
  CHECK(judge(ask("22.04.5", "6.8", "generic", "", ""), table).verdict == Verdict::excluded);
  CHECK(judge(ask("20.04.6", "5.15", "generic", "", ""), table).verdict == Verdict::not_listed);
  CHECK(judge(ask("24.04.3", "6.14", "generic", "", "30.10.2"), Compat{}).verdict == Verdict::not_listed);
}

TEST_CASE("compat: other distributions and nonsense are not listed") {
  const Compat table = small_table();
  Question question = ask("13", "6.12", "amd64", "7.0.2", "30.10.2");
  question.os_id = "debian";
  CHECK(judge(question, table).verdict == Verdict::not_listed);
  for (const char* const nonsense : {"", "x", "-1", "x.1", "999999999999999999999"}) {
    CAPTURE(nonsense);
    CHECK(judge(ask(nonsense, "6.14", "generic", "7.0.2", "30.10.2"), table).verdict == Verdict::not_listed);
    CHECK(judge(ask("24.04.3", nonsense, "generic", "7.0.2", "30.10.2"), table).verdict ==
          Verdict::not_listed);
    if (*nonsense != '\0') {
      CHECK(judge(ask("24.04.3", "6.14", "generic", nonsense, "30.10.2"), table).verdict ==
            Verdict::not_listed);
      CHECK(judge(ask("24.04.3", "6.14", "generic", "7.0.2", nonsense), table).verdict ==
            Verdict::not_listed);
    }
  }
}

TEST_CASE("compat: a part alone is listed when it occurs somewhere") {
  const Compat table = small_table();
  CHECK(judge_os("ubuntu", "24.04.3", table).why == "Ubuntu 24.04.3 is listed with ROCm 7.0.2 to 7.1.0");
  CHECK(judge_os("ubuntu", "26.04", table).verdict == Verdict::newer_than_table);
  CHECK(judge_os("ubuntu", "25.10", table).verdict == Verdict::not_listed);
  CHECK(judge_kernel("24.04.3", "6.14", table).why ==
        "kernel 6.14 (HWE) is listed for Ubuntu 24.04.3 with ROCm 7.0.2 to 7.1.0");
  CHECK(judge_kernel("22.04.5", "6.8", table).hint == "boot kernel 5.15 (GA)");
  CHECK(judge_driver("6.4.2", table).verdict == Verdict::supported);
  CHECK(judge_driver("31.50.1", table).verdict == Verdict::supported);
  CHECK(judge_driver("31.60.0", table).verdict == Verdict::newer_than_table);
  CHECK(judge_driver("6.3.1", table).verdict == Verdict::not_listed);
  CHECK(judge_rocm("7.0.2", table).verdict == Verdict::supported);
  Compat previews = table;
  previews.releases.push_back({.rocm = "7.11.0", .stream = "preview", .ubuntu = {{"24.04.3", {}}}});
  CHECK(judge_rocm("7.11.0", previews).why == "ROCm 7.11.0 is a preview, not for production");
  CHECK(judge_os("ubuntu", "24.04.3", previews).why == "Ubuntu 24.04.3 is listed with ROCm 7.0.2 to 7.1.0");
}

TEST_CASE("compat: only a supported combination passes") {
  CHECK(status_of(Verdict::supported) == Status::pass);
  CHECK(status_of(Verdict::flavour_not_listed) == Status::warn);
  CHECK(status_of(Verdict::newer_than_table) == Status::warn);
  CHECK(status_of(Verdict::not_listed) == Status::fail);
  CHECK(status_of(Verdict::excluded) == Status::fail);
}
