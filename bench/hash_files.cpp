// hash_files THREADS FILE…: every file through the verifier, each against a name it cannot have; prints the
// bytes.
#include <cstdio>
#include <cstdlib>

#include "shelf/verify.h"

using namespace fettle;

int main(int argc, char** argv) {
  if (argc < 3) return 64;
  const auto files = system::Files::open("/");
  if (!files) return 1;
  std::vector<shelf::Wanted> wanted;
  for (int i = 2; i < argc; ++i) {
    const auto info = files->look(argv[i]);
    if (!info) {
      std::fprintf(stderr, "%s\n", to_text(info.error()).c_str());
      return 1;
    }
    wanted.push_back({argv[i], std::string(64, '0'), info->size});
  }
  std::size_t different = 0;
  Bytes hashed;
  shelf::Listener listener;
  listener.checked = [&](const shelf::Checked& checked) -> Result<void> {
    different += checked.same ? 0 : 1;
    return {};
  };
  listener.tick = [&](Bytes so_far) -> Result<void> {
    hashed = so_far;
    return {};
  };
  const auto threads = static_cast<unsigned>(std::strtoul(argv[1], nullptr, 10));
  if (auto done = shelf::verify(*files, wanted, {threads, {}, system::Urgency::normal}, listener); !done) {
    std::fprintf(stderr, "%s\n", to_text(done.error()).c_str());
    return 1;
  }
  std::printf("%zu files, %llu bytes\n", different, static_cast<unsigned long long>(hashed.count));
  return 0;
}
