#include "collect/collect.h"

#include <doctest/doctest.h>

#include "base/json.h"
#include "base/names.h"
#include "collect/baseline.h"
#include "collect/child.h"
#include "facts/gpu_programs.h"
#include "support/fakes.h"
#include "support/nvme.h"
#include "support/tree.h"
#include "system/lock.h"

using namespace fettle;
using namespace fettle::collect;
using fettle::test::FakeClock;
using fettle::test::FakeRunner;
using fettle::test::Tree;

namespace {

const std::string written =
    R"({"done": {"size_bytes": 1048576, "write_microseconds": 900, "read_microseconds": 100, "direct": true,
        "extents": [{"at_bytes": 0, "size_bytes": 1048576}]}, "generation": "g1"})";
const std::string smart =
    R"({"critical_warning": 0, "temperature_kelvin": 313, "spare_percent": 100, "spare_threshold_percent": 10,
        "used_percent": 1, "read_bytes": 1, "written_bytes": 1, "power_on_hours": 1, "unsafe_shutdowns": 1,
        "media_errors": 0})";

std::string drive_answer(unsigned median) {
  return "{\"smart\": " + smart +
         R"(, "reads": {"count": 64, "size_bytes": 131072, "median_microseconds": )" +
         std::to_string(median) + R"(, "slowest_microseconds": 900}})";
}

// Two drives, their array mounted, up for 1000 s.
struct Node {
  Tree tree;
  FakeRunner runner;
  FakeClock clock;
  Wish wish;

  Node() {
    tree.directory("/sys/block").file("/proc/uptime", "1000.0 1.0\n");
    add_drives(tree, 2);
    add_array(tree, {"md127", "clean", "raid0", {"nvme0n1", "nvme1n1"}, 1ULL << 30U, 0});
    add_mount(tree, "9:127", "/dev/md127", "/srv/fettle", "xfs");
    wish.cache = "/srv/fettle";
    wish.is_on_drives = true;
  }

  void at(unsigned uptime) { tree.file("/proc/uptime", std::to_string(uptime) + ".0 1.0\n"); }

  void with_drives() { wish.drives = *facts::gather(tree.files()).drives; }

  Result<std::vector<Looked>> collect() {
    return fettle::collect::collect({tree.files(), runner, clock}, facts::gather(tree.files()), wish);
  }

  facts::CacheTrial cache() {
    return *facts::parse_cache_trial(tree.read(facts::collected_file(facts::cache_kind)));
  }
  facts::DriveTrials drives() {
    return *facts::parse_drive_trials(tree.read(facts::collected_file(facts::drives_kind)));
  }
};

Error late() {
  return {Why::timed_out, "cannot finish 'fettle collect' within 30 s: it hangs in the kernel", ""};
}

}  // namespace

TEST_CASE("collect: the cache is tried across all members, in a child with a deadline") {
  Node node;
  node.runner.expect("/proc/self/exe --root " + node.tree.root() +
                         "/ collect --probe cache --at /srv/fettle --bytes 1048576",
                     system::Completed{0, written, ""});
  const auto looked = node.collect();
  REQUIRE(looked);
  REQUIRE(looked->size() == 1);
  CHECK((*looked)[0].says == "1.0 MiB written in 900 us and read back in 100 us, across 2 drives");
  CHECK(node.runner.ran[0].deadline == cache_deadline);
  const auto trial = node.cache();
  CHECK(trial.done);
  CHECK(trial.members == 2);
  CHECK(trial.reached == 2);
  CHECK(trial.generation == "g1");
  CHECK(trial.stamp.valid == 3 * cache_interval);
  CHECK(node.tree.files().look(facts::collected_file(facts::cache_kind))->mode == 0644);
}

TEST_CASE("collect: eight members of 512 KiB take a trial of 4 MiB") {
  Node node;
  Tree eight;
  eight.directory("/sys/block").file("/proc/uptime", "1000.0 1.0\n");
  test::ArraySpec array{"md127", "clean", "raid0", {}, 1ULL << 30U, 0};
  for (const auto& drive : add_drives(eight, 8)) array.members.push_back(name_of(drive));
  add_array(eight, array);
  add_mount(eight, "9:127", "/dev/md127", "/srv/fettle", "xfs");
  FakeRunner runner;
  runner.expect("/proc/self/exe", system::Completed{0, written, ""});
  CHECK(
      fettle::collect::collect({eight.files(), runner, node.clock}, facts::gather(eight.files()), node.wish));
  CHECK(system::to_text(runner.ran[0]).find("--bytes 4194304") != std::string::npos);
  CHECK(system::to_text(runner.ran[0]).find("--probe cache") != std::string::npos);
}

TEST_CASE("collect: which members the extents reach") {
  const Bytes chunk = 512_KiB;
  CHECK(members_reached({{{0}, 4_MiB}}, 8, chunk) == 8);
  CHECK(members_reached({{300_KiB, 4_MiB}}, 8, chunk) == 8);
  CHECK(members_reached({{{0}, 1_MiB}, {4_MiB, 1_MiB}}, 8, chunk) == 2);  // the same two again
  CHECK(members_reached({{{0}, 1_MiB}, {1_MiB, 1_MiB}}, 8, chunk) == 4);
  CHECK(members_reached({{{0}, 1_GiB}}, 8, chunk) == 8);
  CHECK(members_reached({}, 8, chunk) == 0);
  CHECK(members_reached({{{0}, {0}}}, 8, chunk) == 0);
  CHECK(members_reached({{{0}, 1_MiB}}, 0, chunk) == 0);
}

TEST_CASE("collect: nothing is written while the cache is not mounted") {
  Node node;
  node.tree.file("/proc/self/mountinfo", "");
  REQUIRE(node.collect());  // the fake runner fails the test when anything is run
  CHECK(node.cache().done.error().why == Why::missing);
}

TEST_CASE(
    "collect: a trial that hangs is recorded since when, and no second one starts while it does (F34)") {
  Node node;
  node.runner.expect("/proc/self/exe", fail(late()));
  REQUIRE(node.collect());
  CHECK(*node.cache().hangs_since == std::chrono::seconds(1000));
  CHECK(node.cache().done.error().why == Why::timed_out);

  node.at(1060);  // at once again, due or not
  node.runner.expect("/proc/self/exe", system::Completed{0, R"({"held": true})", ""});
  REQUIRE(node.collect());
  CHECK(*node.cache().hangs_since == std::chrono::seconds(1000));
  CHECK_FALSE(node.cache().done);

  node.at(1120);
  node.runner.expect("/proc/self/exe", system::Completed{0, written, ""});
  REQUIRE(node.collect());
  CHECK_FALSE(node.cache().hangs_since);
  CHECK(node.cache().done);
}

TEST_CASE("collect: one drive that hangs (F34) keeps no other from being looked at") {
  Node node;
  node.wish.cache.clear();
  node.with_drives();
  node.runner.expect("/proc/self/exe", fail(late()));
  node.runner.expect("/proc/self/exe", system::Completed{0, drive_answer(100), ""});
  const auto looked = node.collect();
  REQUIRE(looked);
  CHECK((*looked)[0].error->said ==
        "cannot look at Microsoft NVMe Direct Disk v2 SN0001 (nvme0n1): it did not answer within 20 s");
  CHECK((*looked)[1].says == "1 % used, 40 degrees, reads take 100 us");
  const auto trials = node.drives();
  CHECK(*trials.drives[0].hangs_since == std::chrono::seconds(1000));
  CHECK_FALSE(trials.drives[0].smart);
  CHECK(trials.drives[1].smart);
}

TEST_CASE("collect: what is not due is not looked at, except on request") {
  Node node;
  node.with_drives();
  node.runner.expect("/proc/self/exe", system::Completed{0, written, ""})
      .expect("/proc/self/exe", system::Completed{0, drive_answer(100), ""})
      .expect("/proc/self/exe", system::Completed{0, drive_answer(100), ""});
  REQUIRE(node.collect());
  node.at(1100);
  CHECK(node.collect()->empty());
  node.at(1300);  // the cache is due, the drives are not
  node.runner.expect("/proc/self/exe", system::Completed{0, written, ""});
  CHECK(node.collect()->size() == 1);
  node.wish.when = When::now;
  node.runner.expect("/proc/self/exe", system::Completed{0, written, ""})
      .expect("/proc/self/exe", system::Completed{0, drive_answer(100), ""})
      .expect("/proc/self/exe", system::Completed{0, drive_answer(100), ""});
  CHECK(node.collect()->size() == 3);
}

TEST_CASE("collect: a child that dies or talks nonsense has seen nothing") {
  for (const system::Completed& completed :
       {system::Completed{137, "", ""}, system::Completed{0, "", ""}, system::Completed{0, "{}", ""},
        system::Completed{0, "{\"done\": 7}", ""}, system::Completed{2, written, "fettle: cannot"}}) {
    CAPTURE(completed.exit_code);
    CAPTURE(completed.out);
    Node node;
    node.runner.expect("/proc/self/exe", completed);
    REQUIRE(node.collect());
    CHECK_FALSE(node.cache().done);
    CHECK_FALSE(node.cache().hangs_since);
  }
}

TEST_CASE("collect: the use of each directory, and how it grew") {
  Node node;
  node.wish.directories = {"hf", "uv"};
  const auto used = [](unsigned bytes) {
    return system::Completed{
        0, R"({"now": {"used_bytes": )" + std::to_string(bytes) + R"(, "files": 3, "whole": true}})", ""};
  };
  node.runner.expect("/proc/self/exe", system::Completed{0, written, ""})
      .expect("/proc/self/exe", used(1000))
      .expect("/proc/self/exe", fail(late()));
  REQUIRE(node.collect());
  const auto usage = [&] {
    return *facts::parse_cache_usage(node.tree.read(facts::collected_file(facts::usage_kind)));
  };
  CHECK(usage().directories[0].now->used.count == 1000);
  CHECK_FALSE(usage().directories[0].grown_bytes);
  CHECK(usage().hangs_since);
  node.at(2800);
  node.runner.expect("/proc/self/exe", system::Completed{0, written, ""})
      .expect("/proc/self/exe", used(3000))
      .expect("/proc/self/exe", used(10));
  REQUIRE(node.collect());
  CHECK(*usage().directories[0].grown_bytes == 2000);
  CHECK(usage().directories[0].since == std::chrono::seconds(1800));
  CHECK_FALSE(usage().directories[1].grown_bytes);
  CHECK_FALSE(usage().hangs_since);
}

TEST_CASE("collect: two at once do not happen") {
  Node node;
  const auto lock = system::lock_file(node.tree.files(), "/run/fettle/collect/lock", node.clock,
                                      std::chrono::milliseconds(0));
  REQUIRE(lock);
  CHECK(node.collect().error().why == Why::timed_out);
}

TEST_CASE("collect: the first reads of a generation are kept, those of another dropped") {
  Tree tree;
  std::vector<facts::DriveTrial> trials(1);
  trials[0].serial = "SN0001";
  trials[0].reads =
      system::ReadTimes{64, 128_KiB, std::chrono::microseconds(100), std::chrono::microseconds(200)};
  REQUIRE(compare_with_first(tree.files(), "", trials));
  CHECK_FALSE(tree.files().exists(names::read_baseline).value());
  REQUIRE(compare_with_first(tree.files(), "g1", trials));
  CHECK(tree.files().look(names::read_baseline)->mode == 0600);
  trials[0].reads->median = std::chrono::microseconds(900);
  REQUIRE(compare_with_first(tree.files(), "g1", trials));
  CHECK(trials[0].first->median == std::chrono::microseconds(100));
  REQUIRE(compare_with_first(tree.files(), "g2", trials));
  CHECK(trials[0].first->median == std::chrono::microseconds(900));
  tree.file(names::read_baseline, "nonsense");
  REQUIRE(compare_with_first(tree.files(), "g2", trials));
  CHECK(trials[0].first->median == std::chrono::microseconds(900));
}

TEST_CASE("child: a cache is written to and read back, and its generation told") {
  Node node;
  node.tree.file("/srv/fettle/.fettle-generation.json", R"({"id": "g7"})");
  const system::System system{node.tree.files(), node.runner, node.clock};
  const boost::json::value answer = try_cache(system, "/srv/fettle", 1_MiB);
  const auto done = facts::parse_write_back(json_field(answer, "done"));
  REQUIRE(done);
  CHECK(done->size == 1_MiB);
  CHECK(json_text(answer, "generation") == "g7");
  CHECK(node.tree.files().look("/srv/fettle/.fettle-trial")->size == 1_MiB);
  const boost::json::value none = try_cache(system, "/srv/none", 1_MiB);
  CHECK(facts::parse_write_back(json_field(none, "done")).error().why == Why::missing);
}

TEST_CASE("child: while an earlier one still holds its lock, nothing is touched") {
  Node node;
  node.tree.directory("/srv/fettle");
  const system::System system{node.tree.files(), node.runner, node.clock};
  const auto none = std::chrono::milliseconds(0);
  const auto cache = system::lock_file(node.tree.files(), "/run/fettle/collect/cache.lock", node.clock, none);
  const auto drive =
      system::lock_file(node.tree.files(), "/run/fettle/collect/drive-S__1.lock", node.clock, none);
  const auto usage = system::lock_file(node.tree.files(), "/run/fettle/collect/usage.lock", node.clock, none);
  REQUIRE(cache);
  REQUIRE(drive);
  REQUIRE(usage);
  CHECK(try_cache(system, "/srv/fettle", 1_MiB).contains(held_key));
  CHECK(try_drive(system, "/dev/nvme0n1", 1_GiB, "S/.1").contains(held_key));
  CHECK(try_usage(system, "/srv/fettle").contains(held_key));
  CHECK_FALSE(node.tree.files().exists("/srv/fettle/.fettle-trial").value());
}

TEST_CASE("child: a drive that offers no health log is still read") {
  Node node;
  node.with_drives();
  const system::System system{node.tree.files(), node.runner, node.clock};
  const boost::json::value answer = try_drive(system, "/dev/nvme0n1", node.wish.drives[0].size, "SN0001");
  CHECK_FALSE(facts::parse_smart(json_field(answer, "smart")));  // a file answers no ioctl of a drive
  const auto reads = facts::parse_reads(json_field(answer, "reads"));
  REQUIRE(reads);
  CHECK(reads->count == 64);
}

TEST_CASE("collect: the programs on the GPUs are looked at in a child, again when others are asked for") {
  Node node;
  node.wish = {};
  node.wish.variables = {"A", "B"};
  const std::string answer = R"({"programs": {"list": [{"pid": 7, "name": "python3", "engine": "vllm",
      "in_container": true, "processes": 8, "environment": {"variables": {"A": "1"}}}]}})";
  node.runner.expect("/proc/self/exe --root " + node.tree.root() + "/ collect --probe programs --names A,B",
                     system::Completed{0, answer, ""});
  const auto looked = node.collect();
  REQUIRE(looked);
  CHECK(looked->empty());  // nothing for the journal each five minutes
  CHECK(node.runner.ran[0].deadline == programs_deadline);
  const auto programs = [&] {
    return *facts::parse_gpu_programs(node.tree.read(facts::collected_file(facts::gpu_programs_kind)));
  };
  REQUIRE(programs().programs);
  CHECK(programs().programs->front().processes == 8);

  node.at(1060);  // not due
  REQUIRE(node.collect());
  node.wish.variables = {"A"};
  node.runner.expect("/proc/self/exe", fail(late()));
  REQUIRE(node.collect());
  CHECK(programs().programs.error().why == Why::timed_out);
  CHECK(*programs().hangs_since == std::chrono::seconds(1060));
  node.at(1120);  // at once again while it hangs
  node.runner.expect("/proc/self/exe", system::Completed{0, R"({"held": true})", ""});
  REQUIRE(node.collect());
  CHECK(*programs().hangs_since == std::chrono::seconds(1060));
}
