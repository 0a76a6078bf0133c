// LockFile: a shelf pinned to commits, sizes and hashes. Where it lies beside the shelf's file, staging asks
// nobody what belongs to the shelf, and every node of a fleet ends with the same bytes or none.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "profile/profile.h"
#include "shelf/manifest.h"
#include "shelf/source.h"
#include "system/system.h"

namespace fettle::shelf {

// Where an operator's lock of this shelf lies.
std::string lock_path(std::string_view shelf);

// The operator's, else a bundle's, else the shipped one, else nothing. malformed when it cannot be used.
Result<std::optional<std::vector<Manifest>>> read_lock(const system::Files& files, std::string_view shelf);

// The one of `manifests` that the repository wants, include and exclude applied; nothing when it is not among
// them.
std::optional<Manifest> pick(const std::vector<Manifest>& manifests, const profile::Repository& repository);

// The same as a step of staging: failed with advice when the lock does not know it.
Step<Manifest> from_lock(const std::vector<Manifest>& locked, const profile::Repository& repository,
                         std::string_view shelf);

// known: what was resolved on this node before, the source only for the rest. anew: the source for all.
enum class Pins { known, anew };

// What the shelf consists of; no content is transferred.
Result<std::vector<Manifest>> resolve_all(const system::System& system, const profile::Profile& profile,
                                          const profile::Shelf& shelf, const Options& options, Pins pins);

}  // namespace fettle::shelf
