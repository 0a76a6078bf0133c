#include "app/drives.h"

namespace fettle::app {

Looked look_at_drives(const system::System& system, const profile::Profile& profile, storage::Depth depth,
                      const storage::Fresh& fresh, storage::Verb verb) {
  Looked looked;
  looked.facts = facts::gather(system.files);
  if (profile.cache) looked.sight = storage::look(looked.facts, *profile.cache, system.files, depth);
  looked.plan = storage::plan(looked.sight, profile, fresh, verb);
  return looked;
}

std::vector<std::string> names_of(const Looked& looked) {
  std::vector<std::string> names;
  for (const storage::SeenDrive& seen : looked.sight.drives) names.push_back("/dev/" + seen.drive.name);
  return names;
}

}  // namespace fettle::app
