#include "storage/cache.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include "base/json.h"
#include "base/names.h"
#include "storage/record.h"
#include "support/storage_machine.h"

using namespace fettle;
using namespace fettle::storage;
using fettle::test::StorageMachine;

namespace {

Prepared prepare(StorageMachine& machine) {
  return prepare_cache(machine.profile, facts::gather(machine.tree.files()), machine.system());
}

// A machine after its boot phase and the mount.
void mount_cache(StorageMachine& machine, const std::string& generation) {
  Record record;
  record.progress = Progress::done;
  record.generation = generation;
  record.machine_id = "0123456789abcdef0123456789abcdef";
  record.array_uuid = "aaaaaaaa-0000-4000-8000-000000000001";
  record.filesystem_uuid = "bbbbbbbb-0000-4000-8000-000000000002";
  record.drives = {{"SN0001", "w1", "1", 1_GiB}, {"SN0002", "w2", "1", 1_GiB}};
  REQUIRE(write_record(machine.tree.files(), record));
  machine.tree.file("/dev/md127").link("/run/fettle/cache", "/dev/md127");
  add_mount(machine.tree, "9:127", "/dev/md127", "/srv/fettle", "xfs");
}

profile::CacheDirectory directory(const std::string& name, mode_t mode, const std::string& owner = {},
                                  const std::string& group = {}) {
  profile::CacheDirectory directory;
  directory.name = name;
  directory.mode = mode;
  directory.owner = owner;
  directory.group = group;
  return directory;
}

const std::string generation = "cccccccc-0000-4000-8000-000000000003";

}  // namespace

TEST_CASE("cache: in directory mode the directories and a generation are made once") {
  StorageMachine machine(0);
  machine.profile.cache->drives.reset();
  machine.profile.caches = {directory("hf", 02775), directory("vllm", 0750)};
  machine.tree.remove("/srv");
  const Prepared first = prepare(machine);
  REQUIRE_FALSE(first.error);
  CHECK(first.generation.size() == 36);
  CHECK(machine.tree.files().look("/srv/fettle/hf")->mode == 02775);
  CHECK(machine.tree.files().look("/srv/fettle/vllm")->mode == 0750);
  const auto marker = parse_json(machine.tree.read("/srv/fettle/.fettle-generation.json"), "it");
  REQUIRE(marker);
  CHECK(json_text(*marker, "id") == first.generation);
  CHECK(json_text(*marker, "created") == "2025-11-24T16:00:00Z");
  machine.tree.file("/srv/fettle/hf/mine", "kept");

  const Prepared second = prepare(machine);
  REQUIRE_FALSE(second.error);
  CHECK(second.generation == first.generation);
  for (const Applied& step : second.steps) CHECK_MESSAGE(step.outcome == Outcome::already_so, step.says);
  CHECK(machine.tree.read("/srv/fettle/hf/mine") == "kept");
}

TEST_CASE("cache: a mode that somebody changed is mended, what lies below is not touched") {
  StorageMachine machine(0);
  machine.profile.cache->drives.reset();
  machine.profile.caches = {directory("hf", 0755)};
  machine.tree.file("/srv/fettle/hf/below/file", "x");
  ::chmod((machine.tree.root() + "/srv/fettle/hf").c_str(), 0777);
  ::chmod((machine.tree.root() + "/srv/fettle/hf/below").c_str(), 0777);
  REQUIRE_FALSE(prepare(machine).error);
  CHECK(machine.tree.files().look("/srv/fettle/hf")->mode == 0755);
  CHECK(machine.tree.files().look("/srv/fettle/hf/below")->mode == 0777);
}

TEST_CASE("cache: the directory of others keeps its mode") {
  StorageMachine machine(0);
  machine.profile.cache->drives.reset();
  ::chmod((machine.tree.root() + "/srv/fettle").c_str(), 0711);
  REQUIRE_FALSE(prepare(machine).error);
  CHECK(machine.tree.files().look("/srv/fettle")->mode == 0711);
}

TEST_CASE("cache: names that lead elsewhere, links and files in the place are refused, the others are made") {
  StorageMachine machine(0);
  machine.profile.cache->drives.reset();
  machine.tree.directory("/elsewhere").link("/srv/fettle/link", "/elsewhere").file("/srv/fettle/file", "");
  for (const char* const name : {"../out", "a/b", "", ".", "..", ".hidden", "/abs", "link", "file"}) {
    CAPTURE(name);
    machine.profile.caches = {directory(name, 0777), directory("good", 0755)};
    const Prepared prepared = prepare(machine);
    REQUIRE(prepared.error);
    CHECK_FALSE(prepared.error->hint.empty());
    CHECK(machine.tree.files().look("/srv/fettle/good")->mode == 0755);
  }
  CHECK(machine.tree.files().look("/elsewhere")->mode != 0777);
  CHECK_FALSE(*machine.tree.files().exists("/srv/out"));
}

TEST_CASE("cache: owner and group are looked up by name, an unknown one is an error with advice") {
  StorageMachine machine(0);
  machine.tree
      .file(
          "/etc/passwd",
          "root:x:0:0:root:/root:/bin/bash\nfettle-stage:x:990:991::/:/bin/false\nbad:x:no:1::/:\nshort:x\n")
      .file("/etc/group", "root:x:0:\nfettle-stage:x:991:\nsudo:x:27:ubuntu\n");
  const auto& files = machine.tree.files();
  const auto both = owner_of(directory("hf", 0, "fettle-stage", "sudo"), files);
  REQUIRE(both);
  CHECK(both->uid == 990U);
  CHECK(both->gid == 27U);
  CHECK(owner_of(directory("hf", 0, "fettle-stage"), files)->gid == 991U);
  CHECK(owner_of(directory("hf", 0), files)->uid == 0U);
  CHECK(owner_of(directory("hf", 0, "", "sudo"), files)->uid == 0U);
  CHECK(owner_of(directory("hf", 0, "fettle-stage", "root"), files)->gid == 0U);
  const auto nobody = owner_of(directory("hf", 0, "nosuch"), files);
  REQUIRE_FALSE(nobody);
  CHECK(nobody.error().why == Why::missing);
  CHECK(nobody.error().said == "cannot find the user 'nosuch' in '/etc/passwd'");
  CHECK_FALSE(nobody.error().hint.empty());
  CHECK(owner_of(directory("hf", 0, "", "nosuch"), files).error().why == Why::missing);
  CHECK(owner_of(directory("hf", 0, "bad"), files).error().why == Why::malformed);
  CHECK_FALSE(owner_of(directory("hf", 0, "short"), files));
}

TEST_CASE("cache: on a captured machine the directory is made and its owner left") {
  StorageMachine machine(0);
  machine.profile.cache->drives.reset();
  machine.profile.caches = {directory("hf", 0755, "nosuch")};
  const Prepared prepared = prepare(machine);
  CHECK_FALSE(prepared.error);
  CHECK(prepared.warnings.empty());
  CHECK(machine.tree.files().look("/srv/fettle/hf")->uid == ::geteuid());
}

TEST_CASE("cache: with the mount in place the marker gets the recorded generation and the serials") {
  StorageMachine machine(2);
  mount_cache(machine, generation);
  machine.profile.caches = {directory("hf", 0755)};
  const Prepared prepared = prepare(machine);
  REQUIRE_MESSAGE(!prepared.error, prepared.error->said);
  CHECK(prepared.generation == generation);
  const auto marker = parse_json(machine.tree.read("/srv/fettle/.fettle-generation.json"), "it");
  CHECK(json_text(*marker, "id") == generation);
  CHECK(marker->at("drives").as_array().size() == 2);
  for (const Applied& step : prepare(machine).steps) CHECK(step.outcome == Outcome::already_so);
}

TEST_CASE("cache: without the right mount nothing is written on the root disk") {
  const auto check = [](StorageMachine& machine, const std::string& word) {
    machine.profile.caches = {directory("hf", 0755)};
    const Prepared prepared = prepare(machine);
    REQUIRE(prepared.error);
    CHECK_MESSAGE(prepared.error->said.find(word) != std::string::npos, prepared.error->said);
    CHECK_FALSE(prepared.error->hint.empty());
    CHECK(prepared.steps.size() == 1);
    CHECK(machine.tree.files().list("/srv/fettle")->empty());
  };
  StorageMachine no_link(2);
  add_mount(no_link.tree, "9:127", "/dev/md127", "/srv/fettle", "xfs");
  check(no_link, "no link");
  StorageMachine no_mount(2);
  no_mount.tree.file("/dev/md127").link("/run/fettle/cache", "/dev/md127");
  check(no_mount, "nothing is mounted");
  StorageMachine other(2);
  mount_cache(other, generation);
  add_mount(other.tree, "8:17", "/dev/sdb1", "/srv/fettle");  // over it
  check(other, "'/dev/sdb1' is mounted there");
  StorageMachine gone(2);
  gone.tree.link("/run/fettle/cache", "/dev/md127");
  add_mount(gone.tree, "9:127", "/dev/md127", "/srv/fettle", "xfs");
  check(gone, "/run/fettle/cache");
  StorageMachine unreadable(2);
  mount_cache(unreadable, generation);
  unreadable.tree.remove("/proc/self/mountinfo");
  check(unreadable, "mountinfo");
}

TEST_CASE("cache: a marker of another generation, a broken one and a missing record stop it") {
  StorageMachine other(2);
  mount_cache(other, generation);
  other.tree.file("/srv/fettle/.fettle-generation.json",
                  "{\"id\": \"dddddddd-0000-4000-8000-000000000003\"}");
  const Prepared prepared = prepare(other);
  REQUIRE(prepared.error);
  CHECK(prepared.error->why == Why::refused);
  CHECK(prepared.error->said.find("dddddddd") != std::string::npos);
  for (const char* const text : {"", "{", "{}", "[1]", "{\"id\": 7}"}) {
    CAPTURE(text);
    StorageMachine broken(2);
    mount_cache(broken, generation);
    broken.tree.file("/srv/fettle/.fettle-generation.json", text);
    REQUIRE(prepare(broken).error);
    CHECK(broken.tree.read("/srv/fettle/.fettle-generation.json") == text);
  }
  StorageMachine no_record(2);
  mount_cache(no_record, generation);
  no_record.tree.remove(names::storage_record);
  CHECK(prepare(no_record).error);
}

TEST_CASE("cache: an adopted cache keeps the generation of its marker, or gets one") {
  StorageMachine marked(2);
  mount_cache(marked, "");
  marked.tree.file("/srv/fettle/.fettle-generation.json",
                   "{\"id\": \"dddddddd-0000-4000-8000-000000000003\"}");
  CHECK(prepare(marked).generation == "dddddddd-0000-4000-8000-000000000003");
  CHECK(read_record(marked.tree.files())->generation == "dddddddd-0000-4000-8000-000000000003");
  StorageMachine bare(2);
  mount_cache(bare, "");
  const Prepared prepared = prepare(bare);
  CHECK(prepared.generation.size() == 36);
  CHECK(read_record(bare.tree.files())->generation == prepared.generation);
}

TEST_CASE("cache: a profile without cache has nothing to prepare") {
  StorageMachine machine(0);
  machine.profile.cache.reset();
  CHECK(prepare(machine).steps.empty());
}
