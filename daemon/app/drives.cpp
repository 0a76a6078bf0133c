#include "app/drives.h"

#include <algorithm>

#include "system/block.h"

namespace fettle::app {

Looked look_at_drives(const system::System& system, const profile::Profile& profile, storage::Depth depth,
                      const storage::Fresh& fresh, storage::Verb verb) {
  Looked looked;
  looked.facts = facts::gather(system.files);
  if (profile.cache) looked.sight = storage::look(looked.facts, *profile.cache, system.files, depth);
  looked.plan = storage::plan(looked.sight, profile, fresh, verb);
  return looked;
}

void wait_for_lookers(const system::System& system, const std::vector<std::string>& devices) {
  const auto until = system.clock.steady() + lookers;
  for (const std::string& device : devices) {
    const auto left = std::max(until - system.clock.steady(), std::chrono::steady_clock::duration::zero());
    (void)system::wait_until_free(system.files, device, system.clock,
                                  std::chrono::duration_cast<std::chrono::milliseconds>(left));
  }
}

std::vector<std::string> names_of(const Looked& looked) {
  std::vector<std::string> names;
  for (const storage::SeenDrive& seen : looked.sight.drives) names.push_back("/dev/" + seen.drive.name);
  return names;
}

}  // namespace fettle::app
