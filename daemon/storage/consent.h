// Consent: an operator's yes to one plan, given by what he saw: each drive by its serial, and the plan's
// hash.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "storage/look.h"
#include "storage/plan.h"

namespace fettle::storage {

struct Consent {
  std::string plan;                 // the hash that a dry run printed
  std::vector<std::string> drives;  // serials, each once, in any order
};

// SHA-256 over all that the plan rests on, its first 16 digits: what is asked for, every drive's serial,
// size, disk sequence number, signatures, partitions, holders and mounts, the arrays, the record, the steps
// and what they write to. Not in it: UUIDs chosen for this plan only. Equal machines in equal state give
// equal hashes; a drive that was plugged in again gives another.
std::string hash_of(const Sight& sight, const Plan& plan, Verb verb);

// Serials of the drives that the plan's steps write to, each once.
std::vector<std::string> drives_written(const Plan& plan);

// refused unless the hash is `now` and the drives are exactly those that the plan writes to; says which is
// missing, and which is too many.
Result<void> check(const Consent& consent, const Plan& plan, const std::string& now);

}  // namespace fettle::storage
