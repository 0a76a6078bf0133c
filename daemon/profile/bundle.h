// Bundle: profiles, shelves, locks and tables of a site as one archive with a version, installed as a whole.
//
// The archive is a tar (zstd by its name) whose first entry is bundle.json: name, version, and the SHA-256 of
// each file that follows, laid out as below /usr/share/fettle/profiles. It is read whole and checked before
// anything is written. What is installed lies in .store/NAME-HASH below bundles_directory, and a link NAME
// leads to it: the link is what is replaced, in one step. The version before stays, and .before/NAME leads to
// it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "profile/complaint.h"
#include "system/files.h"

namespace fettle::profile {

struct Bundle {
  std::string name;
  std::string version;
  std::map<std::string, std::string> files;  // "shelves/tiny.yaml" -> its text
};

// Everything below a directory that belongs into a bundle. malformed for a name or version that cannot be
// one, and when there is nothing. What else lies there is left out and named.
struct Collected {
  Bundle bundle;
  std::vector<std::string> left_out;
};
Result<Collected> collect_bundle(const system::Files& files, std::string_view directory, std::string name,
                                 std::string version);

// Writes the archive: the same bytes for the same content.
Result<void> write_bundle(const system::Files& files, const Bundle& bundle, std::string_view path);

// malformed for anything that is not exactly what bundle.json says.
Result<Bundle> read_bundle(const system::Files& files, std::string_view path);

// The mistakes of its YAML files, as `profile check` finds them.
Complaints check(const Bundle& bundle);

struct Installed {
  std::string name;
  std::string version;
  std::string directory;
  std::string before;  // the version that was there before, and is kept; may be empty
};
std::vector<Installed> installed_bundles(const system::Files& files);

// Which bundle of another name has one of these files already; empty when none.
std::optional<Error> clash_of(const system::Files& files, const Bundle& bundle);

// In three steps, so that the configuration can be tried with it in between: written beside, put in place,
// and whatever is neither the version now nor the one before removed.
Result<std::string> store_bundle(const system::Files& files, const Bundle& bundle);  // its directory
Result<Outcome> put_in_place(const system::Files& files, const Bundle& bundle);
Result<void> remove_unused(const system::Files& files, std::string_view name);

// The version before takes the place of the present one, which is then the one before.
Result<Installed> restore_bundle(const system::Files& files, std::string_view name);

// Both versions go.
Result<void> remove_bundle(const system::Files& files, std::string_view name);

}  // namespace fettle::profile
