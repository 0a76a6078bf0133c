#include "profile/load.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>

#include "profile/arrangement.h"
#include "profile/choose.h"
#include "profile/documents.h"
#include "profile/kinds.h"
#include "profile/prepared.h"
#include "profile/rules.h"

namespace fettle::profile {
namespace {

// Who may own a file that is read. What root does depends on these files.
enum class Owners { anybody, trusted };

void complain_of_whole(Reading& reading, const Error& error) {
  reading.complain({}, error.said, error.hint);
}

Result<std::string> read_text_of(Reading& reading, const system::Files& files, std::string_view file,
                                 Owners owners) {
  const auto info = files.look_through(file);
  if (info && info->kind == system::Kind::file) {
    if ((info->mode & 0002U) != 0) {
      reading.complain({}, "everybody on this machine may write to it", "chmod o-w " + std::string(file));
    }
    if (owners == Owners::trusted && files.is_the_machine() && info->uid != 0 && info->uid != ::geteuid()) {
      reading.complain(
          {}, "it belongs to the user with id " + std::to_string(info->uid) + ", who could change it",
          "chown root " + std::string(file));
    }
  }
  return files.read(file, largest_file);
}

// The tree beside a file of the package, if it is there and of this text. Anything wrong with it only costs
// the time of parsing.
std::optional<Node> tree_of(const system::Files& files, std::string_view file, std::string_view text) {
  if (!file.starts_with(names::shipped_profiles)) return std::nullopt;
  const std::string tree = std::string(file) + std::string(tree_ending);
  Reading reading(tree);
  const auto json = read_text_of(reading, files, tree, Owners::trusted);
  if (!json || !reading.take().empty()) return std::nullopt;
  return read_tree(*json, text);
}

Document open(Reading& reading, const system::Files& files, std::string_view text) {
  if (auto tree = tree_of(files, reading.file(), text)) return open_prepared(reading, std::move(*tree));
  return open_document(reading, text);
}

// Collects the files of one configuration.
class Loader {
 public:
  explicit Loader(const system::Files& files) : files_(files) {}

  Loaded load(Tables tables, std::string_view config_file) {
    Reading configuration(config_file);
    const auto wanted = read_wanted(configuration, config_file);
    if (wanted) {
      if (!wanted->profile.name.empty()) find_profile(configuration, *wanted);
      for (const Named& shelf : wanted->shelves) find_shelf(configuration, shelf);
    }
    find_tables(tables);
    check_gpu_family();
    finish();
    return given(configuration.take());
  }

  LoadedArrangement load_arrangement(std::string_view config_file) {
    Reading configuration(config_file);
    auto wanted = read_wanted(configuration, config_file);
    LoadedArrangement loaded{std::nullopt, configuration.take()};
    if (wanted && loaded.complaints.empty()) loaded.arrangement = std::move(wanted->arrangement);
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
    if (loaded.complaints.empty()) loaded.profile = std::move(profile_);
    return loaded;
  }

  std::optional<Configuration> read_wanted(Reading& reading, std::string_view file) {
    const auto text = read_text_of(reading, files_, file, Owners::trusted);
    if (!text) {
      Error error = text.error();
      if (error.why == Why::missing)
        error.hint = "the package puts one there; without it nothing is wanted or done";
      complain_of_whole(reading, error);
      return std::nullopt;
    }
    const Document document = open_document(reading, *text);
    Configuration out;
    if (!is_wanted_kind(reading, document, "configuration")) return std::nullopt;
    read_configuration(reading, document.root, out);
    return out;
  }

  static bool is_wanted_kind(Reading& reading, const Document& document, std::string_view kind) {
    if (document.kind == nullptr) return false;
    if (document.kind->name == kind) return true;
    const Node* const at = document.root.find("kind");
    reading.complain(at->place, "the kind of this file is '" + std::string(document.kind->name) + "'",
                     "here '" + std::string(kind) + "' is wanted");
    return false;
  }

  // Reads `name` from the first place that has it. False when there is none.
  template <class Read>
  bool find_file(const std::string& name, std::string_view kind, const Read& read) {
    for (const std::string_view place : {names::site_profiles, names::shipped_profiles}) {
      const std::string file = std::string(place) + "/" + name + ".yaml";
      Reading reading(file);
      const auto text = read_text_of(reading, files_, file, Owners::trusted);
      if (!text && text.error().why == Why::missing) continue;
      if (text) {
        const Document document = open(reading, files_, *text);
        if (is_wanted_kind(reading, document, kind)) read(reading, document.root);
      } else {
        complain_of_whole(reading, text.error());
      }
      for (Complaint& complaint : reading.take()) complaints_.push_back(std::move(complaint));
      return true;
    }
    return false;
  }

  static void complain_absent(Reading& configuration, const Named& wanted, std::string_view noun,
                              const std::string& name) {
    configuration.complain(wanted.place, "there is no " + std::string(noun) + " '" + wanted.name + "'",
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

  void find_profile(Reading& configuration, const Configuration& wanted) {
    std::string name = wanted.profile.name;
    std::string chosen(named_by_hand);
    if (name == automatic) {
      const Choice choice = choose(list(files_), files_);
      if (choice.name.empty()) {
        configuration.complain(wanted.profile.place, choice.why, choice.advice);
        return;
      }
      name = choice.name;
      chosen = choice.why;
    }
    if (!read_one(name, profile_, 0))
      complain_absent(configuration, {name, wanted.profile.place}, "profile", name);
    profile_.chosen = chosen;
    if (wanted.cache) profile_.cache = wanted.cache;
    profile_.price = wanted.price;
    profile_.engines = wanted.engines;
  }

  void find_shelf(Reading& configuration, const Named& wanted) {
    if (wanted.name.empty()) return;  // there is a complaint about it
    Shelf shelf;
    const std::string name = "shelves/" + wanted.name;
    const bool found = find_file(
        name, "shelf", [&](Reading& reading, const Node& root) { read_shelf(reading, root, shelf); });
    if (!found) complain_absent(configuration, wanted, "shelf", name);
    shelf.name = wanted.name;
    profile_.shelves.push_back(std::move(shelf));
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
  Profile profile_;
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
      const Document document = open(reading, files, *text);
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

Loaded load_tables(const system::Files& files) {
  return Loader(files).load_tables();
}

LoadedArrangement load_arrangement(const system::Files& files, std::string_view config_file) {
  return Loader(files).load_arrangement(config_file);
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
  for (const std::string_view place : {names::site_profiles, names::shipped_profiles}) {
    list_place(files, "profile", std::string(place), found);
    list_place(files, "shelf", std::string(place) + "/shelves", found);
  }
  return found;
}

}  // namespace fettle::profile
