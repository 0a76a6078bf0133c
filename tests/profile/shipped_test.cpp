#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include "profile/load.h"
#include "support/source.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::profile;
using fettle::test::Tree;

namespace {

const std::filesystem::path source = fettle::test::source_dir();

std::string said(const Complaints& complaints) {
  std::string all;
  for (const Complaint& each : complaints) all += to_text(each) + "\n";
  return all;
}

// A machine with the package's files and this configuration.
void install(Tree& tree, const std::string& configuration) {
  tree.directory("/usr/share/fettle");
  std::filesystem::copy(source / "profiles", tree.root() + "/usr/share/fettle/profiles",
                        std::filesystem::copy_options::recursive);
  tree.file("/etc/fettle/fettle.yaml", configuration);
}

const Variable* find(const Profile& profile, std::string_view name) {
  const auto at = std::find_if(profile.environment.begin(), profile.environment.end(),
                               [&](const Variable& each) { return each.name == name; });
  return at == profile.environment.end() ? nullptr : &*at;
}

}  // namespace

TEST_CASE("profiles: every file of the package is without mistakes") {
  const auto files = system::Files::open(source.string());
  REQUIRE(files);
  unsigned count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(source / "profiles")) {
    // What pip reads lies here too.
    if (!entry.is_regular_file() || entry.path().extension() == ".in") continue;
    const std::string file = "/" + std::filesystem::relative(entry.path(), source).string();
    CHECK_MESSAGE(said(check(*files, file)).empty(), said(check(*files, file)));
    ++count;
  }
  CHECK(count >= 5);
  CHECK(said(check(*files, "/packaging/fettle.yaml")).empty());
}

TEST_CASE("profiles: the package's configuration wants eight MI300X on eight drives") {
  Tree tree;
  std::filesystem::create_directories(tree.root() + "/etc/fettle");
  install(tree, {});
  std::filesystem::copy_file(source / "packaging/fettle.yaml", tree.root() + "/etc/fettle/fettle.yaml",
                             std::filesystem::copy_options::overwrite_existing);
  const Loaded loaded = load(tree.files());
  REQUIRE_MESSAGE(loaded.profile, said(loaded.complaints));
  const Profile& profile = *loaded.profile;
  CHECK(profile.name == "mi300x");
  CHECK(profile.file == "/usr/share/fettle/profiles/mi300x.yaml");
  REQUIRE(profile.gpus);
  CHECK(profile.gpus->model == "MI300X");
  CHECK(profile.gpus->count == 8);
  REQUIRE(profile.cache);
  CHECK(profile.cache->path == "/srv/fettle");
  CHECK(profile.cache->reserve == 200_GiB);
  REQUIRE(profile.cache->drives);
  CHECK(profile.cache->drives->count == 8);
  CHECK(profile.cache->drives->models.size() == 3);
  CHECK(profile.cache->drives->exclude_models[0] == "nvme_card-pd*");
  REQUIRE(profile.caches.size() == 10);
  CHECK(profile.caches[0].name == "hf");
  CHECK(profile.caches[0].mode == 02775);
  CHECK(profile.caches[2].env == std::vector<std::string>{"AITER_JIT_DIR"});
  CHECK(profile.caches[2].compiled == Compiled::by_image);
  CHECK(profile.caches[2].seed == "aiter/jit");
  CHECK(profile.caches[9].name == "docker");
  CHECK(profile.caches[9].env.empty());
  CHECK(profile.shelves.empty());
}

TEST_CASE("profiles: each variable of the source document is set or has a reason why not") {
  Tree tree;
  install(tree, "schema: 1\nkind: configuration\nprofile: mi300x\n");
  const Loaded loaded = load(tree.files());
  REQUIRE_MESSAGE(loaded.profile, said(loaded.complaints));
  const Profile& profile = *loaded.profile;
  CHECK(find(profile, "NCCL_MIN_NCHANNELS")->value == "112");
  CHECK(find(profile, "HSA_OVERRIDE_CPU_AFFINITY_DEBUG")->value == "0");
  for (const std::string_view name :
       {"HIP_FORCE_DEV_KERNARG", "NCCL_MIN_NCHANNELS", "TORCH_BLAS_PREFER_HIPBLASLT",
        "HSA_OVERRIDE_CPU_AFFINITY_DEBUG", "SAFETENSORS_FAST_GPU", "PYTORCH_TUNABLEOP_FILENAME",
        "JIT_WORKSPACE_DIR", "AITER_JIT_DIR", "AITER_ONLINE_TUNE", "VLLM_CACHE_ROOT", "HF_HOME",
        "VLLM_ROCM_USE_AITER", "VLLM_ROCM_USE_AITER_MOE", "VLLM_USE_FLASHINFER_MOE_FP16",
        "HF_HUB_ENABLE_HF_TRANSFER", "HF_XET_HIGH_PERFORMANCE"}) {
    int times = find(profile, name) == nullptr ? 0 : 1;
    for (const NotSet& each : profile.not_set) times += each.name == name ? 1 : 0;
    for (const CacheDirectory& each : profile.caches)
      times += static_cast<int>(std::count(each.env.begin(), each.env.end(), name));
    CHECK_MESSAGE(times == 1, name);
  }
}

TEST_CASE("profiles: the tables hold what their sources say") {
  Tree tree;
  install(tree, "schema: 1\nkind: configuration\nprofile: workstation\nshelves: [frontier]\n");
  const Loaded loaded = load(tree.files());
  REQUIRE_MESSAGE(loaded.profile, said(loaded.complaints));
  const Compat& compat = loaded.profile->compat;
  CHECK(compat.as_of == "2026-11");
  CHECK(compat.sources.size() == 30);
  CHECK(compat.releases.size() == 33);
  CHECK(compat.drivers.size() == 16);
  const auto release = std::find_if(compat.releases.begin(), compat.releases.end(),
                                    [](const CompatRelease& each) { return each.rocm == "7.0.2"; });
  REQUIRE(release != compat.releases.end());
  const auto ubuntu = std::find_if(release->ubuntu.begin(), release->ubuntu.end(),
                                   [](const CompatUbuntu& each) { return each.version == "24.04.3"; });
  REQUIRE(ubuntu != release->ubuntu.end());
  CHECK(std::any_of(ubuntu->kernels.begin(), ubuntu->kernels.end(), [](const CompatKernel& each) {
    return each.series == "6.14" && each.track == "HWE" && each.mi300x == CompatKernel::Listed::yes;
  }));
  // A row that is known to be bad stays one.
  const CompatRelease& first = compat.releases.front();
  CHECK(first.rocm == "6.0.0");
  CHECK(first.ubuntu.front().kernels.front().mi300x == CompatKernel::Listed::no);
  CHECK(loaded.profile->gpu_models.size() == 16);
  CHECK(loaded.profile->gpu_models[1].pci_device == 0x74b5);
  CHECK(loaded.profile->gpu_models[1].family == "MI300X");
  CHECK(loaded.profile->gpu_models[1].is_virtual);

  CHECK_FALSE(loaded.profile->gpus);
  CHECK_FALSE(loaded.profile->cache->drives);
  REQUIRE(loaded.profile->shelves.size() == 1);
  const Shelf& shelf = loaded.profile->shelves.front();
  CHECK(shelf.name == "frontier");
  REQUIRE(shelf.repositories.size() == 38);
  CHECK(shelf.repositories.front().id == "ibm-granite/granite-docling-258M");
  CHECK(shelf.repositories.back().id == "moonshotai/Kimi-K2-Instruct-0905");
  CHECK(shelf.repositories.back().unpinned);
}
