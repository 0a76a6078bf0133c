// Runs a fuzz target over files: what once crashed it, and what it starts from. `replay FILE_OR_FOLDER…`. All
// of them count as one test, since the first that crashes ends it.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;

void run(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t count = 0;
  for (int at = 1; at < argc; ++at) {
    if (!fs::is_directory(argv[at])) {
      run(argv[at]);
      ++count;
      continue;
    }
    for (const auto& entry : fs::directory_iterator(argv[at])) {
      if (!entry.is_regular_file()) continue;
      run(entry.path());
      ++count;
    }
  }
  std::printf("%zu inputs\n%d passed, %d failed, 0 skipped\n", count, count == 0 ? 0 : 1, count == 0 ? 1 : 0);
  return count == 0 ? 1 : 0;
}
