// Any bytes as a shelf archive: entries with good names inside the limits, or an error.
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "archive/reader.h"

using namespace fettle;

namespace {

namespace fs = std::filesystem;

// A folder of its own, taken away at the end.
struct Folder {
  fs::path path;
  Folder() {
    std::string name = (fs::temp_directory_path() / "fettle-fuzz-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path = name;
  }
  ~Folder() { fs::remove_all(path); }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Folder folder;
  static const auto files = system::Files::open(folder.path.string());
  if (!files) std::abort();
  std::ofstream(folder.path / "it", std::ios::binary)
      .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  auto reader = archive::Reader::open(*files, "/it", {100, Bytes{1U << 20U}, 100});
  if (!reader) return 0;
  std::uint64_t total = 0;
  for (unsigned entries = 0;; ++entries) {
    if (entries > 100) std::abort();
    const auto entry = reader->next();
    if (!entry || !*entry) return 0;
    if (!archive::check_path((*entry)->path)) std::abort();
    if ((*entry)->kind == archive::EntryKind::link && !archive::check_link((*entry)->path, (*entry)->target))
      std::abort();
    const auto read = reader->content([&](std::string_view piece) -> Result<void> {
      total += piece.size();
      return {};
    });
    if (total > (1U << 20U)) std::abort();
    if (!read) return 0;
  }
}
