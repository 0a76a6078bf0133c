// Documents: how each kind of YAML file becomes its structure. The tables of keys are in document_*.cpp.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "profile/arrangement.h"
#include "profile/images.h"
#include "profile/models.h"
#include "profile/origin.h"
#include "profile/profile.h"
#include "profile/reading.h"

namespace fettle::profile {

// Fragments of a configuration lie in a directory of this name beside it.
inline constexpr std::string_view fragment_directory = "conf.d";

// A name of another file, and where it stands: complaints about that file point here.
struct Named {
  std::string name;
  Place place;
  std::string file;
};

// /etc/fettle/fettle.yaml and its fragments: which files are wanted, and what differs on this node.
struct Configuration {
  Named profile;
  std::vector<Named> shelves;
  std::vector<Named> images;
  std::optional<Cache> cache;  // in place of the profile's
  std::optional<Price> price;
  std::vector<Engine> engines;
  Arrangement arrangement;
  std::vector<Origin> origins;
};

// A file in a directory of this name adds to a configuration and need not say all.
bool is_fragment(std::string_view file);

// Reads one file after another into one configuration; configuration.h tells how they go together.
class ConfigurationReader {
 public:
  void read(Reading& reading, const Node& root);
  Configuration take() { return std::move(out_); }

 private:
  Configuration out_;
  Once shelves_{"the shelf"};
  Once engines_{"the engine"};
  Once consumers_{"the consumer"};
  Once places_{"the place"};
};

struct GpuTable {
  std::vector<CompatSource> sources;
  std::vector<GpuModel> devices;
};

struct KernelLogTable {
  std::vector<CompatSource> sources;
  std::vector<LogRule> rules;
};

void read_profile(Reading& reading, const Node& root, Profile& out);
void read_shelf(Reading& reading, const Node& root, Shelf& out);
void read_images(Reading& reading, const Node& root, ImageList& out);
void read_compatibility(Reading& reading, const Node& root, Compat& out);
void read_gpus(Reading& reading, const Node& root, GpuTable& out);
void read_kernel_log(Reading& reading, const Node& root, KernelLogTable& out);
void read_models(Reading& reading, const Node& root, std::vector<ModelFacts>& out);
void read_model_rules(Reading& reading, const Node& root, ModelRules& out);

// The value of the key `cache`, in a profile and in a configuration.
void read_cache(Reading& reading, const Node& node, const std::string& what, std::optional<Cache>& out);

// "0x74a1"; document_host.cpp.
void read_pci_device(Reading& reading, const Node& node, const std::string& what, unsigned& out);

// The value of the key `deep` of a profile; document_deep.cpp.
void read_deep(Reading& reading, const Node& node, const std::string& what, std::vector<DeepCheck>& out);

// The values of the keys `host` and `for` of a profile; document_host.cpp.
void read_host(Reading& reading, const Node& node, const std::string& what, std::optional<Host>& out);
void read_match(Reading& reading, const Node& node, const std::string& what, std::optional<Match>& out);

// What an extending profile does not say is taken from its base; sections are taken whole, of `host` each
// key. `root` is the document of `over`.
void take_from_base(Profile& over, const Node& root, const Profile& base);

// The value of a key `name`: a file may say its own name, but no other.
void own_name(Reading& reading, const Node& node, const std::string& what, std::string& out);

// The list `sources` of a table, and that what refers to them finds them; document_tables.cpp.
void read_source(Reading& reading, const Node& node, const std::string& what, CompatSource& out);
void entries_must_be_sound(Reading& reading, const Node& root, std::string_view list, std::string_view key,
                           const std::string& noun, const std::vector<CompatSource>& sources);

// What stands in the file for the cache path; load() replaces it.
inline constexpr std::string_view cache_placeholder = "{cache}";

}  // namespace fettle::profile
