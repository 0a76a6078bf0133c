// Places: directories where software looks by itself (/var/lib/docker, ~/.cache/huggingface of somebody) led
// onto directories of the cache, by a mount unit or a link. Files that lie in such a place are never moved
// nor hidden.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/finding.h"
#include "facts/facts.h"
#include "profile/arrangement.h"
#include "profile/profile.h"
#include "storage/unit_files.h"
#include "system/files.h"

namespace fettle::storage {

// What is at a place now.
enum class At { nothing, empty_directory, full_directory, link, mount, something_else };

struct SeenPlace {
  profile::CachePlace wanted;
  std::string path;    // with the home directory in it
  std::string target;  // the directory of the cache; empty when the profile has none of that name
  Result<At> at = At::nothing;
  std::string detail;                // a file in a full directory, where a link leads, what is mounted
  system::Owner owner;               // of the user, for directories that are missing on the way
  std::vector<std::string> missing;  // those, outermost first
  std::string detour;                // a link on the way; empty = none
};

// A link that we made, as we remember it: it looks like anybody's.
struct MadeLink {
  std::string path;
  std::string target;

  friend bool operator==(const MadeLink&, const MadeLink&) = default;
};

struct SeenPlaces {
  std::vector<SeenPlace> places;
  FoundUnitFiles units;  // every mount unit of the machine's own, and our drop-in for the cache's target
  Result<std::vector<MadeLink>> made;
  std::vector<MadeLink> standing;  // those of them that are still there
};

SeenPlaces look_for_places(const std::vector<profile::CachePlace>& wanted, const profile::Profile& profile,
                           const Result<std::vector<facts::Mount>>& mounts, const system::Files& files);

struct LinkStep {
  MadeLink link;
  std::vector<std::string> directories;  // that have to be made first
  system::Owner owner;                   // of those
  std::string says;
};

struct PlacesPlan {
  UnitFilePlan units;
  std::vector<LinkStep> links;       // to make
  std::vector<MadeLink> left_over;   // to remove
  std::vector<MadeLink> remembered;  // what the record says afterwards
  bool remembers_already = true;     // the record says so now
  std::vector<Error> refused;        // beside those of the units

  bool changes_nothing() const;
};

PlacesPlan plan_places(const SeenPlaces& seen, const std::optional<profile::Cache>& cache);

std::vector<std::string> to_lines(const PlacesPlan& plan);

// The record first: a link that nobody remembers would stay for ever. Units are written, not started.
std::vector<Arranged> apply(const PlacesPlan& plan, const system::Files& files);

// cache.places. Home directories are out: services do not see them.
NamedFinding places_finding(const SeenPlaces& seen, const std::optional<profile::Cache>& cache,
                            std::chrono::system_clock::time_point now);

}  // namespace fettle::storage
