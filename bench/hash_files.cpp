// hash_files THREADS[:MIB_A_SECOND] FILE…: every file through the verifier, each against a name it cannot
// have; prints the bytes. With a rate as a scrub does it, only when nobody else wants processor or drives.
#include <cstdio>
#include <cstdlib>
#include <string>

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
  char* rest = nullptr;
  shelf::Effort effort{static_cast<unsigned>(std::strtoul(argv[1], &rest, 10)), {}, system::Urgency::normal};
  if (*rest == ':') {
    effort.rate = {std::strtoul(rest + 1, nullptr, 10) << 20U};
    effort.urgency = system::Urgency::idle;
  }
  if (auto done = shelf::verify(*files, wanted, effort, listener); !done) {
    std::fprintf(stderr, "%s\n", to_text(done.error()).c_str());
    return 1;
  }
  std::printf("%zu files, %llu bytes\n", different, static_cast<unsigned long long>(hashed.count));
  return 0;
}
