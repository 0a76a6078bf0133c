// Snapshot: what is known about the node at one moment, with every answer printed in advance. It never
// changes, so a request is one pointer and one write.
#pragma once

#include <array>
#include <boost/json/value.hpp>
#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/finding.h"
#include "profile/profile.h"
#include "serve/acknowledge.h"
#include "store/events.h"
#include "store/ledger.h"

namespace fettle::serve {

// The node in one word. The first rule that matches decides (judge()):
//   failed    a finding is `fail`, and it is not one of the groups named under degraded and starting
//   unknown   nothing was looked at, a finding (but those of "ras.", "host.", "log.", "engine.",
//             "deep." and "driver.next_boot") or a wanted shelf is unknown, or the snapshot is stale
//   degraded  the node can serve, but not all that is wanted: a shelf stopped, or a fail of "config.",
//   "env." or "engine."
//   starting  a wanted shelf is on its way; or, for 20 minutes from boot, the driver or the GPUs are
//   not
//             there yet, or provisioning or a shelf has not reported
//   ready     every finding is pass, not_applicable or warn, and every wanted shelf is ready
// /v1/health answers 200 for ready and degraded, 503 for the rest.
enum class State { starting, ready, degraded, failed, unknown };

std::string_view to_text(State state);

// Drivers come late: Azure keeps amdgpu from loading and loads it minutes after boot.
inline constexpr std::chrono::minutes settling_time{20};

// An answer above this is not sent (500): the largest page of 3,800 repositories is below 2 MiB.
inline constexpr std::size_t answer_limit = std::size_t{4} << 20U;

// How far a shelf is, in the five ways that matter to the node's state; `word` is the shelf's own.
enum class Progress { waiting, working, ready, stopped, unknown };

// How much of a shelf was there at a moment.
struct ProgressSample {
  std::chrono::system_clock::time_point at{};
  Bytes done;
  Bytes verified;
};

struct Shelf {
  std::string name;
  Progress progress = Progress::unknown;
  std::string word;  // "wanted", "fetching", "failed" …
  Bytes done;
  Bytes verified;
  Bytes total;  // 0 = not known yet
  Bytes rate;   // a second, 0 when nothing moves
  std::optional<std::chrono::seconds> left;
  std::string error;                    // why it stopped, or why it is unknown
  boost::json::value detail = nullptr;  // the worker's own report: repositories and files
  std::vector<ProgressSample> history;  // what the daemon saw of its growth, oldest first
};

struct Cache {
  std::string path;  // empty = the profile wants none
  std::string kind;  // "drives" or "directory"
  std::optional<Bytes> total;
  std::optional<Bytes> available;
  // How long a few MiB took to write and sync; nothing when they did not come back.
  std::optional<std::chrono::microseconds> write;
};

// A directory of the cache. Nothing where it was not measured.
struct CacheDirectory {
  std::string name;
  std::optional<Bytes> used;
  Bytes reserve;                               // that the profile keeps for it
  Bytes quota;                                 // the most that it may hold; 0 = no limit
  std::optional<std::int64_t> bytes_per_hour;  // how fast it grows; negative when it shrinks
};

// What a drive of the cache said about itself.
struct DriveHealth {
  std::string serial;
  int temperature_celsius = 0;
  unsigned used_percent = 0;
  unsigned spare_percent = 0;
  std::uint64_t media_errors = 0;
  std::optional<std::chrono::microseconds> read;  // median of a few reads
};

struct Gpus {
  std::string model;  // what the profile wants; empty = nothing
  unsigned wanted = 0;
  std::optional<unsigned> seen;  // empty = could not look
  std::string driver;            // "6.14.14 (30.10.2)"; empty = none loaded
};

// An inference engine that the configuration names.
struct Engine {
  std::string name;
  std::string url;
  std::string state = "unknown";  // silent, starting, serving
  std::vector<std::string> models;
  // The first time in this boot.
  std::optional<std::chrono::system_clock::time_point> served_at;
  std::optional<std::chrono::system_clock::time_point> token_at;
};

using profile::Price;

// Everything a snapshot is made of, as plain values. `app` gathers it.
struct Inputs {
  std::string version;  // of fettle
  std::string profile;  // its name
  std::string profile_file;
  std::string profile_chosen;  // how it came to be this one, one sentence
  Findings findings;
  Cache cache;
  std::vector<CacheDirectory> caches;  // in the order of the profile
  std::vector<DriveHealth> drives;     // those that answered
  Gpus gpus;
  std::vector<Shelf> shelves;   // those that the profile wants, in its order
  std::vector<Engine> engines;  // those that the configuration names, in its order
  boost::json::value facts = nullptr;
  boost::json::value storage = nullptr;                // what provisioning reported
  boost::json::value collected = nullptr;              // what the collector found, a field a kind
  boost::json::value env = nullptr;                    // variables and where they are delivered
  std::string boot_id;                                 // of the kernel; empty = could not look
  std::vector<store::Boot> boots;                      // the ledger, this boot's row among them
  std::optional<store::Boot> first_boot;               // the oldest that had this cache
  std::string generation;                              // of the cache; empty = not known
  std::vector<store::Event> events;                    // the newest, oldest first
  Acknowledgements acknowledgements;                   // whose time was not over when the snapshot was made
  std::chrono::system_clock::time_point made_at{};     // when that was
  std::optional<Price> price;                          // of the node
  std::optional<std::chrono::seconds> uptime;          // of the node; empty = could not look
  std::chrono::system_clock::time_point started_at{};  // the daemon
  std::chrono::system_clock::time_point taken_at{};
  std::chrono::steady_clock::time_point
      taken_steady{};                 // ages are measured with this one: the wall clock jumps
  std::chrono::milliseconds took{0};  // how long the look lasted
  std::chrono::seconds refresh{
      0};  // time between two looks; three of them make a snapshot stale. 0 = never stale
};

struct Verdict {
  State state = State::unknown;
  std::string why;  // one sentence
};

Verdict judge(const Inputs& inputs);

// A body from its second part on. The first, `{"api":1,"age_seconds":N,"stale":false`, is printed when it is
// asked for.
struct Page {
  Page() = default;
  explicit Page(std::string fresh_text, std::string stale_text = {});

  std::string fresh;
  std::string stale;  // empty = the same as fresh
  // ETags, weak because the age in the first part is not counted: another look gives another one.
  std::string fresh_tag;
  std::string stale_tag;
};

class Snapshot {
 public:
  explicit Snapshot(const Inputs& inputs);

  const Verdict& verdict() const { return verdict_; }
  std::chrono::seconds age(std::chrono::steady_clock::time_point now) const;
  bool is_stale(std::chrono::steady_clock::time_point now) const;
  State state(std::chrono::steady_clock::time_point now) const {
    return is_stale(now) ? State::unknown : verdict_.state;
  }

  // Named by their paths: "/v1/status". Nothing for an unknown one.
  const Page* page(std::string_view path) const;
  const Page* shelf(std::string_view name) const;
  const Page& metrics() const { return metrics_; }
  // Null for an unknown one.
  const NamedFinding* finding(std::string_view id) const;
  const Acknowledgements& acknowledgements() const { return acknowledgements_; }

 private:
  Verdict verdict_;
  std::chrono::steady_clock::time_point taken_;
  std::chrono::seconds stale_after_{0};
  std::map<std::string, Page, std::less<>> pages_;
  std::map<std::string, Page, std::less<>> shelves_;
  Page metrics_;
  Findings findings_;
  Acknowledgements acknowledgements_;
};

}  // namespace fettle::serve
