// The configuration: fettle.yaml and after it the fragments in conf.d beside it, merged into one.
//
// Fragments are documents of the same kind, read in the order of their names. Of a key that says one thing
// the last file wins; lists add up, and a name that comes a second time is a mistake that names both places.
// A fragment that cannot be read is a mistake too: nothing is wanted that may be half of what was meant.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "profile/documents.h"
#include "system/files.h"

namespace fettle::profile {

struct Wanted {
  std::optional<Configuration> configuration;  // nothing when fettle.yaml itself could not be read
  std::vector<Reading> readings;               // of each file, in their order; the first is fettle.yaml's
};

Wanted read_wanted(const system::Files& files, std::string_view config_file);

// The reading of the file in which a name stands.
Reading& reading_of(std::vector<Reading>& readings, const Named& name);

// The complaints of all files, file by file.
Complaints take_all(std::vector<Reading>& readings);

}  // namespace fettle::profile
