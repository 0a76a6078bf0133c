// Jobs: what the stage worker remembers in its database. Each change is one transaction with its event, so
// that a killed worker finds the last state that was true.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shelf/manifest.h"
#include "shelf/report.h"
#include "store/database.h"
#include "system/clock.h"
#include "system/files.h"

namespace fettle::shelf {

class Jobs {
 public:
  struct Opened;
  // names::stage_state, below the root of `files`.
  static Result<Opened> open(const system::Files& files, const system::Clock& clock);

  bool writable() const { return database_.writable(); }

  // The shelf's state, or nothing when it was never wanted here.
  Result<std::optional<State>> state(std::string_view shelf) const;
  Result<void> set_state(std::string_view shelf, State state, std::string_view says) const;

  // Every shelf that was ever staged here and not forgotten.
  Result<std::vector<std::string>> shelves() const;
  // With its repositories and their files.
  Result<void> forget_shelf(std::string_view shelf) const;

  // What was resolved for `want` (see want_of), or nothing. A branch that moved on the hub stays where it was
  // pinned.
  Result<std::optional<Manifest>> manifest(std::string_view shelf, std::string_view want) const;
  Result<std::vector<Manifest>> manifests(std::string_view shelf) const;
  Result<void> set_manifest(std::string_view shelf, std::string_view want, const Manifest& manifest) const;
  // Forgets what was resolved for repositories that are not ready: after a failure the source is asked again.
  Result<void> resolve_again(std::string_view shelf) const;
  // Forgets repositories of the shelf that are not in `wants`.
  Result<void> keep_only(std::string_view shelf, const std::vector<std::string>& wants) const;

  Result<void> set_repository_state(std::string_view shelf, std::string_view id, State state,
                                    std::string_view says) const;

  // Was this very file (device, inode, size, time of change) found to be equal to this name?
  Result<bool> was_verified(const system::Info& info, std::string_view blob) const;
  Result<void> remember_verified(const system::Info& info, std::string_view blob) const;
  Result<void> forget_verified(const system::Info& info) const;

  // How often a blob of the repository was found damaged since the last time it was all right; this one
  // included.
  Result<unsigned> count_damage(std::string_view id, std::string_view blob) const;
  Result<void> forget_damage(std::string_view id) const;

 private:
  Jobs(store::Database database, const system::Clock& clock)
      : database_(std::move(database)), clock_(&clock) {}
  std::int64_t seconds() const;

  store::Database database_;
  const system::Clock* clock_;
};

struct Jobs::Opened {
  Jobs jobs;
  std::vector<Finding> findings;
};

// A repository as the profile wants it, in one line: another revision or pattern is another want.
std::string want_of(const profile::Repository& repository);

}  // namespace fettle::shelf
