// The report: what provisioning found and did at this boot, for the daemon, the CLI and people. Anyone may
// read it.
#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/finding.h"
#include "facts/facts.h"
#include "profile/profile.h"
#include "storage/apply.h"
#include "storage/cache.h"
#include "storage/plan.h"
#include "storage/rivals.h"
#include "system/files.h"

namespace fettle::storage {

struct ReportedDrive {
  std::string serial;
  std::string model;
  std::string name;  // of this boot only
  Bytes size;
  std::string role;  // a word of Role
  std::string why;
};

struct ReportedStep {
  std::string says;
  std::string outcome;  // a word of Outcome
};

// What one of the two phases came to.
struct PhaseReport {
  Status status = Status::unknown;  // pass, warn or fail; unknown when the phase has not run
  std::string says = "it has not run yet";
  std::string hint;
  std::vector<std::string> warnings;
  std::vector<ReportedStep> steps;
  std::chrono::system_clock::time_point at{};
  std::chrono::milliseconds duration{0};
};

struct Report {
  std::string verdict;  // a word of Verdict
  PhaseReport boot;     // before the mount: drives, array, filesystem
  PhaseReport cache;    // after it: marker, directories, environment, shelves
  std::vector<ReportedDrive> drives;
  std::optional<Rivals> rivals;  // what else uses the drives; nothing when nobody looked
  std::string path;              // of the cache
  std::string device;            // "/dev/md127"; empty in directory mode and after a refusal
  std::string array_uuid;
  std::string filesystem_uuid;
  std::string generation;
};

// The boot phase in words; the cache phase stays as "not run yet".
Report report_of(const Plan& plan, const Ending& ending, const profile::Profile& profile);

std::string to_json(const Report& report);
Result<Report> parse_report(std::string_view text);

Result<Report> read_report(const system::Files& files);
Result<Outcome> write_report(const system::Files& files, const Report& report);

// The plan for machines: verdict, says, hint, drives, steps with their commands and what they destroy.
boost::json::object describe(const Plan& plan);

// cache.provisioned, cache.mounted, cache.array and cache.rivals.
Findings findings(const Result<Report>& report, const facts::Facts& facts, const profile::Profile& profile,
                  std::chrono::system_clock::time_point now);

// cache.space: what Files::space said of the cache path, against the reserves of the profile; with what fills
// the cache most, as far as it was measured.
NamedFinding space_finding(const Result<system::Space>& space, const facts::Facts& facts,
                           const profile::Profile& profile, std::chrono::system_clock::time_point now);

}  // namespace fettle::storage
