#include "profile/configuration.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "profile/opening.h"

namespace fettle::profile {
namespace {

// The fragments' names with their directory. What else lies there is left alone (README,
// 10-site.yaml.dpkg-old), but not a file that was meant to be one.
std::vector<std::string> list_fragments(Reading& reading, const system::Files& files) {
  const std::string& directory = reading.file();
  const auto names = files.list(directory);
  if (!names) {
    if (names.error().why != Why::missing) complain_of_whole(reading, names.error());
    return {};
  }
  must_be_ours(reading, files, directory);
  std::vector<std::string> fragments;
  for (const std::string& name : *names) {
    if (name.starts_with('.')) continue;
    if (name.ends_with(".yml")) {
      reading.complain({}, "'" + shown(name) + "' is not read", "a name that ends in .yaml");
    } else if (name.ends_with(".yaml")) {
      fragments.push_back(directory + "/" + name);
    }
  }
  return fragments;
}

// False when there is no such document.
bool read_one(Reading& reading, const system::Files& files, ConfigurationReader& reader) {
  const auto text = read_text_of(reading, files, reading.file(), Owners::trusted);
  if (!text) {
    Error error = text.error();
    if (error.why == Why::missing && !is_fragment(reading.file()))
      error.hint = "the package puts one there; without it nothing is wanted or done";
    complain_of_whole(reading, error);
    return false;
  }
  const Document document = open_document(reading, *text);
  if (!is_wanted_kind(reading, document, "configuration")) return false;
  reader.read(reading, document.root);
  return true;
}

}  // namespace

Wanted read_wanted(const system::Files& files, std::string_view config_file) {
  Wanted wanted;
  ConfigurationReader reader;
  const bool is_there = read_one(wanted.readings.emplace_back(config_file), files, reader);
  const std::string directory(config_file.substr(0, config_file.find_last_of('/') + 1));
  auto& listing = wanted.readings.emplace_back(directory + std::string(fragment_directory));
  for (const std::string& fragment : list_fragments(listing, files))
    (void)read_one(wanted.readings.emplace_back(fragment), files, reader);
  if (is_there) wanted.configuration = reader.take();
  return wanted;
}

Reading& reading_of(std::vector<Reading>& readings, const Named& name) {
  const auto at = std::find_if(readings.begin(), readings.end(),
                               [&](const Reading& reading) { return reading.file() == name.file; });
  return at == readings.end() ? readings.front() : *at;
}

Complaints take_all(std::vector<Reading>& readings) {
  Complaints all;
  for (Reading& reading : readings) {
    Complaints complaints = reading.take();
    std::move(complaints.begin(), complaints.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace fettle::profile
