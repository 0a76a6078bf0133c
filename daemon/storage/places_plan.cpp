#include <algorithm>
#include <array>

#include "base/text.h"
#include "base/unit_name.h"
#include "storage/places.h"
#include "storage/places_record.h"

namespace fettle::storage {
namespace {

bool is_below(const std::string& path, const std::string& other) {
  return path == other || path.starts_with(other + "/");
}

Error refused(const SeenPlace& seen, const std::string& why, std::string advice) {
  return {Why::refused, "cannot lead '" + seen.path + "' onto the cache: " + why, std::move(advice)};
}

std::string unit_path(const std::string& path) {
  return std::string(unit_directory) + "/" + mount_unit_of(path);
}

class Deciding {
 public:
  Deciding(const SeenPlaces& seen, const std::optional<profile::Cache>& cache) : seen_(seen), cache_(cache) {}

  PlacesPlan decide() && {
    for (const SeenPlace& place : seen_.places) {
      if (auto error = why_not(place)) {
        plan_.refused.push_back(std::move(*error));
        keep(place);
      } else if (place.wanted.as == profile::PlaceAs::bind) {
        mount(place);
      } else {
        link(place);
      }
    }
    if (!mounts_.empty()) add_drop_in();
    plan_.units = plan_unit_files(units_, seen_.units);
    settle_links();
    return std::move(plan_);
  }

 private:
  // What is wrong with the wish itself, then with what is there.
  std::optional<Error> why_not(const SeenPlace& place) const {
    if (!cache_) return refused(place, "the profile wants no cache", "take it out of `places`");
    if (place.target.empty()) {
      return refused(place, "the profile has no cache directory '" + place.wanted.cache + "'",
                     "name one of those that `fettle storage caches` lists");
    }
    if (!place.at) return while_doing("lead '" + place.path + "' onto the cache", place.at.error());
    if (is_below(place.path, cache_->path) || is_below(cache_->path, place.path))
      return refused(place, "it and '" + cache_->path + "' lie in each other", "take it out of `places`");
    for (const SeenPlace& other : seen_.places) {
      if (&other == &place || !is_below(place.path, other.path)) continue;
      return refused(place, "it lies in '" + other.path + "', which is led there too",
                     "one of the two is enough: take the inner one out of `places`");
    }
    if (!place.detour.empty()) {
      return refused(place, "'" + place.detour + "' on the way there is a link or no directory",
                     "name the path without links");
    }
    return why_not_there(place);
  }

  std::optional<Error> why_not_there(const SeenPlace& place) const {
    const bool is_bind = place.wanted.as == profile::PlaceAs::bind;
    switch (*place.at) {
      case At::nothing:
        return std::nullopt;
      case At::empty_directory:
        if (is_bind) return std::nullopt;
        return refused(place, "it is an empty directory", "remove it: `rmdir " + place.path + "`");
      case At::full_directory:
        return refused(
            place, "it holds somebody's files ('" + place.detail + "')",
            "stop who uses them and move them to '" + place.target + "', or take it out of `places`");
      case At::link:
        if (!is_bind && place.detail == place.target) return std::nullopt;
        return refused(place, "it is a link to '" + place.detail + "'",
                       "remove the link, or take it out of `places`");
      case At::mount:
        if (is_bind && has_our_unit(place)) return std::nullopt;
        return refused(place, "'" + place.detail + "' is mounted there",
                       "unmount it, or take it out of `places`");
      case At::something_else:
        return refused(place, "it is no directory", "move it away, or take it out of `places`");
    }
    return std::nullopt;
  }

  bool has_our_unit(const SeenPlace& place) const {
    const auto unit = seen_.units.find(unit_path(place.path));
    return unit != seen_.units.end() && unit->second && unit->second->starts_with(our_first_line);
  }

  // What we made for a place stays as long as the place is asked for, whatever is in its way now.
  void keep(const SeenPlace& place) {
    if (place.wanted.as == profile::PlaceAs::bind && !place.target.empty() && cache_ && has_our_unit(place))
      mount(place);
    for (const MadeLink& made : seen_.standing) {
      if (made.path == place.path) plan_.remembered.push_back(made);
    }
  }

  // Without default dependencies: with them it would come before local-fs.target, and the cache comes after
  // it.
  void mount(const SeenPlace& place) {
    units_.push_back(
        {unit_path(place.path),
         "[Unit]\nDescription=" + place.target + " on " + place.path +
             "\nDefaultDependencies=no\nRequiresMountsFor=" + cache_->path +
             "\nRequires=fettle-cache.service\nAfter=fettle-cache.service\nConflicts=umount.target\n"
             "Before=umount.target\n\n[Mount]\nWhat=" +
             place.target + "\nWhere=" + place.path + "\nType=none\nOptions=bind\n",
         "'" + place.target + "' is mounted on '" + place.path + "' with the cache"});
    mounts_ += " " + mount_unit_of(place.path);
  }

  void add_drop_in() {
    units_.push_back({std::string(places_drop_in),
                      "[Unit]\nWants=" + mounts_.substr(1) + "\nAfter=" + mounts_.substr(1) + "\n",
                      "the cache is ready when its places are mounted"});
  }

  void link(const SeenPlace& place) {
    const MadeLink wanted{place.path, place.target};
    if (*place.at == At::nothing) {
      plan_.links.push_back({wanted, place.missing, place.owner,
                             "make the link '" + place.path + "' to '" + place.target + "'"});
      plan_.remembered.push_back(wanted);
      return;
    }
    // There already: it is ours to take away later only when we made it.
    if (std::find(seen_.standing.begin(), seen_.standing.end(), wanted) != seen_.standing.end())
      plan_.remembered.push_back(wanted);
  }

  void settle_links() {
    if (!seen_.made) {
      if (!plan_.links.empty()) plan_.refused.push_back(while_doing("make links", seen_.made.error()));
      plan_.links.clear();
      plan_.remembered.clear();
      return;
    }
    for (const MadeLink& made : seen_.standing) {
      const auto is_it = [&](const MadeLink& link) { return link.path == made.path; };
      if (std::none_of(plan_.remembered.begin(), plan_.remembered.end(), is_it))
        plan_.left_over.push_back(made);
    }
    plan_.remembers_already = plan_.remembered == *seen_.made;
  }

  const SeenPlaces& seen_;
  const std::optional<profile::Cache>& cache_;
  std::vector<UnitFile> units_;
  std::string mounts_;
  PlacesPlan plan_;
};

Result<Outcome> make_link(const LinkStep& step, const system::Files& files) {
  // set_link() would replace one that came since.
  const auto there = files.look(step.link.path);
  if (there || there.error().why != Why::missing) {
    return fail(Why::refused, "cannot make the link '" + step.link.path + "': something is there by now",
                "`fettle plan` looks again");
  }
  for (const std::string& directory : step.directories) {
    // A captured machine's users are not those of the machine it lies on.
    const auto made = files.is_the_machine() ? files.make_directory(directory, 0755, step.owner)
                                             : files.make_directory(directory, 0755);
    if (!made) return made;
  }
  return files.set_link(step.link.path, step.link.target);
}

// Only what still is the link that we made.
Result<Outcome> remove_link(const MadeLink& link, const system::Files& files) {
  const auto target = files.read_link(link.path);
  if (!target || *target != link.target) return Outcome::already_so;
  return files.remove(link.path);
}

Arranged arranged(std::string says, const Result<Outcome>& done) {
  if (done) return {std::move(says), *done, {}};
  return {std::move(says), done.error().why == Why::refused ? Outcome::refused : Outcome::failed,
          done.error()};
}

bool is_private(const std::string& path) {
  return path.starts_with("/home/") || path.starts_with("/root/") || path.starts_with('~');
}

}  // namespace

bool PlacesPlan::changes_nothing() const {
  return units.steps.empty() && links.empty() && left_over.empty();
}

PlacesPlan plan_places(const SeenPlaces& seen, const std::optional<profile::Cache>& cache) {
  return Deciding(seen, cache).decide();
}

std::vector<std::string> to_lines(const PlacesPlan& plan) {
  std::vector<std::string> lines;
  for (const UnitFileStep& step : plan.units.steps) lines.push_back(step.says);
  for (const LinkStep& step : plan.links) lines.push_back(step.says);
  for (const MadeLink& link : plan.left_over) lines.push_back("remove the link '" + link.path + "'");
  for (const Error& error : plan.units.refused) lines.push_back("refused: " + error.said);
  for (const Error& error : plan.refused) lines.push_back("refused: " + error.said);
  return lines;
}

std::vector<Arranged> apply(const PlacesPlan& plan, const system::Files& all_files) {
  std::vector<Arranged> all = apply(plan.units, all_files);
  if (plan.links.empty() && plan.left_over.empty() && plan.remembers_already && plan.refused.empty())
    return all;
  // Who owns a home directory can put a link on the way after we looked: root must not follow it.
  const auto strict = all_files.without_links();
  if (!strict) {
    all.push_back(arranged("make links", fail(strict.error())));
    return all;
  }
  const system::Files& files = *strict;
  for (const Error& error : plan.refused) all.push_back({{}, Outcome::refused, error});
  for (const MadeLink& link : plan.left_over)
    all.push_back(arranged("remove the link '" + link.path + "'", remove_link(link, files)));
  if (!plan.remembers_already) {
    const auto written = write_made_links(all_files, plan.remembered);
    if (!written) {
      all.push_back(arranged("remember the links", written));
      return all;
    }
  }
  for (const LinkStep& step : plan.links) all.push_back(arranged(step.says, make_link(step, files)));
  return all;
}

NamedFinding places_finding(const SeenPlaces& seen, const std::optional<profile::Cache>& cache,
                            std::chrono::system_clock::time_point now) {
  NamedFinding named{"cache.places", "places that lead onto the cache",
                     not_applicable("no place outside of home directories is asked to lead onto the cache"),
                     now};
  SeenPlaces visible{{}, seen.units, std::vector<MadeLink>(), {}};
  std::size_t unmounted = 0;
  for (const SeenPlace& place : seen.places) {
    if (is_private(place.path)) continue;
    visible.places.push_back(place);
    if (place.wanted.as == profile::PlaceAs::bind && (!place.at || *place.at != At::mount)) ++unmounted;
  }
  const PlacesPlan plan = plan_places(visible, cache);
  if (!plan.refused.empty()) {
    named.finding = {Status::warn, plan.refused.front().said, plan.refused.front().hint};
  } else if (!plan.units.refused.empty()) {
    named.finding = {Status::warn, plan.units.refused.front().said, plan.units.refused.front().hint};
  } else if (!plan.changes_nothing()) {
    named.finding = {Status::warn, "places do not lead where the configuration says",
                     "`fettle plan` shows what to change, `fettle apply` does it"};
  } else if (unmounted != 0) {
    named.finding = {
        Status::warn, count_of(unmounted, "place") + " of the cache not mounted",
        "`systemctl start fettle-cache.target`; `systemctl status` of the mount unit tells why not"};
  } else if (!visible.places.empty()) {
    named.finding = {Status::pass, count_of(visible.places.size(), "place") + " on the cache", {}};
  }
  return named;
}

}  // namespace fettle::storage
