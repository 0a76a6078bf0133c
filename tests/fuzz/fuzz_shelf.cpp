// What a hub, a lock file, an archive's list or pip's list says: read, or refused with a sentence; and what
// was read names no file outside its repository. The first byte chooses the reader.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "archive/entry.h"
#include "shelf/manifest.h"
#include "shelf/requirements.h"

using namespace fettle;

namespace {

void must_stay_inside(const std::vector<shelf::File>& files) {
  for (const shelf::File& file : files) {
    if (!archive::check_path(file.path)) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 3) {
    case 0: {
      auto files = shelf::parse_listing(text, "owner/name");
      if (!files && files.error().said.empty()) std::abort();
      if (!files) return 0;
      // As the source of the hub does it: chosen first, then checked.
      shelf::Manifest manifest{"owner/name", std::string(40, 'a'), "main", {}};
      manifest.files = shelf::select(std::move(*files), {"*.safetensors", "*.json"}, {"original/*"});
      if (!shelf::check(manifest)) return 0;
      must_stay_inside(manifest.files);
      if (shelf::blobs_of(manifest).empty()) std::abort();
      shelf::small_files(manifest.files);
      return 0;
    }
    case 1: {
      const auto manifests = shelf::parse_manifests(text, "'it'");
      if (!manifests) return 0;
      for (const shelf::Manifest& manifest : *manifests) must_stay_inside(manifest.files);
      const std::string written = shelf::to_json(*manifests);
      const auto again = shelf::parse_manifests(written, "'it'");
      if (!again || shelf::to_json(*again) != written) std::abort();
      return 0;
    }
    default: {
      const auto list = shelf::parse_requirements(text, "/it");
      if (!list && list.error().said.empty()) std::abort();
      return 0;
    }
  }
}
