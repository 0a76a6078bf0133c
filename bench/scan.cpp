// scan ROOT THREADS: the inventory alone; prints files and bytes.
#include <cstdio>
#include <cstdlib>

#include "shelf/inventory.h"

using namespace fettle;

int main(int argc, char** argv) {
  if (argc != 3) return 64;
  const auto files = system::Files::open(argv[1]);
  if (!files) return 1;
  const auto threads = static_cast<unsigned>(std::strtoul(argv[2], nullptr, 10));
  const auto found = shelf::take_inventory(*files, shelf::Layout{"/srv/fettle/hf"}, threads);
  if (!found) {
    std::fprintf(stderr, "%s\n", to_text(found.error()).c_str());
    return 1;
  }
  std::printf("%llu %llu\n", static_cast<unsigned long long>(found->amount.files),
              static_cast<unsigned long long>(found->amount.bytes.count));
  return 0;
}
