// Loading: what this node is wanted to be, from the configuration and the files it names, or every mistake in
// them.
//
// Files of nine kinds, told apart by their key `kind`: configuration, profile, shelf, images, compatibility,
// gpus, kernel-log, models, model-rules (the last two are loaded apart, see models.h). Each is at most 256
// KiB, one document, without anchors, aliases and tags, at most 32 levels and 100,000 values. A name is
// looked for in names::site_profiles first and then in names::shipped_profiles; `shelves/NAME.yaml` below
// them for shelves. The configuration has fragments in conf.d beside it (configuration.h). `profile: auto`
// takes the profile whose `for` tells most of this machine (choose.h). A `cache` in the configuration stands
// in place of the profile's: without `drives` it is a directory.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/names.h"
#include "profile/complaint.h"
#include "profile/origin.h"
#include "profile/profile.h"
#include "system/files.h"

namespace fettle::profile {

struct Loaded {
  std::optional<Profile> profile;  // only when there is no complaint
  Complaints complaints;           // file by file, in the order of their places
  std::vector<Origin> origins;     // which file set what; those of the configuration first
};

// The compatibility table is three quarters of what there is to read, and only judging versions needs it:
// whoever provisions, stages or tells the environment asks for `without_versions`, and is then not stopped by
// a mistake in that table either. Checks of versions must never see such a profile.
enum class Tables { all, without_versions };

// A missing configuration is a complaint, not an empty wish: the package ships one, so its absence is an
// accident, and a daemon that then called the node fine would claim health nobody asked for. Files that
// everybody may write are refused; on the machine itself (root "/") so are files of other users than root and
// ourselves.
Loaded load(const system::Files& files, Tables tables = Tables::all,
            std::string_view config_file = names::config_file);

// Only the tables that come with the package (Profile::compat, Profile::gpu_models), for questions that need
// no configuration.
Loaded load_tables(const system::Files& files);

// The mistakes of one file of any of our kinds, without looking at other files. Its owner does not matter.
Complaints check(const system::Files& files, std::string_view file);

// The same for a text that is at hand.
Complaints check_text(std::string_view text, std::string_view file);

// The files that names may lead to, site first; a shipped file of the same name is not listed again.
struct Found {
  std::string name;
  std::string kind;  // "profile" or "shelf"
  std::string file;
  std::string why;  // empty when the file has mistakes
  Complaints complaints;
  std::optional<Match> match = std::nullopt;  // of a profile without mistakes
};
std::vector<Found> list(const system::Files& files);

}  // namespace fettle::profile
