// The kinds "compatibility" and "gpus": facts that the package ships.
#include <array>
#include <set>

#include "base/text.h"
#include "profile/documents.h"
#include "profile/rules.h"

namespace fettle::profile {
namespace {

using Listed = CompatKernel::Listed;

constexpr auto texts = list_of<text<sentence_rule>, std::string>;
constexpr auto versions = list_of<text<version_rule>, std::string>;

constexpr std::array source_fields{
    field<&CompatSource::key, text<sentence_rule>>("key", Need::required),
    field<&CompatSource::kind, text<sentence_rule>>("kind", Need::required),
    field<&CompatSource::repo, text<sentence_rule>>("repo"),
    field<&CompatSource::path, text<sentence_rule>>("path"),
    field<&CompatSource::commit, text<sentence_rule>>("commit"),
    field<&CompatSource::title, text<sentence_rule>>("title"),
    field<&CompatSource::note, text<sentence_rule>>("note"),
};

}  // namespace

void read_source(Reading& reading, const Node& node, const std::string& what, CompatSource& out) {
  read_fields(reading, node, what, out, source_fields);
}

namespace {

// In quotes: a bare yes or no is a truth value to other readers of YAML.
constexpr std::array listed{
    Word<Listed>{"yes", Listed::yes},
    Word<Listed>{"no", Listed::no},
    Word<Listed>{"unstated", Listed::unstated},
};

constexpr std::array kernel_fields{
    field<&CompatKernel::series, text<version_rule>>("series", Need::required),
    field<&CompatKernel::track, text<sentence_rule>>("track", Need::required),
    field<&CompatKernel::mi300x, choice<listed, Listed>>("mi300x", Need::required),
    field<&CompatKernel::note, text<sentence_rule>>("note"),
};

void kernel(Reading& reading, const Node& node, const std::string& what, CompatKernel& out) {
  read_fields(reading, node, what, out, kernel_fields);
}

constexpr std::array ubuntu_fields{
    field<&CompatUbuntu::version, text<version_rule>>("version", Need::required),
    field<&CompatUbuntu::kernels, some_of<kernel, CompatKernel>>("kernels", Need::required),
};

void ubuntu(Reading& reading, const Node& node, const std::string& what, CompatUbuntu& out) {
  read_fields(reading, node, what, out, ubuntu_fields);
}

constexpr std::array release_fields{
    field<&CompatRelease::rocm, text<version_rule>>("rocm", Need::required),
    field<&CompatRelease::stream, text<sentence_rule>>("stream", Need::required),
    field<&CompatRelease::released, text<date_rule>>("released"),
    field<&CompatRelease::released_source, text<sentence_rule>>("released_source"),
    field<&CompatRelease::sources, some_of<text<sentence_rule>, std::string>>("sources", Need::required),
    field<&CompatRelease::drivers, versions>("drivers"),
    field<&CompatRelease::own_driver_tested_with, versions>("own_driver_tested_with"),
    field<&CompatRelease::pytorch, versions>("pytorch"),
    field<&CompatRelease::firmware, versions>("firmware"),
    field<&CompatRelease::note, text<sentence_rule>>("note"),
    field<&CompatRelease::ubuntu, list_of<ubuntu, CompatUbuntu>>("ubuntu"),
    field<&CompatRelease::other_distributions, texts>("other_distributions"),
};

void release(Reading& reading, const Node& node, const std::string& what, CompatRelease& out) {
  read_fields(reading, node, what, out, release_fields);
}

constexpr std::array driver_fields{
    field<&CompatDriver::release, text<version_rule>>("release", Need::required),
    field<&CompatDriver::module_version, text<version_rule>>("module_version"),
    field<&CompatDriver::module_version_verified, text<sentence_rule>>("module_version_verified"),
    field<&CompatDriver::package_version, text<sentence_rule>>("package_version"),
    field<&CompatDriver::shipped_with_rocm, text<version_rule>>("shipped_with_rocm"),
    field<&CompatDriver::user_space, versions>("user_space"),
    field<&CompatDriver::sources, some_of<text<sentence_rule>, std::string>>("sources", Need::required),
};

void driver(Reading& reading, const Node& node, const std::string& what, CompatDriver& out) {
  read_fields(reading, node, what, out, driver_fields);
}

constexpr std::array point_release_fields{
    field<&CompatPointRelease::version, text<version_rule>>("version", Need::required),
    field<&CompatPointRelease::ga, text<version_rule>>("ga", Need::required),
    field<&CompatPointRelease::hwe, text<version_rule>>("hwe"),
};

void point_release(Reading& reading, const Node& node, const std::string& what, CompatPointRelease& out) {
  read_fields(reading, node, what, out, point_release_fields);
}

constexpr std::array image_fields{
    field<&CompatImage::image, text<sentence_rule>>("image", Need::required),
    field<&CompatImage::rocm, text<version_rule>>("rocm", Need::required),
    field<&CompatImage::source, text<sentence_rule>>("source", Need::required),
};

void image(Reading& reading, const Node& node, const std::string& what, CompatImage& out) {
  read_fields(reading, node, what, out, image_fields);
}

constexpr std::array compatibility_fields{
    header<Compat>("schema"),
    header<Compat>("kind"),
    field<&Compat::as_of, text<month_rule>>("as_of", Need::required),
    field<&Compat::driver_rule, text<sentence_rule>>("driver_rule"),
    field<&Compat::driver_rule_sources, texts>("driver_rule_sources"),
    field<&Compat::sources, some_of<read_source, CompatSource>>("sources", Need::required),
    field<&Compat::releases, some_of<release, CompatRelease>>("releases", Need::required),
    field<&Compat::drivers, some_of<driver, CompatDriver>>("drivers", Need::required),
    field<&Compat::ubuntu_kernels, list_of<point_release, CompatPointRelease>>("ubuntu_kernels"),
    field<&Compat::cloud_images, list_of<image, CompatImage>>("cloud_images"),
};

std::set<std::string> keys_of(const std::vector<CompatSource>& sources) {
  std::set<std::string> keys;
  for (const CompatSource& each : sources) keys.insert(each.key);
  return keys;
}

void sources_must_be_known(Reading& reading, const Node* list, const std::set<std::string>& known) {
  if (list == nullptr) return;
  for (const Node& each : list->items) {
    if (each.kind != Node::Kind::text || known.count(each.text) != 0) continue;
    reading.complain(each.place, "there is no source '" + shown(each.text) + "'",
                     "a 'key' of the list 'sources'");
  }
}

}  // namespace

// Looks at `key` of each entry of the list: at its duplicates, and at the entry's sources.
void entries_must_be_sound(Reading& reading, const Node& root, std::string_view list, std::string_view key,
                           const std::string& noun, const std::vector<CompatSource>& sources) {
  const Node* const entries = root.find(list);
  if (entries == nullptr) return;
  const std::set<std::string> known = keys_of(sources);
  Once once(noun);
  for (const Node& each : entries->items) {
    if (const Node* const name = each.find(key)) once.see(reading, name->place, name->text);
    sources_must_be_known(reading, each.find("sources"), known);
  }
}

namespace {

constexpr std::array gpu_fields{
    field<&GpuModel::pci_device, read_pci_device>("id", Need::required),
    field<&GpuModel::name, text<sentence_rule>>("name", Need::required),
    field<&GpuModel::family, text<sentence_rule>>("family", Need::required),
    field<&GpuModel::gfx, text<sentence_rule>>("gfx", Need::required),
    field<&GpuModel::is_virtual, boolean>("virtual"),
    field<&GpuModel::note, text<sentence_rule>>("note"),
    field<&GpuModel::sources, texts>("sources"),
};

void gpu(Reading& reading, const Node& node, const std::string& what, GpuModel& out) {
  read_fields(reading, node, what, out, gpu_fields);
}

constexpr std::array gpu_table_fields{
    header<GpuTable>("schema"),
    header<GpuTable>("kind"),
    field<&GpuTable::sources, some_of<read_source, CompatSource>>("sources", Need::required),
    field<&GpuTable::devices, some_of<gpu, GpuModel>>("devices", Need::required),
};

}  // namespace

void read_compatibility(Reading& reading, const Node& root, Compat& out) {
  if (!read_fields(reading, root, "a compatibility table", out, compatibility_fields)) return;
  sources_must_be_known(reading, root.find("driver_rule_sources"), keys_of(out.sources));
  entries_must_be_sound(reading, root, "sources", "key", "the source", out.sources);
  entries_must_be_sound(reading, root, "releases", "rocm", "the release", out.sources);
  entries_must_be_sound(reading, root, "drivers", "release", "the driver", out.sources);
  entries_must_be_sound(reading, root, "ubuntu_kernels", "version", "the Ubuntu release", out.sources);
}

void read_gpus(Reading& reading, const Node& root, GpuTable& out) {
  if (!read_fields(reading, root, "a table of GPUs", out, gpu_table_fields)) return;
  entries_must_be_sound(reading, root, "sources", "key", "the source", out.sources);
  entries_must_be_sound(reading, root, "devices", "id", "the device", out.sources);
}

}  // namespace fettle::profile
