#include "profile/load.h"

#include <algorithm>
#include <array>
#include <set>

#include "profile/arrangement.h"
#include "profile/choose.h"
#include "profile/configuration.h"
#include "profile/documents.h"
#include "profile/kinds.h"
#include "profile/opening.h"
#include "profile/places.h"
#include "profile/rules.h"

namespace fettle::profile {
namespace {

// Collects the files of one configuration.
class Loader {
 public:
  explicit Loader(const system::Files& files) : files_(files) {
    if (auto found = places(files)) {
      places_ = std::move(*found);
    } else {
      places_ = {std::string(names::site_profiles), std::string(names::shipped_profiles)};
      complaints_.push_back({std::string(bundles_directory), 0, 0, found.error().said, found.error().hint});
    }
  }
  Loader(const system::Files& files, std::vector<std::string> places)
      : files_(files), places_(std::move(places)) {}

  Loaded load(Tables tables, std::string_view config_file) {
    Wanted wanted = read_wanted(files_, config_file);
    if (const auto& configuration = wanted.configuration) {
      origins_ = configuration->origins;
      if (!configuration->profile.name.empty()) find_profile(wanted.readings, *configuration);
      for (const Named& shelf : configuration->shelves) find_shelf(wanted.readings, shelf);
      find_images(wanted.readings, *configuration);
    }
    find_tables(tables);
    check_gpu_family();
    finish();
    return given(take_all(wanted.readings));
  }

  LoadedImages load_images(std::string_view config_file) {
    Wanted wanted = read_wanted(files_, config_file);
    LoadedImages loaded;
    if (wanted.configuration) loaded.lists = find_images(wanted.readings, *wanted.configuration);
    loaded.complaints = given(take_all(wanted.readings)).complaints;
    if (!loaded.complaints.empty()) loaded.lists.clear();
    return loaded;
  }

  LoadedArrangement load_arrangement(std::string_view config_file) {
    Wanted wanted = read_wanted(files_, config_file);
    LoadedArrangement loaded{std::nullopt, take_all(wanted.readings)};
    if (wanted.configuration && loaded.complaints.empty())
      loaded.arrangement = std::move(wanted.configuration->arrangement);
    return loaded;
  }

  Loaded load_tables() {
    find_tables(Tables::all);
    return given({});
  }

  LoadedModels load_models() {
    LoadedModels loaded;
    ModelTables& tables = loaded.tables.emplace();
    need("models/facts", find_file("models/facts", "models", [&](Reading& reading, const Node& root) {
           read_models(reading, root, tables.models);
         }));
    need("models/rules", find_file("models/rules", "model-rules", [&](Reading& reading, const Node& root) {
           read_model_rules(reading, root, tables.rules);
         }));
    loaded.complaints = std::move(complaints_);
    if (!loaded.complaints.empty()) loaded.tables.reset();
    return loaded;
  }

 private:
  Loaded given(Complaints complaints) {
    Loaded loaded;
    loaded.complaints = std::move(complaints);
    for (Complaint& complaint : complaints_) loaded.complaints.push_back(std::move(complaint));
    if (!loaded.complaints.empty()) return loaded;
    loaded.profile = std::move(profile_);
    loaded.origins = std::move(origins_);
    return loaded;
  }

  // Reads `name` from the first place that has it. False when there is none.
  template <class Read>
  bool find_file(const std::string& name, std::string_view kind, const Read& read) {
    for (const std::string& place : places_) {
      const std::string file = place + "/" + name + ".yaml";
      Reading reading(file);
      const auto text = read_text_of(reading, files_, file, Owners::trusted);
      if (!text && text.error().why == Why::missing) continue;
      if (text) {
        const Document document = open_own(reading, files_, *text);
        if (is_wanted_kind(reading, document, kind)) read(reading, document.root);
      } else {
        complain_of_whole(reading, text.error());
      }
      for (Complaint& complaint : reading.take()) complaints_.push_back(std::move(complaint));
      return true;
    }
    return false;
  }

  static void complain_absent(std::vector<Reading>& readings, const Named& wanted, std::string_view noun,
                              const std::string& name) {
    reading_of(readings, wanted)
        .complain(wanted.place, "there is no " + std::string(noun) + " '" + wanted.name + "'",
                  "neither " + std::string(names::site_profiles) + "/" + name + ".yaml nor " +
                      std::string(names::shipped_profiles) + "/" + name +
                      ".yaml exists; `fettle profile list` shows those that do");
  }

  // One profile file; what it does not say comes from its base. `depth` counts the files on the way.
  bool read_one(const std::string& name, Profile& out, unsigned depth) {
    return find_file(name, "profile", [&](Reading& reading, const Node& root) {
      out.file = reading.file();
      read_profile(reading, root, out);
      out.name = name;
      remember(reading, root);
      if (const Node* const gpus = root.find("gpus")) {
        const Node* const model = gpus->find("model");
        if (model != nullptr && depth == 0) gpu_model_ = {reading.file(), model->place};
      }
      if (out.extends.empty()) return;
      const Place place = root.find("extends")->place;
      Profile base;
      if (depth >= longest_chain) {
        reading.complain(place, "more than " + std::to_string(longest_chain) + " profiles extend each other",
                         "a chain that ends");
      } else if (!read_one(out.extends, base, depth + 1)) {
        reading.complain(place, "there is no profile '" + out.extends + "' to extend",
                         "`fettle profile list` shows those that are");
      } else {
        take_from_base(out, root, base);
      }
    });
  }

  // A file that extends another is read first, and the configuration before both: the first that says it
  // counts. Of `host` each key is taken for itself.
  void remember(const Reading& reading, const Node& root) {
    constexpr std::array<std::string_view, 6> of_the_file{"schema", "kind", "name", "why", "extends", "for"};
    const auto add = [&](const std::string& key, const Node::Entry& entry) {
      std::vector<Origin>& origins = origins_;
      if (std::none_of(origins.begin(), origins.end(), [&](const Origin& each) { return each.key == key; }))
        origins.push_back({key, "", reading.file(), entry.place.line, entry.place.column});
    };
    for (const Node::Entry& entry : root.entries) {
      if (std::find(of_the_file.begin(), of_the_file.end(), entry.key) != of_the_file.end()) continue;
      if (entry.key != "host") {
        add(entry.key, entry);
        continue;
      }
      for (const Node::Entry& inner : entry.value.entries) add("host." + inner.key, inner);
    }
  }

  void find_profile(std::vector<Reading>& readings, const Configuration& wanted) {
    std::string name = wanted.profile.name;
    std::string chosen(named_by_hand);
    if (name == automatic) {
      const Choice choice = choose(list(files_), files_);
      if (choice.name.empty()) {
        reading_of(readings, wanted.profile).complain(wanted.profile.place, choice.why, choice.advice);
        return;
      }
      name = choice.name;
      chosen = choice.why;
    }
    if (!read_one(name, profile_, 0))
      complain_absent(readings, {name, wanted.profile.place, wanted.profile.file}, "profile", name);
    profile_.chosen = chosen;
    if (wanted.cache) profile_.cache = wanted.cache;
    profile_.price = wanted.price;
    profile_.engines = wanted.engines;
  }

  void find_shelf(std::vector<Reading>& readings, const Named& wanted) {
    if (wanted.name.empty()) return;  // there is a complaint about it
    Shelf shelf;
    const std::string name = "shelves/" + wanted.name;
    const bool found = find_file(
        name, "shelf", [&](Reading& reading, const Node& root) { read_shelf(reading, root, shelf); });
    if (!found) complain_absent(readings, wanted, "shelf", name);
    shelf.name = wanted.name;
    profile_.shelves.push_back(std::move(shelf));
  }

  std::vector<ImageList> find_images(std::vector<Reading>& readings, const Configuration& configuration) {
    std::vector<ImageList> lists;
    for (const Named& wanted : configuration.images) {
      if (wanted.name.empty()) continue;  // there is a complaint about it
      ImageList& list = lists.emplace_back();
      const std::string name = "images/" + wanted.name;
      const bool found = find_file(
          name, "images", [&](Reading& reading, const Node& root) { read_images(reading, root, list); });
      if (!found) complain_absent(readings, wanted, "list of images", name);
      list.name = wanted.name;
    }
    return lists;
  }

  // A table of the package that is not there.
  void need(const std::string& name, bool found) {
    if (found) return;
    const std::string file = std::string(names::shipped_profiles) + "/" + name + ".yaml";
    complaints_.push_back({file, 0, 0, "cannot read '" + file + "': No such file or directory",
                           "it is part of the package: reinstall it"});
  }

  void find_tables(Tables tables) {
    if (tables == Tables::all) {
      need("compat/rocm", find_file("compat/rocm", "compatibility", [&](Reading& reading, const Node& root) {
             read_compatibility(reading, root, profile_.compat);
           }));
      need("kernel-log", find_file("kernel-log", "kernel-log", [&](Reading& reading, const Node& root) {
             KernelLogTable table;
             read_kernel_log(reading, root, table);
             profile_.log_rules = std::move(table.rules);
           }));
    }
    need("gpus", find_file("gpus", "gpus", [&](Reading& reading, const Node& root) {
           GpuTable table;
           read_gpus(reading, root, table);
           profile_.gpu_models = std::move(table.devices);
         }));
  }

  void check_gpu_family() {
    if (!profile_.gpus || profile_.gpus->model.empty() || profile_.gpu_models.empty()) return;
    std::set<std::string> families;
    for (const GpuModel& each : profile_.gpu_models) families.insert(each.family);
    if (families.count(profile_.gpus->model) != 0) return;
    std::string known;
    for (const std::string& family : families) known.append(known.empty() ? "" : ", ").append(family);
    complaints_.push_back({gpu_model_.file, gpu_model_.place.line, gpu_model_.place.column,
                           "no GPU is of the model '" + shown(profile_.gpus->model) + "'",
                           "known are: " + known});
  }

  void finish() {
    if (profile_.cache) {
      for (Variable& variable : profile_.environment) {
        for (auto at = variable.value.find(cache_placeholder); at != std::string::npos;
             at = variable.value.find(cache_placeholder, at + profile_.cache->path.size())) {
          variable.value.replace(at, cache_placeholder.size(), profile_.cache->path);
        }
      }
    }
    std::stable_sort(profile_.shelves.begin(), profile_.shelves.end(),
                     [](const Shelf& a, const Shelf& b) { return a.priority > b.priority; });
  }

  static constexpr unsigned longest_chain = 4;

  struct Written {
    std::string file;
    Place place;
  };

  const system::Files& files_;
  std::vector<std::string> places_;
  Profile profile_;
  std::vector<Origin> origins_;
  Complaints complaints_;
  Written gpu_model_;
};

Complaints check_document(Reading& reading, std::string_view text) {
  const Document document = open_document(reading, text);
  if (document.kind != nullptr) document.kind->check(reading, document.root);
  return reading.take();
}

// What is at one place, added to `found` unless an earlier place had it.
void list_place(const system::Files& files, std::string_view kind, const std::string& directory,
                std::vector<Found>& found) {
  constexpr std::string_view ending = ".yaml";
  const auto names = files.list(directory);
  if (!names) {
    if (names.error().why == Why::missing) return;  // it holds nothing
    found.push_back(
        {"", std::string(kind), directory, "", {{directory, 0, 0, names.error().said, names.error().hint}}});
    return;
  }
  for (const std::string& name : *names) {
    if (name.size() <= ending.size() || name.substr(name.size() - ending.size()) != ending) continue;
    Found each;
    each.name = name.substr(0, name.size() - ending.size());
    each.kind = kind;
    each.file = directory;
    each.file.append("/").append(name);
    if (std::any_of(found.begin(), found.end(),
                    [&](const Found& other) { return other.kind == kind && other.name == each.name; })) {
      continue;
    }
    Reading reading(each.file);
    if (!is_name(each.name)) {
      reading.complain({}, "a configuration cannot name '" + shown(each.name) + "'",
                       std::string(name_rule.allowed));
    }
    const auto text = read_text_of(reading, files, each.file, Owners::trusted);
    if (text) {
      const Document document = open_own(reading, files, *text);
      if (document.kind != nullptr && document.kind->name != kind) continue;  // gpus.yaml beside the profiles
      if (document.kind != nullptr) document.kind->check(reading, document.root);
      each.complaints = reading.take();
      const Node* const why = document.root.find("why");
      if (why != nullptr && each.complaints.empty()) each.why = why->text;
      const Node* const match = document.root.find("for");
      if (match != nullptr && each.complaints.empty() && kind == "profile")
        read_match(reading, *match, "'for'", each.match);
    } else {
      complain_of_whole(reading, text.error());
    }
    for (Complaint& complaint : reading.take()) each.complaints.push_back(std::move(complaint));
    found.push_back(std::move(each));
  }
}

}  // namespace

Loaded load(const system::Files& files, Tables tables, std::string_view config_file) {
  return Loader(files).load(tables, config_file);
}

Loaded load_from(const system::Files& files, std::vector<std::string> places) {
  return Loader(files, std::move(places)).load(Tables::all, names::config_file);
}

Loaded load_tables(const system::Files& files) {
  return Loader(files).load_tables();
}

LoadedArrangement load_arrangement(const system::Files& files, std::string_view config_file) {
  return Loader(files).load_arrangement(config_file);
}

LoadedImages load_images(const system::Files& files, std::string_view config_file) {
  return Loader(files).load_images(config_file);
}

LoadedModels load_models(const system::Files& files) {
  return Loader(files).load_models();
}

Complaints check_text(std::string_view text, std::string_view file) {
  Reading reading(file);
  return check_document(reading, text);
}

Complaints check(const system::Files& files, std::string_view file) {
  Reading reading(file);
  const auto text = read_text_of(reading, files, file, Owners::anybody);
  if (text) return check_document(reading, *text);
  complain_of_whole(reading, text.error());
  return reading.take();
}

std::vector<Found> list(const system::Files& files) {
  std::vector<Found> found;
  const auto all = places(files);
  if (!all) {
    const Error& error = all.error();
    const std::string directory(bundles_directory);
    found.push_back({"", "profile", directory, "", {{directory, 0, 0, error.said, error.hint}}});
    return found;
  }
  for (const std::string& place : *all) {
    list_place(files, "profile", place, found);
    list_place(files, "shelf", place + "/shelves", found);
    list_place(files, "images", place + "/images", found);
  }
  return found;
}

}  // namespace fettle::profile
