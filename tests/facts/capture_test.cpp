#include "facts/capture.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "base/json.h"
#include "facts/facts.h"
#include "support/fakes.h"
#include "support/tree.h"
#include "support/unpack.h"

using namespace fettle;
using namespace fettle::facts;
using fettle::test::FakeClock;
using fettle::test::Tree;

namespace {

const std::string output = "/tmp/node.tar.zst";

Captured capture_of(Tree& tree, std::function<void()> look, const CaptureLimits& limits = {}) {
  tree.directory("/tmp");
  const FakeClock clock;
  const auto captured = capture(tree.files(), clock, {output, std::move(look), limits});
  REQUIRE(captured);
  return *captured;
}

bool was_left_out(const std::vector<LeftOut>& all, std::string_view path) {
  return std::any_of(all.begin(), all.end(), [&](const LeftOut& one) { return one.path == path; });
}

}  // namespace

TEST_CASE("capture: only what was looked at is in it, and directories and links are as they were listed") {
  Tree tree;
  tree.file("/sys/a/value", "7\n")
      .file("/sys/a/other", "8\n")
      .file("/sys/b/x", "9\n")
      .directory("/sys/b/empty");
  tree.file("/opt/rocm-7.0.2/.info/version", "7.0.2-56\n").link("/opt/rocm", "/opt/rocm-7.0.2");
  tree.file("/etc/real", "text\n").link("/etc/alias", "real");
  const auto captured = capture_of(tree, [&] {
    (void)tree.files().read("/sys/a/value");
    (void)tree.files().list("/sys/b");
    (void)tree.files().read_link("/opt/rocm");
    (void)tree.files().read("/opt/rocm/.info/version");
    (void)tree.files().read("/etc/alias");
    (void)tree.files().read("/etc/none");
  });
  CHECK(captured.unreadable.empty());
  auto reader = fettle::archive::Reader::open(tree.files(), output);
  REQUIRE(reader);
  std::map<std::string, std::string> found;
  for (auto entry = reader->next(); entry && *entry; entry = reader->next()) {
    found[(*entry)->path] = (*entry)->kind == fettle::archive::EntryKind::file
                                ? reader->text(1_MiB).value_or("")
                                : "(" + (*entry)->target + ")";
  }
  found.erase("capture.json");
  CHECK(found == std::map<std::string, std::string>{{"etc/alias", "text\n"},
                                                    {"opt/rocm", "(rocm-7.0.2)"},
                                                    {"opt/rocm-7.0.2/.info/version", "7.0.2-56\n"},
                                                    {"sys/a/value", "7\n"},
                                                    {"sys/b/empty", "()"},
                                                    {"sys/b/x", ""}});
}

TEST_CASE("capture: what could not be read cannot be read in the copy either, and is told") {
  Tree tree;
  tree.directory("/sys/a/ras").file("/sys/b", "no directory").file("/sys/large", std::string(3000, 'x'));
  const auto captured = capture_of(tree,
                                   [&] {
                                     (void)tree.files().read("/sys/a/ras");
                                     (void)tree.files().list("/sys/b");
                                     (void)tree.files().read("/sys/large");
                                   },
                                   {100, 1_KiB, 64_MiB});
  CHECK(was_left_out(captured.unreadable, "/sys/a/ras"));
  CHECK(was_left_out(captured.unreadable, "/sys/b"));
  CHECK(was_left_out(captured.unreadable, "/sys/large"));
  Tree copy;
  test::unpack(tree, output, copy);
  CHECK_FALSE(copy.files().read("/sys/a/ras"));
  CHECK_FALSE(copy.files().list("/sys/b"));
  CHECK_FALSE(copy.files().read("/sys/large"));
  CHECK(*copy.files().exists("/sys/large"));
  const auto page = parse_json(copy.read("/capture.json"), "page");
  REQUIRE(page);
  CHECK(json_field(*page, "unreadable")->get_array().size() == 3);
}

TEST_CASE(
    "capture: files of users, secrets, other processes and the kernel log are left out, with the reason") {
  Tree tree;
  tree.file("/home/alice/notes", "private").file("/etc/fettle/credentials/hf-token", "hf_abcdefghijklmnop");
  tree.file("/proc/4711/environ", "X=1").file("/dev/kmsg", "6,0,1,-;x\n").file("/srv/fettle/hf/x", "w");
  tree.file("/etc/group", "root:x:0:\nrender:x:993:alice,bob\nvideo:x:44:alice\n");
  const auto captured = capture_of(tree, [&] {
    for (const char* const path : {"/home/alice/notes", "/etc/fettle/credentials/hf-token",
                                   "/proc/4711/environ", "/dev/kmsg", "/srv/fettle/hf/x", "/etc/group"}) {
      (void)tree.files().read(path);
    }
  });
  CHECK(captured.left_out.size() == 5);
  CHECK(captured.files == 1);
  Tree copy;
  test::unpack(tree, output, copy);
  CHECK(copy.read("/etc/group") == "root:x:0:\nrender:x:993:user-1,user-2\nvideo:x:44:user-1\n");
  CHECK_FALSE(*copy.files().exists("/home"));
  CHECK(copy.read("/capture.json").find("alice") == std::string::npos);
}

TEST_CASE("capture: of the packages only those that are judged are in it, of a module only its signature") {
  Tree tree;
  const std::string mark = "~Module signature appended~\n";
  tree.file("/var/lib/dpkg/status",
            "Package: secret-tool\nVersion: 1\n\nPackage: amdgpu-dkms\nVersion: 2\n\n");
  tree.file("/lib/modules/6.14/amdgpu.ko", std::string(100000, 'k') + mark);
  capture_of(tree, [&] {
    (void)tree.files().open_at("/var/lib/dpkg/status", 0);
    (void)tree.files().open_at("/lib/modules/6.14/amdgpu.ko", 0);
  });
  Tree copy;
  test::unpack(tree, output, copy);
  CHECK(copy.read("/var/lib/dpkg/status") == "Package: amdgpu-dkms\nVersion: 2\n\n");
  CHECK(copy.read("/lib/modules/6.14/amdgpu.ko") == mark);
}

TEST_CASE("capture: it stays below its limits and says where it stopped") {
  Tree tree;
  for (int number = 0; number < 20; ++number)
    tree.file("/sys/many/" + std::to_string(number), std::string(500, 'x'));
  const auto look = [&] {
    for (int number = 0; number < 20; ++number)
      (void)tree.files().read("/sys/many/" + std::to_string(number));
  };
  auto captured = capture_of(tree, look, {5, 1_MiB, 1_MiB});
  CHECK(captured.files == 5);
  CHECK(captured.left_out.size() == 1);
  captured = capture_of(tree, look, {100, 1_MiB, 2_KiB});
  CHECK(captured.files == 4);
  CHECK(captured.left_out.size() == 16);
}
