#include "system/block.h"

#include <doctest/doctest.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fcntl.h>

#include <array>

#include "support/fakes.h"
#include "support/storage_machine.h"
#include "support/tree.h"
#include "system/lock.h"
#include "system/random.h"

using namespace fettle;
using namespace fettle::system;
using fettle::test::FakeClock;
using fettle::test::Tree;

namespace {

const std::string uuid = "11111111-2222-4333-8444-555555555555";

// A loop device of this machine over a file of ours; without root or without losetup there is none.
class Loop {
 public:
  explicit Loop(std::uint64_t bytes) {
    tree_.sparse("/image", bytes);
    if (::geteuid() != 0 || ::access("/usr/sbin/losetup", X_OK) != 0) return;
    const auto done = runner_->run(
        {{"/usr/sbin/losetup", "--find", "--show", tree_.root() + "/image"}, {}, std::chrono::seconds(10)});
    if (done && done->exit_code == 0) device_ = trim(done->out);
  }
  ~Loop() {
    if (!device_.empty())
      (void)runner_->run({{"/usr/sbin/losetup", "--detach", device_}, {}, std::chrono::seconds(10)});
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  const std::string& device() const { return device_; }
  Tree& tree() { return tree_; }
  Runner& runner() { return *runner_; }

 private:
  Tree tree_;
  std::unique_ptr<Runner> runner_ = make_runner();
  std::string device_;
};

}  // namespace

TEST_CASE("block: nothing, XFS, a RAID member and partition tables are told apart") {
  Tree tree;
  tree.sparse("/dev/blank", 64 << 20U).sparse("/dev/xfs", 64 << 20U).sparse("/dev/member", 64 << 20U);
  tree.patch("/dev/xfs", 0, test::xfs_superblock(uuid, "fettle"));
  tree.patch("/dev/member", 4096, test::md_superblock(uuid, "any:fettle", 8, 2, 64 << 20U));
  const auto blank = probe(tree.files(), "/dev/blank");
  REQUIRE(blank);
  CHECK(blank->type.empty());
  const auto xfs = probe(tree.files(), "/dev/xfs");
  REQUIRE(xfs);
  CHECK(xfs->type == "xfs");
  CHECK(xfs->uuid == uuid);
  CHECK(xfs->label == "fettle");
  const auto member = probe(tree.files(), "/dev/member");
  REQUIRE(member);
  CHECK(member->type == "linux_raid_member");
  CHECK(member->uuid == uuid);
  CHECK(member->label == "any:fettle");
}

TEST_CASE("block: a GPT of which only the backup is left is still a GPT") {
  Tree tree;
  tree.sparse("/dev/drive", 64 << 20U);
  auto runner = make_runner();
  if (::access("/usr/sbin/sfdisk", X_OK) != 0) {
    MESSAGE("skipped: no sfdisk here");
    return;
  }
  // sfdisk reads its script from standard input, which is closed here: an empty GPT is all it is asked for.
  const auto made = runner->run(
      {{"/bin/sh", "-c", "echo 'label: gpt' | /usr/sbin/sfdisk --quiet '" + tree.root() + "/dev/drive'"},
       {},
       std::chrono::seconds(20)});
  REQUIRE(made);
  REQUIRE_MESSAGE(made->exit_code == 0, made->err);
  CHECK(probe(tree.files(), "/dev/drive")->type == "gpt");
  tree.patch("/dev/drive", 0, std::string(34 * 512, '\0'));
  const auto backup_only = probe(tree.files(), "/dev/drive");
  REQUIRE(backup_only);
  CHECK(backup_only->type == "gpt");
  CHECK_FALSE(*is_blank(tree.files(), "/dev/drive", 64_MiB));
}

TEST_CASE("block: two signatures are an error, not a choice (F09)") {
  Tree tree;
  std::string swap(4096, '\0');
  swap.replace(1024, 8, std::string("\1\0\0\0\377\377\0\0", 8)).replace(4086, 10, "SWAPSPACE2");
  tree.sparse("/dev/drive", 64 << 20U).patch("/dev/drive", 0, swap);
  tree.patch("/dev/drive", 0, test::xfs_superblock(uuid, "one"));
  const auto found = probe(tree.files(), "/dev/drive");
  REQUIRE_FALSE(found);
  CHECK(found.error().why == Why::malformed);
  CHECK(found.error().said.find("more than one signature") != std::string::npos);
}

TEST_CASE("block: missing, a directory and empty are errors, not blank (F08)") {
  Tree tree;
  tree.directory("/dev/dir").file("/dev/empty");
  CHECK(probe(tree.files(), "/dev/none").error().why == Why::missing);
  CHECK_FALSE(probe(tree.files(), "/dev/dir"));
  CHECK_FALSE(is_blank(tree.files(), "/dev/none", 1_MiB));
  CHECK_FALSE(is_blank(tree.files(), "/dev/dir", 1_MiB));
  CHECK_FALSE(is_blank(tree.files(), "/dev/empty", 1_MiB));
  CHECK_FALSE(is_blank(tree.files(), "/dev/empty", {0}));
}

TEST_CASE("block: one byte anywhere in the windows and samples is seen") {
  constexpr std::uint64_t size = 512 << 20U;
  for (const std::uint64_t at :
       {std::uint64_t{0}, std::uint64_t{4095}, std::uint64_t{1} << 20U, (std::uint64_t{16} << 20U) - 1,
        size - (16 << 20U), size - 1, std::uint64_t{64} << 20U, std::uint64_t{129} << 20U}) {
    CAPTURE(at);
    Tree tree;
    tree.sparse("/dev/drive", size);
    CHECK(*is_blank(tree.files(), "/dev/drive", {size}));
    tree.patch("/dev/drive", at, "\x01");
    CHECK_FALSE(*is_blank(tree.files(), "/dev/drive", {size}));
  }
}

TEST_CASE("block: small and odd sizes are read to their last byte") {
  for (const std::uint64_t size :
       {std::uint64_t{512}, std::uint64_t{4096}, std::uint64_t{1} << 20U, (std::uint64_t{16} << 20U) + 512,
        (std::uint64_t{20} << 20U) + 1536, (std::uint64_t{32} << 20U), (std::uint64_t{33} << 20U)}) {
    CAPTURE(size);
    Tree tree;
    tree.sparse("/dev/drive", size);
    CHECK(*is_blank(tree.files(), "/dev/drive", {size}));
    tree.patch("/dev/drive", size - 1, "x");
    CHECK_FALSE(*is_blank(tree.files(), "/dev/drive", {size}));
    CHECK_FALSE(is_blank(tree.files(), "/dev/drive", {size + 512}));
    CHECK_FALSE(is_blank(tree.files(), "/dev/drive", {size / 2}));
  }
}

TEST_CASE("block: an XFS whose making was cut off is told from a whole one") {
  Tree tree;
  tree.sparse("/dev/a", 1 << 20U)
      .patch("/dev/a", 0, test::xfs_superblock(uuid, "fettle", test::Made::unfinished));
  tree.sparse("/dev/b", 1 << 20U).patch("/dev/b", 0, test::xfs_superblock(uuid, "fettle"));
  tree.sparse("/dev/c", 1 << 20U);
  CHECK(*is_unfinished_xfs(tree.files(), "/dev/a"));
  CHECK_FALSE(*is_unfinished_xfs(tree.files(), "/dev/b"));
  CHECK_FALSE(*is_unfinished_xfs(tree.files(), "/dev/c"));
  CHECK_FALSE(is_unfinished_xfs(tree.files(), "/dev/none"));
}

TEST_CASE("block: what the real mkfs.xfs makes is recognised, with the UUID it was told") {
  if (::access("/usr/sbin/mkfs.xfs", X_OK) != 0) {
    MESSAGE("skipped: no mkfs.xfs here");
    return;
  }
  Tree tree;
  tree.sparse("/dev/drive", 512 << 20U);
  const auto made = make_runner()->run({{"/usr/sbin/mkfs.xfs", "-K", "-L", "fettle", "-l", "su=32k", "-m",
                                         "uuid=" + uuid, tree.root() + "/dev/drive"},
                                        {},
                                        std::chrono::seconds(60)});
  REQUIRE(made);
  REQUIRE_MESSAGE(made->exit_code == 0, made->err);
  const auto found = probe(tree.files(), "/dev/drive");
  REQUIRE(found);
  CHECK(found->type == "xfs");
  CHECK(found->uuid == uuid);
  CHECK(found->label == "fettle");
  CHECK_FALSE(*is_unfinished_xfs(tree.files(), "/dev/drive"));
  CHECK_FALSE(*is_blank(tree.files(), "/dev/drive", 512_MiB));
  // It never goes over a filesystem by itself: that is what we rely on.
  const auto again = make_runner()->run(
      {{"/usr/sbin/mkfs.xfs", "-K", tree.root() + "/dev/drive"}, {}, std::chrono::seconds(60)});
  REQUIRE(again);
  CHECK(again->exit_code != 0);
}

TEST_CASE("block: the locks are exclusive, waited for with a bound, and gone with their owner (F28, F50)") {
  Tree tree;
  tree.sparse("/dev/a", 4096).sparse("/dev/b", 4096);
  FakeClock clock;
  {
    const auto mine = DriveLocks::take(tree.files(), {"/dev/b", "/dev/a"}, clock, std::chrono::seconds(1));
    REQUIRE(mine);
    const auto theirs = DriveLocks::take(tree.files(), {"/dev/a"}, clock, std::chrono::seconds(3));
    REQUIRE_FALSE(theirs);
    CHECK(theirs.error().why == Why::timed_out);
    CHECK(theirs.error().said.find("/dev/a") != std::string::npos);
    CHECK(clock.steady().time_since_epoch() >= std::chrono::seconds(3));
    CHECK(clock.steady().time_since_epoch() < std::chrono::seconds(4));
  }
  CHECK(DriveLocks::take(tree.files(), {"/dev/a", "/dev/b"}, clock, std::chrono::seconds(0)));
  CHECK_FALSE(DriveLocks::take(tree.files(), {"/dev/none"}, clock, std::chrono::seconds(0)));
}

TEST_CASE("block: a lock file is made with its directory, for root's eyes") {
  Tree tree;
  FakeClock clock;
  const auto mine = lock_file(tree.files(), "/run/fettle/provision/lock", clock, std::chrono::seconds(0));
  REQUIRE(mine);
  CHECK(tree.files().look("/run/fettle/provision/lock")->mode == 0600);
  CHECK(lock_file(tree.files(), "/run/fettle/provision/lock", clock, std::chrono::seconds(2)).error().why ==
        Why::timed_out);
}

TEST_CASE("block: free is told from open elsewhere and from below a loop device (F13, F14)") {
  Tree tree;
  tree.sparse("/dev/drive", 4096)
      .directory("/proc/12/fd")
      .directory("/sys/block/loop0")
      .directory("/sys/block/sda");
  CHECK(is_free(tree.files(), "/dev/drive"));
  tree.file("/sys/block/loop0/loop/backing_file", "/dev/drive\n");
  CHECK(is_free(tree.files(), "/dev/drive").error().why == Why::refused);
  tree.file("/sys/block/loop0/loop/backing_file", "/dev/drive2\n");
  CHECK(is_free(tree.files(), "/dev/drive"));
  tree.link("/proc/12/fd/5", "/dev/drive");
  CHECK(is_free(tree.files(), "/dev/drive").error().said.find("process 12") != std::string::npos);
  tree.remove("/proc");
  CHECK(is_free(tree.files(), "/dev/drive").error().why == Why::missing);
}

TEST_CASE(
    "block: a program that only looks at a drive is waited for, one that stays is not waited for long") {
  Tree tree;
  tree.file("/dev/drive")
      .directory("/proc/12/fd")
      .directory("/sys/block")
      .link("/proc/12/fd/5", "/dev/drive");
  struct Leaving final : system::Clock {
    explicit Leaving(Tree& tree) : tree_(tree) {}
    std::chrono::system_clock::time_point now() const override { return {}; }
    std::chrono::steady_clock::time_point steady() const override {
      return std::chrono::steady_clock::time_point(passed_);
    }
    void sleep_for(std::chrono::milliseconds time) override {
      passed_ += time;
      if (passed_ >= std::chrono::seconds(3)) tree_.remove("/proc/12/fd/5");
    }
    Tree& tree_;
    std::chrono::milliseconds passed_{0};
  };
  Leaving clock(tree);
  const auto stays = wait_until_free(tree.files(), "/dev/drive", clock, std::chrono::seconds(2));
  CHECK(stays.error().why == Why::timed_out);
  CHECK(stays.error().said.find("process 12") != std::string::npos);
  CHECK(wait_until_free(tree.files(), "/dev/drive", clock, std::chrono::seconds(2)));
  CHECK(clock.passed_ == std::chrono::seconds(3));
  // What is no process is not waited for.
  tree.directory("/sys/block/loop0").file("/sys/block/loop0/loop/backing_file", "/dev/drive\n");
  CHECK(wait_until_free(tree.files(), "/dev/drive", clock, std::chrono::seconds(2)).error().why ==
        Why::refused);
  CHECK(clock.passed_ == std::chrono::seconds(3));
}

TEST_CASE("block: on a real device blankness, locks and freedom are as on a file (F10, F13, F14)") {
  Loop loop(64 << 20U);
  if (loop.device().empty()) {
    MESSAGE("skipped: loop devices need root and losetup");
    return;
  }
  const auto files = Files::open("/");
  REQUIRE(files);
  RealClock clock;
  CHECK(probe(*files, loop.device())->type.empty());
  CHECK(*is_blank(*files, loop.device(), 64_MiB));
  CHECK_FALSE(is_blank(*files, loop.device(), 32_MiB));
  const auto free = is_free(*files, loop.device());
  CHECK_MESSAGE(free, (free ? std::string() : free.error().said));

  const auto locks = DriveLocks::take(*files, {loop.device()}, clock, std::chrono::seconds(5));
  REQUIRE(locks);
  CHECK_FALSE(DriveLocks::take(*files, {loop.device()}, clock, std::chrono::milliseconds(100)));
  CHECK(is_free(*files, loop.device()));  // our own descriptor does not count

  // Another process has it open.
  std::array<int, 2> ready{};
  REQUIRE(::pipe(ready.data()) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const int fd = ::open(loop.device().c_str(), O_RDONLY | O_CLOEXEC);
    (void)!::write(ready[1], fd >= 0 ? "y" : "n", 1);
    ::pause();
    ::_exit(0);
  }
  char answer = 'n';
  REQUIRE(::read(ready[0], &answer, 1) == 1);
  const auto busy = is_free(*files, loop.device());
  REQUIRE_FALSE(busy);
  CHECK(busy.error().said.find("process " + std::to_string(child) + " (test_system) has it open") !=
        std::string::npos);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(ready[0]);
  ::close(ready[1]);

  // A loop device on top of it.
  const auto on_top = loop.runner().run(
      {{"/usr/sbin/losetup", "--find", "--show", loop.device()}, {}, std::chrono::seconds(10)});
  if (on_top && on_top->exit_code == 0) {
    const std::string upper(trim(on_top->out));
    const auto below = is_free(*files, loop.device());
    (void)loop.runner().run({{"/usr/sbin/losetup", "--detach", upper}, {}, std::chrono::seconds(10)});
    REQUIRE_FALSE(below);
    CHECK(below.error().said.find(upper.substr(5)) != std::string::npos);
  }

  // Claimed by somebody, as a mount claims it.
  {
    const Fd claim(::open(loop.device().c_str(), O_RDONLY | O_EXCL | O_CLOEXEC));
    REQUIRE(claim);
    const auto claimed = is_free(*files, loop.device());
    REQUIRE_FALSE(claimed);
    CHECK(claimed.error().why == Why::refused);
  }
  CHECK(is_free(*files, loop.device()));

  loop.tree().patch("/image", (64U << 20U) - 1, "x");
  CHECK_FALSE(*is_blank(*files, loop.device(), 64_MiB));
}

namespace {

// A child that mounts the device for itself alone and holds the mount until it is told to end.
class MountedElsewhere {
 public:
  MountedElsewhere(const std::string& device, const std::string& where) {
    std::array<int, 2> told{};
    std::array<int, 2> end{};
    REQUIRE(::pipe2(told.data(), O_CLOEXEC) == 0);
    REQUIRE(::pipe2(end.data(), O_CLOEXEC) == 0);
    child_ = ::fork();
    REQUIRE(child_ >= 0);
    if (child_ == 0) {
      ::close(end[1]);
      const bool is_mounted = ::unshare(CLONE_NEWNS) == 0 &&
                              ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                              ::mount(device.c_str(), where.c_str(), "xfs", MS_NODEV, nullptr) == 0;
      char answer = is_mounted ? 'y' : 'n';
      if (::write(told[1], &answer, 1) == 1) (void)!::read(end[0], &answer, 1);
      ::_exit(0);
    }
    ::close(told[1]);
    ::close(end[0]);
    end_ = Fd(end[1]);
    const Fd answers(told[0]);
    char answer = 'n';
    is_mounted_ = ::read(answers.get(), &answer, 1) == 1 && answer == 'y';
  }
  ~MountedElsewhere() {
    end_ = Fd();
    ::waitpid(child_, nullptr, 0);
  }
  MountedElsewhere(const MountedElsewhere&) = delete;
  MountedElsewhere& operator=(const MountedElsewhere&) = delete;

  bool is_mounted() const { return is_mounted_; }

 private:
  pid_t child_ = -1;
  Fd end_;
  bool is_mounted_ = false;
};

}  // namespace

TEST_CASE("block: a drive that is mounted in another mount namespace only is not free (F11)") {
  Loop loop(512 << 20U);
  if (loop.device().empty() || ::access("/usr/sbin/mkfs.xfs", X_OK) != 0) {
    MESSAGE("skipped: loop devices need root and losetup, and there must be mkfs.xfs");
    return;
  }
  const auto made =
      loop.runner().run({{"/usr/sbin/mkfs.xfs", "-K", "-q", loop.device()}, {}, std::chrono::seconds(60)});
  REQUIRE(made);
  REQUIRE_MESSAGE(made->exit_code == 0, made->err);
  const auto files = Files::open("/");
  REQUIRE(files);
  CHECK(is_free(*files, loop.device()));
  loop.tree().directory("/mnt");
  {
    const MountedElsewhere elsewhere(loop.device(), loop.tree().root() + "/mnt");
    if (!elsewhere.is_mounted()) {
      MESSAGE("skipped: nothing can be mounted here");
      return;
    }
    // Nothing in our own namespace tells of it.
    CHECK(files->read("/proc/self/mountinfo")->find(loop.device()) == std::string::npos);
    const auto free = is_free(*files, loop.device());
    REQUIRE_FALSE(free);
    CHECK(free.error().why == Why::refused);
    CHECK(free.error().hint.find("container") != std::string::npos);
  }
}

TEST_CASE("block: random names are UUIDs of version 4 and differ") {
  const auto one = random_uuid();
  REQUIRE(one);
  CHECK(one->size() == 36);
  CHECK((*one)[14] == '4');
  CHECK(std::string("89ab").find((*one)[19]) != std::string::npos);
  CHECK(*one != *random_uuid());
}
