#include <doctest/doctest.h>

#include <filesystem>
#include <sstream>

#include "cli/commands.h"
#include "support/fakes.h"
#include "support/source.h"
#include "support/tree.h"
#include "support/unpack.h"

using namespace fettle;
using fettle::test::Tree;

namespace {

struct Answer {
  int code = 0;
  std::string out;
  std::string err;
};

Answer run(cli::Run command, const Tree& tree, const std::vector<std::string>& arguments) {
  test::FakeRunner runner;
  test::FakeClock clock;
  std::ostringstream out;
  std::ostringstream err;
  cli::Context context{{tree.files(), runner, clock}, cli::Format::text, out, err};
  if (command == &cli::run_collect) {
    runner.expect("/proc/self/exe --root " + tree.root() + "/ collect --probe programs --names ",
                  system::Completed{0, R"({"programs": {"list": []}})", ""});
  }
  const int code = command(context, arguments);
  return {code, out.str(), err.str()};
}

void prepare(Tree& tree) {
  tree.directory("/usr/share/fettle").directory("/tmp");
  std::filesystem::copy(test::source_dir() / "profiles", tree.root() + "/usr/share/fettle/profiles",
                        std::filesystem::copy_options::recursive);
  tree.file("/etc/fettle/fettle.yaml", "schema: 1\nkind: configuration\nprofile: auto\n");
  tree.file("/proc/uptime", "86400.00 1.00\n").file("/etc/hostname", "rack7-gpu3\n");
  tree.file("/etc/machine-id", "0123456789abcdef0123456789abcdef\n");
  tree.file("/proc/sys/kernel/random/boot_id", "3b0a5f0c-7a53-4d0e-9c1e-0d6f3a4b5c6d\n");
  tree.file("/dev/kmsg", "3,0,1,-;amdgpu 0000:27:00.0: amdgpu: GPU reset begin!\n");
}

}  // namespace

TEST_CASE("cli capture: a captured node gives the findings of the node, and none of its names") {
  struct Row {
    const char* node;
    const char* overlay;
  };
  for (const Row& row :
       {Row{"baremetal-spx", ""}, Row{"azure-nd-mi300x-v5-spx", ""}, Row{"baremetal-spx", "ras-inaccessible"},
        Row{"baremetal-spx", "rocm-core-sdk-7.14"}, Row{"baremetal-spx", "next-boot-without-driver"},
        Row{"azure-nd-mi300x-v5-spx", "host-degraded"}}) {
    CAPTURE(row.node);
    CAPTURE(row.overlay);
    Tree tree(row.node);
    if (*row.overlay != '\0') tree.overlay(row.overlay);
    prepare(tree);
    REQUIRE(run(&cli::run_collect, tree, {}).code == 0);
    const Answer captured = run(&cli::run_capture, tree, {"--output", "/tmp/node.tar.zst"});
    CHECK(captured.err.empty());
    REQUIRE(captured.code == 0);
    CHECK(captured.out.find("/tmp/node.tar.zst: ") == 0);
    Tree copy;
    test::unpack(tree, "/tmp/node.tar.zst", copy);
    const Answer before = run(&cli::run_check, tree, {});
    const Answer after = run(&cli::run_check, copy, {});
    CHECK(after.out == before.out);
    CHECK(after.code == before.code);
    CHECK(before.out.find("the driver reset the GPU") != std::string::npos);
    CHECK(copy.read("/etc/machine-id") != tree.read("/etc/machine-id"));
    CHECK(*tree.files().exists("/run/fettle/collect/gpu-programs.json"));
    CHECK_FALSE(*copy.files().exists("/run/fettle/collect/gpu-programs.json"));
    const std::string serial = "/sys/class/drm/card1/device/unique_id";
    if (*tree.files().exists(serial) && *copy.files().exists(serial))
      CHECK(copy.read(serial) != tree.read(serial));
  }
}

TEST_CASE(
    "cli capture: an archive that is there is not written over, and a bad configuration is captured too") {
  Tree tree("baremetal-spx");
  prepare(tree);
  tree.file("/tmp/old.tar", "mine").file("/etc/fettle/fettle.yaml", "kind: [\n");
  const Answer refused = run(&cli::run_capture, tree, {"--output", "/tmp/old.tar"});
  CHECK(refused.code == cli::failed);
  CHECK(refused.err.find("it is there already") != std::string::npos);
  CHECK(tree.read("/tmp/old.tar") == "mine");
  CHECK(run(&cli::run_capture, tree, {"--output", "/tmp/new.tar"}).code == 0);
  Tree copy;
  test::unpack(tree, "/tmp/new.tar", copy);
  CHECK(copy.read("/etc/fettle/fettle.yaml") == "kind: [\n");
  CHECK(copy.read("/capture.json").find("\"format\": 1") != std::string::npos);
  CHECK(run(&cli::run_capture, tree, {"--output", "/nowhere/x.tar"}).code != 0);
}

TEST_CASE("cli profile capture: the profile that it prints has no mistakes, and its own node passes by it") {
  Tree tree("azure-nd-mi300x-v5-spx");
  prepare(tree);
  tree.file("/dev/kmsg", "6,0,1,-;quiet\n").directory("/sys/block");
  REQUIRE(run(&cli::run_collect, tree, {}).code == 0);
  const Answer made = run(&cli::run_profile, tree, {"capture", "--name", "like-this"});
  CHECK(made.err.empty());
  REQUIRE(made.code == 0);
  tree.file("/etc/fettle/profiles/like-this.yaml", made.out);
  const Answer checked = run(&cli::run_profile, tree, {"check", "/etc/fettle/profiles/like-this.yaml"});
  CHECK(checked.code == 0);
  CHECK(checked.out == "1 file, no mistakes\n");
  tree.file("/etc/fettle/fettle.yaml", "schema: 1\nkind: configuration\nprofile: like-this\n");
  for (const char* const group :
       {"gpu", "host.cpus", "host.memory", "host.swap", "host.clock", "host.infiniband"}) {
    CAPTURE(group);
    const Answer answer = run(&cli::run_check, tree, {group});
    CAPTURE(answer.out);
    CHECK(answer.code == 0);
  }
  CHECK(run(&cli::run_profile, tree, {"capture", "--name", "like-this"}).code == cli::usage);
  CHECK(run(&cli::run_profile, tree, {"capture", "--name", "No/Name"}).code == cli::usage);
  tree.remove("/proc/meminfo");
  const Answer refused = run(&cli::run_profile, tree, {"capture"});
  CHECK(refused.code == cli::failed);
  CHECK(refused.out.empty());
  CHECK(refused.err.find("/proc/meminfo") != std::string::npos);
}
