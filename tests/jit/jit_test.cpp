// Compiled code in and out of the cache, on a captured node.
#include <doctest/doctest.h>

#include <fcntl.h>

#include <algorithm>
#include <filesystem>

#include "archive/reader.h"
#include "archive/writer.h"
#include "jit/look.h"
#include "jit/pack.h"
#include "jit/prune.h"
#include "jit/seed.h"
#include "profile/compiled.h"
#include "profile/load.h"
#include "support/fakes.h"
#include "support/source.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::jit;
using fettle::test::Tree;

namespace {

const std::string digest = "sha256:" + std::string(64, 'a');
const std::string other_digest = "sha256:" + std::string(64, 'b');
const std::string key = std::string(16, 'a') + "-gfx942";
const std::string place = "/srv/fettle/aiter/" + key;

struct Machine {
  Tree tree{"baremetal-spx"};
  test::FakeRunner runner;
  test::FakeClock clock;
  profile::Profile profile;

  Machine() {
    tree.directory("/usr/share/fettle");
    std::filesystem::copy(test::source_dir() / "profiles", tree.root() + "/usr/share/fettle/profiles",
                          std::filesystem::copy_options::recursive);
    tree.file("/etc/fettle/fettle.yaml",
              "schema: 1\nkind: configuration\nprofile: mi300x\ncache:\n  path: /srv/fettle\n");
    const auto loaded = profile::load(tree.files(), profile::Tables::without_versions);
    REQUIRE(loaded.profile);
    profile = *loaded.profile;
    for (const char* const name : {"aiter", "triton"}) tree.directory(std::string("/srv/fettle/") + name);
  }

  system::System system() { return {tree.files(), runner, clock}; }

  void place_of(const std::string& image, const std::string& reference = "vllm/vllm-openai-rocm:v0.23.0") {
    const std::string path = "/srv/fettle/aiter/" + profile::image_key(image, "gfx942");
    tree.file(path + "/" + std::string(manifest_file),
              to_json({"aiter", "gfx942", image, reference, "vllm 0.23.0", "7.2.3", 0, {}}));
    tree.file(path + "/module_norm.so", "kernel").file(path + "/build/module_norm/a.o", "object");
  }

  Cached cached(const std::string& name) {
    const auto found = find(look(tree.files(), profile), name);
    REQUIRE_MESSAGE(found, found.error().said);
    return *found;
  }

  Expectation expectation() { return {gfx_of_node(tree.files(), profile), {}, {}}; }

  std::string refused(const Expectation& expectation) {
    const auto done = import_archive(system(), profile, "/a.tar", expectation);
    REQUIRE_FALSE(done);
    // Nothing of it is left anywhere.
    for (const char* const name : {"aiter", "triton"}) {
      const auto names = tree.files().list(std::string("/srv/fettle/") + name);
      REQUIRE(names);
      for (const std::string& each : *names) CHECK_FALSE(each.starts_with(".fettle-unpack"));
    }
    return done.error().said;
  }
};

const auto no_tick = []() -> Result<void> { return {}; };

bool has(const std::string& text, const std::string& word) {
  return text.find(word) != std::string::npos;
}

}  // namespace

TEST_CASE("jit: two images, two kinds of GPU and two containers never have the same place") {
  const Machine machine;
  const profile::Cache& cache = *machine.profile.cache;
  for (const profile::CacheDirectory& each : machine.profile.caches) {
    if (each.compiled != profile::Compiled::by_image) continue;
    CAPTURE(each.name);
    const auto at = [&](const std::string& image, const std::string& gfx, const std::string& container) {
      return profile::compiled_place(cache, each, profile::image_key(image, gfx), container);
    };
    const std::string first = at(digest, "gfx942", "glm-4.6");
    CHECK(first.starts_with("/srv/fettle/" + each.name + "/" + std::string(16, 'a') + "-gfx942"));
    CHECK(first != at(other_digest, "gfx942", "glm-4.6"));
    CHECK(first != at(digest, "gfx950", "glm-4.6"));
    if (!each.file.empty()) {
      CHECK(first != at(digest, "gfx942", "gpt-oss-120b"));
      CHECK(has(first, "%d"));  // PyTorch puts the GPU there
    }
  }
  // A name is not a digest, however it looks.
  CHECK(profile::image_key(std::string(16, 'a'), "gfx942") != profile::image_key(digest, "gfx942"));
  CHECK(profile::image_key("rocm/vllm:a b/../c", "gfx942") == "_rocm_vllm_a_b_.._c-gfx942");
  CHECK_FALSE(profile::is_digest("sha256:" + std::string(63, 'a')));
  CHECK_FALSE(profile::is_digest("sha256:" + std::string(64, 'A')));
}

TEST_CASE("jit: list tells key, size, age, use and stale locks") {
  Machine machine;
  machine.place_of(digest);
  machine.tree.file("/srv/fettle/triton/HASH/kernel.hsaco", "12345").file(place + "/lock_module_norm");
  machine.tree.file("/srv/fettle/aiter/old/module_x.so", "x");
  const auto all = look(machine.tree.files(), machine.profile);
  std::vector<std::string> names;
  for (const Cached& each : all) names.push_back(each.name());
  CHECK(names == std::vector<std::string>{"aiter/" + key, "aiter/old", "triton"});
  CHECK(all[0].bytes.count == 12);
  CHECK(all[0].files == 2);
  CHECK(all[0].use == Use::idle);
  REQUIRE(all[0].manifest);
  CHECK(all[0].manifest->image == digest);
  CHECK(is_lock(machine.profile.caches[2], "lock_module_norm"));
  CHECK_FALSE(is_lock(machine.profile.caches[2], "lock_module_norm.steal"));
  CHECK_FALSE(is_lock(machine.profile.caches[2], "block.so"));
  REQUIRE(all[0].locks.size() == 1);
  CHECK(all[0].locks[0].use == Use::idle);
  CHECK_FALSE(all[1].manifest);
  CHECK(all[2].bytes.count == 5);
  CHECK(all[2].newest > std::chrono::system_clock::time_point{});

  const auto held = machine.tree.files().open_at(place + "/module_norm.so", O_RDONLY);
  REQUIRE(held);
  CHECK(machine.cached("aiter/" + key).use == Use::used);
  CHECK_FALSE(find(all, "aiter/nothing"));
}

TEST_CASE("jit: what is exported is imported on another node, locks and links out left behind") {
  Machine one;
  one.place_of(digest);
  one.tree.file(place + "/lock_module_norm").link(place + "/in.so", "module_norm.so");
  one.tree.link(place + "/out.so", "/etc/passwd");
  const auto exported =
      export_cache(one.tree.files(), one.profile, one.cached("aiter/" + key), "gfx942", "/a.tar.zst");
  REQUIRE_MESSAGE(exported, exported.error().said);
  CHECK(exported->left_out == std::vector<std::string>{"out.so"});
  CHECK(exported->manifest.files == 3);
  CHECK(exported->manifest.rocm == "7.2.3");

  Machine two;
  two.tree.file("/a.tar", one.tree.read("/a.tar.zst"));
  const auto imported = import_archive(two.system(), two.profile, "/a.tar", two.expectation());
  REQUIRE_MESSAGE(imported, imported.error().said);
  CHECK(imported->path == place);
  const Cached there = two.cached("aiter/" + key);
  REQUIRE(there.manifest);
  CHECK(there.manifest->image == digest);
  CHECK(there.locks.empty());
  CHECK(two.tree.read(place + "/build/module_norm/a.o") == "object");
  CHECK(*two.tree.files().read_link(place + "/in.so") == "module_norm.so");
  CHECK(seeded(two.tree.files(), two.profile, "vllm/vllm-openai-rocm:v0.23.0")->image == digest);
  CHECK(seeded(two.tree.files(), two.profile, digest));
  CHECK_FALSE(seeded(two.tree.files(), two.profile, "vllm/vllm-openai-rocm:v0.24.0"));
  CHECK(has(two.refused(two.expectation()), "it is there already"));
}

TEST_CASE("jit: a cache that images share takes what it does not have, and keeps what it has") {
  Machine one;
  one.tree.file("/srv/fettle/triton/A/x", "1").file("/srv/fettle/triton/B/y", "2");
  REQUIRE(export_cache(one.tree.files(), one.profile, one.cached("triton"), "gfx942", "/a.tar"));
  Machine two;
  two.tree.file("/a.tar", one.tree.read("/a.tar")).file("/srv/fettle/triton/A/x", "mine");
  const auto imported = import_archive(two.system(), two.profile, "/a.tar", two.expectation());
  REQUIRE_MESSAGE(imported, imported.error().said);
  CHECK(imported->added == 1);
  CHECK(imported->there == 1);
  CHECK(two.tree.read("/srv/fettle/triton/A/x") == "mine");
  CHECK(two.tree.read("/srv/fettle/triton/B/y") == "2");
}

TEST_CASE("jit: nothing is exported while somebody compiles, nor of an image that nobody knows") {
  Machine machine;
  machine.place_of(digest);
  machine.tree.file(place + "/lock_module_norm").file("/srv/fettle/aiter/old/module_x.so", "x");
  const auto held = machine.tree.files().open_at(place + "/lock_module_norm", O_RDONLY);
  REQUIRE(held);
  const auto busy =
      export_cache(machine.tree.files(), machine.profile, machine.cached("aiter/" + key), "gfx942", "/a.tar");
  REQUIRE_FALSE(busy);
  CHECK(has(busy.error().said, "is held by somebody who compiles"));
  const auto unknown =
      export_cache(machine.tree.files(), machine.profile, machine.cached("aiter/old"), "gfx942", "/a.tar");
  REQUIRE_FALSE(unknown);
  CHECK(has(unknown.error().said, "nobody knows of which image it is"));
  CHECK_FALSE(*machine.tree.files().exists("/a.tar"));
}

TEST_CASE("jit: an archive for another GPU or image is refused unless that is said to be fine") {
  Machine one;
  one.place_of(digest);
  REQUIRE(export_cache(one.tree.files(), one.profile, one.cached("aiter/" + key), "gfx942", "/a.tar"));
  Machine two;
  two.tree.file("/a.tar", one.tree.read("/a.tar"));
  Expectation wanted{std::string("gfx950"), {}, {}};
  CHECK(has(two.refused(wanted), "cannot import '/a.tar': it is for gfx942, and this node has gfx950"));
  wanted.gfx = fail(Why::missing, "cannot tell the architecture: there is no GPU");
  CHECK(has(two.refused(wanted), "it is for gfx942, and cannot tell the architecture"));
  wanted = two.expectation();
  wanted.image = other_digest;
  CHECK(has(two.refused(wanted), "it is for the image " + digest + ", not " + other_digest));

  wanted.accept = {Difference::image, Difference::gfx};
  wanted.gfx = std::string("gfx950");
  const auto imported = import_archive(two.system(), two.profile, "/a.tar", wanted);
  REQUIRE_MESSAGE(imported, imported.error().said);
  CHECK(imported->path == "/srv/fettle/aiter/" + std::string(16, 'b') + "-gfx942");
  CHECK(two.cached("aiter/" + std::string(16, 'b') + "-gfx942").manifest->image == other_digest);
}

TEST_CASE("jit: a hostile or broken archive is refused with the place, and nothing of it is left") {
  const Manifest sound{"triton", "gfx942", {}, {}, {}, {}, 1, {1}};
  struct Row {
    std::string manifest;
    std::string name;
    std::string content;
    std::string target;
    std::string said;
  };
  Manifest two_files = sound;
  two_files.files = 2;
  Manifest of_image = sound;
  of_image.image = digest;
  Manifest elsewhere = sound;
  elsewhere.cache = "hf";
  for (const Row& row : {
           Row{to_json(sound), "other/x", "1", "", "'other/x' does not belong into it"},
           Row{to_json(sound), "files/.fettle-jit.json", "1", "", "does not belong into it"},
           Row{to_json(sound), "files/x", "", "../../../etc/passwd",
               "it is a link that points out of its folder"},
           Row{to_json(sound), "files/x", "", "/etc/passwd", "points to an absolute"},
           Row{to_json(two_files), "files/x", "1", "", "it holds 1 file of 1 B, and says 2 of 1 B"},
           Row{to_json(sound), "files/x", "22", "", "it holds 1 file of 2 B, and says 1 of 1 B"},
           Row{to_json(of_image), "files/x", "1", "", "it is for one image, and 'triton' of this profile is"},
           Row{to_json(elsewhere), "files/x", "1", "", "called 'hf'"},
           Row{"{}", "files/x", "1", "", "its 'kind' is not 'jit'"},
           Row{"{", "files/x", "1", "", "fettle-jit.json"},
           Row{R"({"kind": "jit", "schema": 2})", "files/x", "1", "", "its 'schema' is not 1"},
           Row{R"({"kind": "jit", "schema": 1, "cache": "../x"})", "files/x", "1", "", "no name of a cache"},
           Row{R"({"kind": "jit", "schema": 1, "cache": "triton", "gfx": "../942"})", "files/x", "1", "",
               "no name of an architecture"},
           Row{R"({"kind": "jit", "schema": 1, "cache": "aiter", "gfx": "gfx942", "image": "latest"})",
               "files/x", "1", "", "no digest"},
       }) {
    CAPTURE(row.said);
    Machine machine;
    auto writer = archive::Writer::create(machine.tree.files(), "/a.tar", archive::Compression::plain);
    REQUIRE(writer);
    REQUIRE(writer->add_text("fettle-jit.json", row.manifest));
    const auto added =
        row.target.empty() ? writer->add_text(row.name, row.content) : writer->add_link(row.name, row.target);
    REQUIRE(added);
    REQUIRE(writer->finish());
    const std::string said = machine.refused(machine.expectation());
    CHECK_MESSAGE(has(said, row.said), said);
    CHECK(machine.tree.files().list("/srv/fettle/triton")->empty());
  }
}

TEST_CASE("jit: an archive that is no export, is cut or is a bomb is refused") {
  Machine machine;
  machine.tree.file("/a.tar", "no archive");
  CHECK(has(machine.refused(machine.expectation()), "cannot read the archive '/a.tar'"));
  {
    auto writer = archive::Writer::create(machine.tree.files(), "/a.tar", archive::Compression::plain);
    REQUIRE(writer);
    REQUIRE(writer->add_text("files/x", "1"));
    REQUIRE(writer->finish());
  }
  CHECK(has(machine.refused(machine.expectation()), "it does not begin with fettle-jit.json"));

  machine.tree.sparse("/srv/fettle/triton/zeros", 256ULL << 20U);
  REQUIRE(export_cache(machine.tree.files(), machine.profile, machine.cached("triton"), "gfx942",
                       "/bomb.tar.zst"));
  machine.tree.remove("/srv/fettle/triton/zeros").file("/a.tar", machine.tree.read("/bomb.tar.zst"));
  CHECK(has(machine.refused(machine.expectation()), "times as large as itself"));

  machine.tree.file("/srv/fettle/triton/whole", std::string(100000, 'x'));
  REQUIRE(
      export_cache(machine.tree.files(), machine.profile, machine.cached("triton"), "gfx942", "/whole.tar"));
  machine.tree.file("/a.tar", machine.tree.read("/whole.tar").substr(0, 50000));
  CHECK(has(machine.refused(machine.expectation()), "cannot read the archive '/a.tar'"));
  CHECK(machine.tree.read("/srv/fettle/triton/whole").size() == 100000);
}

TEST_CASE("jit: prune takes stale locks and the places of images that are gone, and nothing in use") {
  Machine machine;
  machine.place_of(digest);
  machine.place_of(other_digest);
  const std::string other = "/srv/fettle/aiter/" + std::string(16, 'b') + "-gfx942";
  machine.tree.file(place + "/lock_module_norm").file("/srv/fettle/aiter/old/module_x.so", "x");
  machine.tree.file("/usr/bin/docker");
  machine.runner.expect("/usr/bin/docker image ls", system::Completed{0,
                                                                      R"({"Digest":")" + digest +
                                                                          R"(","ID":"sha256:1"})"
                                                                          "\n",
                                                                      ""});
  const auto images = images_of_node(machine.system());
  REQUIRE_MESSAGE(images, images.error().said);
  CHECK(*images == std::set<std::string>{digest});
  const auto planned = plan(look(machine.tree.files(), machine.profile), images, {});
  REQUIRE(planned);
  REQUIRE(planned->remove.size() == 2);
  CHECK(planned->remove[0].path == place + "/lock_module_norm");
  CHECK(planned->remove[1].path == other);
  REQUIRE(planned->kept.size() == 1);
  CHECK(planned->kept[0].name == "aiter/old");

  {
    // It comes into use between plan and act.
    const auto held = machine.tree.files().open_at(other + "/module_norm.so", O_RDONLY);
    REQUIRE(held);
    const auto done = apply(*planned, machine.system(), machine.profile);
    REQUIRE(done.size() == 2);
    CHECK(done[0].outcome == Outcome::changed);
    CHECK(done[1].outcome == Outcome::refused);
    CHECK(has(done[1].error.said, "somebody uses it"));
    CHECK(*machine.tree.files().exists(other + "/module_norm.so"));
  }
  const auto done = apply(*planned, machine.system(), machine.profile);
  CHECK(done[0].outcome == Outcome::already_so);
  CHECK(done[1].outcome == Outcome::changed);
  CHECK_FALSE(*machine.tree.files().exists(other));
  CHECK(*machine.tree.files().exists(place + "/module_norm.so"));
  const auto again = plan(look(machine.tree.files(), machine.profile), images, {});
  REQUIRE(again);
  CHECK(again->remove.empty());
}

TEST_CASE("jit: without an answer about images no place goes, and a held lock stays") {
  Machine machine;
  machine.place_of(digest);
  machine.tree.file(place + "/lock_module_norm");
  const auto held = machine.tree.files().open_at(place + "/lock_module_norm", O_RDONLY);
  REQUIRE(held);
  const auto none = images_of_node(machine.system());
  REQUIRE_FALSE(none);
  CHECK(has(none.error().said, "neither docker nor podman"));
  const auto planned = plan(look(machine.tree.files(), machine.profile), none, {});
  REQUIRE(planned);
  CHECK(planned->remove.empty());
  REQUIRE(planned->kept.size() == 1);
  CHECK(has(planned->kept[0].why, "neither docker nor podman"));

  machine.tree.file("/usr/bin/docker");
  machine.runner.expect("/usr/bin/docker image ls", system::Completed{1, "", "is the daemon running?"});
  CHECK_FALSE(images_of_node(machine.system()));
  machine.tree.remove("/usr/bin/docker").file("/usr/bin/podman");
  machine.runner.expect(
      "/usr/bin/podman image ls",
      system::Completed{
          0, R"([{"Id":")" + std::string(64, 'c') + R"(","RepoDigests":["a/b@)" + digest + R"("]}])", ""});
  const auto podman = images_of_node(machine.system());
  REQUIRE(podman);
  CHECK(*podman == std::set<std::string>{digest, "sha256:" + std::string(64, 'c')});

  const auto named = plan(look(machine.tree.files(), machine.profile), none, {"aiter/" + key});
  REQUIRE(named);
  CHECK(named->remove.empty());
  CHECK(named->kept[0].why == "somebody compiles there");
  const auto shared = plan(look(machine.tree.files(), machine.profile), none, {"triton"});
  REQUIRE_FALSE(shared);
  CHECK(has(shared.error().said, "images share it"));
}

namespace {

// docker as far as seeding needs it: `cp` really copies.
class FakeDocker final : public system::Runner {
 public:
  explicit FakeDocker(Tree& tree) : tree_(tree) {}

  Result<system::Completed> run(const system::Command& command) override {
    const std::string line = to_text(command);
    ran.push_back(line);
    const auto is = [&](const char* words) {
      return line.starts_with(std::string("/usr/bin/docker ") + words);
    };
    if (is("image inspect"))
      return system::Completed{has_image ? 0 : 1,
                               R"({"Id":"sha256:)" + std::string(64, '1') + R"(","RepoDigests":["mirror/x@)" +
                                   other_digest + R"(","vllm/vllm-openai-rocm@)" + digest + R"("]})",
                               "No such image"};
    if (is("run")) return system::Completed{0, package + "\n7.2.3-56\n", ""};
    // The real one makes no container without something to run.
    if (is("create") && command.argv.back().starts_with("sha256:"))
      return system::Completed{1, "", "Error response from daemon: no command specified"};
    if (is("create")) return system::Completed{0, "c0ffee\n", ""};
    if (is("cp c0ffee:/usr/lib/aiter/jit/. ")) {
      const std::string to = command.argv.back().substr(tree_.root().size());
      for (const auto& [name, text] : content) tree_.file(to + "/" + name, text);
      return system::Completed{copied ? 0 : 1, "", "no space left on device"};
    }
    if (is("rm c0ffee")) return system::Completed{};
    FAIL_CHECK("nobody announced: ", line);
    return fail(Why::failed, "cannot run");
  }

  Result<system::Completed> run_watched(const system::Command& command,
                                        const std::function<system::Verdict()>&) override {
    return run(command);
  }

  bool has_image = true;
  bool copied = true;
  std::string package = "/usr/lib/aiter";
  std::vector<std::pair<std::string, std::string>> content{
      {"module_a.so", "a"}, {"lock_x", ""}, {"b/c.so", "c"}};
  std::vector<std::string> ran;

 private:
  Tree& tree_;
};

}  // namespace

TEST_CASE("jit: an image's place begins with what the image brings, once") {
  Machine machine;
  machine.tree.file("/usr/bin/docker");
  FakeDocker docker(machine.tree);
  const system::System system{machine.tree.files(), docker, machine.clock};
  const std::string image = "vllm/vllm-openai-rocm:v0.23.0";
  const auto done = seed(system, machine.profile, image, "gfx942", "vllm 0.23.0");
  REQUIRE_MESSAGE(done, done.error().said);
  REQUIRE(done->size() == 1);
  CHECK((*done)[0].path == place);
  CHECK((*done)[0].manifest.image == digest);
  CHECK((*done)[0].manifest.rocm == "7.2.3");
  CHECK(machine.tree.read(place + "/b/c.so") == "c");
  CHECK_FALSE(*machine.tree.files().exists(place + "/lock_x"));
  CHECK(machine.tree.files().look(place)->mode == 02770);
  CHECK(seeded(machine.tree.files(), machine.profile, image));
  CHECK(docker.ran.back() == "/usr/bin/docker rm c0ffee");
  const auto again = seed(system, machine.profile, image, "gfx942", "vllm 0.23.0");
  REQUIRE_FALSE(again);
  CHECK(again.error().why == Why::refused);
}

TEST_CASE("jit: an image that was only named here is known by what this node calls it, not by that name") {
  Machine machine;
  machine.tree.file("/usr/bin/docker");
  FakeDocker docker(machine.tree);
  const system::System system{machine.tree.files(), docker, machine.clock};
  const auto done = seed(system, machine.profile, "mine/vllm-openai-rocm:v0.23.0", "gfx942", "");
  REQUIRE_MESSAGE(done, done.error().said);
  CHECK((*done)[0].manifest.image == "sha256:" + std::string(64, '1'));
  CHECK((*done)[0].manifest.reference.empty());
  CHECK_FALSE(seeded(machine.tree.files(), machine.profile, "mine/vllm-openai-rocm:v0.23.0"));
}

TEST_CASE("jit: seeding that fails leaves nothing, neither a place nor a container") {
  for (int broken = 0; broken < 3; ++broken) {
    CAPTURE(broken);
    Machine machine;
    machine.tree.file("/usr/bin/docker");
    FakeDocker docker(machine.tree);
    docker.has_image = broken != 0;
    if (broken == 1) docker.package = "";
    docker.copied = broken != 2;
    const system::System system{machine.tree.files(), docker, machine.clock};
    const auto done = seed(system, machine.profile, "vllm/vllm-openai-rocm:v0.23.0", "gfx942", "");
    REQUIRE_FALSE(done);
    const char* const said[] = {"No such image", "it has no Python package 'aiter'",
                                "no space left on device"};
    CHECK_MESSAGE(has(done.error().said, said[broken]), done.error().said);
    CHECK(machine.tree.files().list("/srv/fettle/aiter")->empty());
    if (broken == 2) CHECK(docker.ran.back() == "/usr/bin/docker rm c0ffee");
  }
}
