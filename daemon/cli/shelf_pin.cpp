// fettle shelf lock|adopt: a shelf pinned to commits, sizes and hashes; from the source, or from what lies
// here.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <ostream>

#include "base/json.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/shelves.h"
#include "shelf/adopt.h"
#include "shelf/lock_file.h"

namespace fettle::cli {
namespace {

namespace json = boost::json;

Bytes bytes_of(const std::vector<shelf::Manifest>& manifests) {
  Bytes bytes;
  for (const shelf::Manifest& manifest : manifests) bytes += shelf::total_of(shelf::blobs_of(manifest));
  return bytes;
}

}  // namespace

int lock_shelf(Context& context, const profile::Profile& profile, const ShelfWords& words) {
  const auto wanted = find_shelf(profile, words.name);
  if (!wanted) return report(context, wanted.error(), bad_config);
  shelf::Options options;
  options.client = words.client;
  const auto pins = words.anew ? shelf::Pins::anew : shelf::Pins::known;
  const auto manifests = shelf::resolve_all(context.system, profile, *wanted, options, pins);
  if (!manifests) return report(context, manifests.error());
  const std::string path = words.file.empty() ? shelf::lock_path(words.name) : words.file;
  const auto written = context.system.files.write(path, shelf::to_json(*manifests), 0644);
  if (!written) return report(context, written.error());
  if (context.format == Format::json) {
    context.out << pretty_json(json::object{{"shelf", words.name},
                                            {"lock", path},
                                            {"changed", *written == Outcome::changed},
                                            {"repositories", manifests->size()},
                                            {"bytes", bytes_of(*manifests).count}});
    return ok;
  }
  context.out << (*written == Outcome::changed ? "wrote '" : "unchanged: '") << path
              << "': " << count_of(manifests->size(), "repository", "repositories") << ", "
              << to_text(bytes_of(*manifests)) << '\n';
  return ok;
}

int adopt_cache(Context& context, const profile::Profile& profile, const ShelfWords& words) {
  const auto adopted =
      shelf::adopt(context.system, profile, words.repositories, {}, progress_line(context, "verified"));
  if (!adopted) return report(context, adopted.error());
  const bool all = adopted->damages.empty() && adopted->left_out.empty();
  if (!adopted->manifests.empty()) {
    if (auto written = shelf::write_shelf(context.system.files, words.name, adopted->manifests); !written)
      return report(context, written.error());
  }
  const int code = adopted->manifests.empty() ? failed : all ? ok : partial;
  if (context.format == Format::json) {
    json::array damages;
    for (const shelf::Damage& one : adopted->damages)
      damages.push_back(
          {{"repository", one.repository}, {"path", one.path}, {"blob", one.blob}, {"says", one.says}});
    json::array left_out;
    for (const shelf::Kept& one : adopted->left_out)
      left_out.push_back({{"repository", one.path}, {"why", one.why}});
    context.out << pretty_json(json::object{{"shelf", words.name},
                                            {"repositories", adopted->manifests.size()},
                                            {"bytes", adopted->bytes.count},
                                            {"damages", std::move(damages)},
                                            {"left_out", std::move(left_out)}});
    return code;
  }
  for (const shelf::Manifest& one : adopted->manifests)
    context.out << "  " << one.id << " at " << one.revision.substr(0, 8) << ", every byte verified\n";
  for (const shelf::Damage& one : adopted->damages)
    context.out << "  damaged: '" << one.path << "' of " << one.repository << ": " << one.says << '\n';
  for (const shelf::Kept& one : adopted->left_out)
    context.out << "  left out: " << one.path << ": " << one.why << '\n';
  if (adopted->manifests.empty()) {
    context.out << "nothing was adopted\n";
    return code;
  }
  context.out << "adopted " << count_of(adopted->manifests.size(), "repository", "repositories") << ", "
              << to_text(adopted->bytes) << ", as shelf '" << words.name << "'\n  name it under 'shelves' in "
              << "/etc/fettle/fettle.yaml, and `fettle stage " << words.name << "` finds everything here\n";
  return code;
}

}  // namespace fettle::cli
