// The keys `host` and `for` of the kind "profile", and what an extending profile takes from its base.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "profile/documents.h"
#include "profile/rules.h"

namespace fettle::profile {
namespace {

constexpr std::array kinds{
    Word<SettingKind>{"sysctl", SettingKind::sysctl}, Word<SettingKind>{"sysfs", SettingKind::sysfs},
    Word<SettingKind>{"module", SettingKind::module}, Word<SettingKind>{"limit", SettingKind::limit},
    Word<SettingKind>{"boot", SettingKind::boot},
};
constexpr std::array places{
    Word<Where>{"anywhere", Where::anywhere},
    Word<Where>{"bare-metal", Where::bare_metal},
    Word<Where>{"virtual-machine", Where::virtual_machine},
};
constexpr std::array severities{
    Word<Severity>{"warning", Severity::warning},
    Word<Severity>{"error", Severity::error},
};

constexpr std::array setting_fields{
    field<&Setting::name, text<name_rule>>("name", Need::required),
    field<&Setting::kind, choice<kinds, SettingKind>>("kind", Need::required),
    field<&Setting::key, text<sentence_rule>>("key", Need::required),
    field<&Setting::value, text<word_rule>>("value", Need::required),
    field<&Setting::accept, list_of<text<word_rule>, std::string>>("accept"),
    field<&Setting::beside, text<beside_rule>>("beside"),
    field<&Setting::where, choice<places, Where>>("where"),
    field<&Setting::severity, choice<severities, Severity>>("severity"),
    field<&Setting::why, text<sentence_rule>>("why", Need::required),
    field<&Setting::advice, text<sentence_rule>>("advice"),
    field<&Setting::source, text<sentence_rule>>("source"),
};

// Which rule a key must keep depends on the kind, so it is asked when both are read.
const Rule& key_rule(SettingKind kind) {
  switch (kind) {
    case SettingKind::sysctl:
    case SettingKind::module:
      return dotted_rule;
    case SettingKind::sysfs:
      return sysfs_rule;
    case SettingKind::limit:
    case SettingKind::boot:
      break;
  }
  return word_rule;
}

// Checks of the machine itself have the ids host.NAME too.
constexpr std::array<std::string_view, 7> taken{"cpus",  "memory",     "swap",  "root",
                                                "clock", "infiniband", "groups"};

void setting(Reading& reading, const Node& node, const std::string& what, Setting& out) {
  if (!read_fields(reading, node, what, out, setting_fields)) return;
  const Node* const key = node.find("key");
  if (key != nullptr && !out.key.empty() && !key_rule(out.kind).fits(out.key)) {
    reading.complain(key->place, "'key' cannot be '" + shown(out.key) + "' with this 'kind'",
                     std::string(key_rule(out.kind).allowed));
  }
  const Node* const name = node.find("name");
  if (name != nullptr && std::find(taken.begin(), taken.end(), out.name) != taken.end())
    reading.complain(name->place, "there is a check host." + out.name + " already", "another name");
}

void settings(Reading& reading, const Node& node, const std::string& what, std::vector<Setting>& out) {
  list_of<setting, Setting>(reading, node, what, out);
  Once names("the setting");
  for (std::size_t at = 0; at < out.size(); ++at) {
    const Node* const name = node.items[at].find("name");
    if (name != nullptr) names.see(reading, name->place, out[at].name);
  }
}

constexpr std::array swap_words{
    Word<Host::Swap>{"any", Host::Swap::any},
    Word<Host::Swap>{"none", Host::Swap::none},
};
constexpr std::array clock_words{
    Word<Host::Clock>{"any", Host::Clock::any},
    Word<Host::Clock>{"synchronised", Host::Clock::synchronised},
};

constexpr std::array infiniband_fields{
    field<&Infiniband::ports, number<1, 256>>("ports", Need::required),
    field<&Infiniband::rate_gbit, number<1, 10000>>("rate_gbit", Need::required),
};

void infiniband(Reading& reading, const Node& node, const std::string& what, std::optional<Infiniband>& out) {
  read_fields(reading, node, what, out.emplace(), infiniband_fields);
}

constexpr std::array host_fields{
    field<&Host::sockets, number<1, 64>>("sockets"),
    field<&Host::cores, number<1, 8192>>("cores"),
    field<&Host::threads, number<1, 8192>>("threads"),
    field<&Host::memory, bytes>("memory"),
    field<&Host::root_free, bytes>("root_free"),
    field<&Host::swap, choice<swap_words, Host::Swap>>("swap"),
    field<&Host::clock, choice<clock_words, Host::Clock>>("clock"),
    field<&Host::infiniband, infiniband>("infiniband"),
    field<&Host::groups, list_of<text<user_rule>, std::string>>("groups"),
    field<&Host::settings, settings>("settings"),
};

constexpr std::array match_fields{
    field<&Match::pci_devices, list_of<read_pci_device, unsigned>>("pci_devices"),
    field<&Match::count, number<1, 64>>("count"),
    field<&Match::vendor, text<sentence_rule>>("vendor"),
    field<&Match::product, text<sentence_rule>>("product"),
    field<&Match::no_gpu, boolean>("no_gpu"),
};

template <class T>
void take(T& over, const Node* section, std::string_view key, const T& base) {
  if (section == nullptr || section->find(key) == nullptr) over = base;
}

}  // namespace

void read_pci_device(Reading& reading, const Node& node, const std::string& what, unsigned& out) {
  std::string id;
  read_text(reading, node, what, pci_rule, id);
  out = to_number<unsigned>(id, 16).value_or(0);
}

void read_host(Reading& reading, const Node& node, const std::string& what, std::optional<Host>& out) {
  read_fields(reading, node, what, out.emplace(), host_fields);
}

void read_match(Reading& reading, const Node& node, const std::string& what, std::optional<Match>& out) {
  if (!read_fields(reading, node, what, out.emplace(), match_fields)) return;
  if (node.entries.empty())
    reading.complain(node.place, what + " says nothing",
                     "at least one of: pci_devices, count, vendor, "
                     "product, no_gpu");
  if (out->no_gpu && (!out->pci_devices.empty() || out->count != 0))
    reading.complain(node.place, what + " asks for GPUs and for none", "either no_gpu or the others");
}

void take_from_base(Profile& over, const Node& root, const Profile& base) {
  take(over.gpus, &root, "gpus", base.gpus);
  take(over.cache, &root, "cache", base.cache);
  take(over.caches, &root, "caches", base.caches);
  take(over.environment, &root, "environment", base.environment);
  take(over.not_set, &root, "not_set", base.not_set);
  take(over.deep, &root, "deep", base.deep);
  const Node* const host = root.find("host");
  if (host == nullptr || !base.host || !over.host) {
    take(over.host, &root, "host", base.host);
    return;
  }
  take(over.host->sockets, host, "sockets", base.host->sockets);
  take(over.host->cores, host, "cores", base.host->cores);
  take(over.host->threads, host, "threads", base.host->threads);
  take(over.host->memory, host, "memory", base.host->memory);
  take(over.host->root_free, host, "root_free", base.host->root_free);
  take(over.host->swap, host, "swap", base.host->swap);
  take(over.host->clock, host, "clock", base.host->clock);
  take(over.host->infiniband, host, "infiniband", base.host->infiniband);
  take(over.host->groups, host, "groups", base.host->groups);
  take(over.host->settings, host, "settings", base.host->settings);
}

}  // namespace fettle::profile
