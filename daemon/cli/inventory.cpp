// fettle inventory: the nodes of a fleet, from one file of `fettle status --json` a node, for Ansible or
// Prometheus.
#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <chrono>
#include <map>
#include <ostream>

#include "base/json.h"
#include "base/text.h"
#include "base/utc.h"
#include "cli/commands.h"
#include "cli/path.h"
#include "cli/words.h"

namespace fettle::cli {
namespace {

namespace json = boost::json;

// What is older says nothing of the node as it is now.
constexpr std::chrono::hours oldest{24};
constexpr Bytes largest_status = 16_MiB;
constexpr std::string_view ending = ".json";

struct Node {
  std::string host;
  std::string state = "unknown";
  std::string profile;
  std::string version;
  std::string said;  // why it is unknown
  std::vector<std::string> ready_shelves;
};

bool is_host(std::string_view name) {
  return !name.empty() && name.size() <= 253 && name.front() != '-' && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                  c == '.';
         });
}

// Whatever is wrong with its file, the node is one of the fleet: then nobody knows how it is.
Node read_node(const Context& context, const std::string& path, std::string host) {
  Node node;
  node.host = std::move(host);
  const auto text = context.system.files.read(path, largest_status);
  const auto status = text ? parse_json(*text, "'" + path + "'") : Result<json::value>(fail(text.error()));
  if (!status) {
    node.said = status.error().said;
    return node;
  }
  const json::value* const profile = json_field(*status, "profile");
  if (profile != nullptr) node.profile = json_text(*profile, "name");
  node.version = json_text(*status, "version");
  const std::string taken_at = json_text(*status, "taken_at");
  const auto age = context.system.clock.now() - parse_utc(taken_at);
  const json::value* const stale = json_field(*status, "stale");
  if (json_text(*status, "state").empty() || taken_at.empty()) {
    node.said = "'" + path + "' is no answer of `fettle status --json`";
  } else if (age > oldest || (stale != nullptr && *stale == json::value(true))) {
    node.said = "its status is of " + taken_at;
  } else {
    node.state = json_text(*status, "state");
    for (const json::value& shelf : json_list(*status, "shelves")) {
      const json::value* const ready = json_field(shelf, "ready");
      if (ready != nullptr && *ready == json::value(true))
        node.ready_shelves.push_back(json_text(shelf, "name"));
    }
  }
  return node;
}

Result<std::vector<Node>> read_fleet(Context& context, const std::string& directory) {
  const auto names = context.system.files.list(directory);
  if (!names) return fail(names.error());
  std::vector<Node> fleet;
  for (const std::string& name : *names) {
    if (name.starts_with('.') || !name.ends_with(ending)) continue;
    const std::string host = name.substr(0, name.size() - ending.size());
    if (!is_host(host)) {
      context.err << "fettle: '" << directory << "/" << name << "' is not named after a host, ignoring\n";
      continue;
    }
    fleet.push_back(read_node(context, directory + "/" + name, host));
  }
  return fleet;
}

// As Ansible wants a group to be called.
std::string group_of(std::string_view what, const std::string& value) {
  std::string group = "fettle_" + std::string(what) + "_" + value;
  std::replace_if(
      group.begin(), group.end(),
      [](char c) { return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')); },
      '_');
  return group;
}

json::object variables_of(const Node& node) {
  json::object variables{
      {"fettle_state", node.state}, {"fettle_profile", node.profile}, {"fettle_version", node.version}};
  if (!node.said.empty()) variables["fettle_said"] = node.said;
  return variables;
}

// https://docs.ansible.com/ansible/latest/dev_guide/developing_inventory.html
json::object for_ansible(const std::vector<Node>& fleet) {
  std::map<std::string, json::array> groups;
  json::object variables;
  for (const Node& node : fleet) {
    groups["fettle"].emplace_back(node.host);
    groups[group_of("state", node.state)].emplace_back(node.host);
    if (!node.profile.empty()) groups[group_of("profile", node.profile)].emplace_back(node.host);
    if (!node.version.empty()) groups[group_of("version", node.version)].emplace_back(node.host);
    for (const std::string& shelf : node.ready_shelves)
      groups[group_of("ready", shelf)].emplace_back(node.host);
    variables[node.host] = variables_of(node);
  }
  json::object answer{{"_meta", json::object{{"hostvars", std::move(variables)}}}};
  for (auto& [group, hosts] : groups) answer[group] = json::object{{"hosts", std::move(hosts)}};
  return answer;
}

// https://prometheus.io/docs/prometheus/latest/http_sd/: the same for a file and for a URL.
json::array for_prometheus(const std::vector<Node>& fleet, unsigned port) {
  std::map<std::string, json::array> profiles;
  for (const Node& node : fleet) profiles[node.profile].emplace_back(node.host + ":" + std::to_string(port));
  json::array answer;
  for (auto& [profile, targets] : profiles) {
    json::object labels;
    if (!profile.empty()) labels["profile"] = profile;
    answer.emplace_back(json::object{{"targets", std::move(targets)}, {"labels", std::move(labels)}});
  }
  return answer;
}

}  // namespace

int run_inventory(Context& context, const std::vector<std::string>& arguments) {
  Words words(
      "fettle inventory",
      "The nodes of a fleet as JSON, from a directory with one file HOST.json a node that holds what\n"
      "`fettle status --json` said there. A node whose file cannot be read or is older than a day is "
      "unknown.\n"
      "For Ansible, in a script of two lines: exec fettle inventory DIRECTORY \"$@\"");
  std::string directory;
  std::string dialect = "ansible";
  std::string host;
  unsigned port = 9100;
  bool is_list = false;
  words.option("DIRECTORY", directory, "Where the files are").required();
  words.option("--as", dialect, "ansible: groups and variables; file-sd: targets for Prometheus")
      .among({"ansible", "file-sd"})
      .shows_default(dialect);
  words.option("--port", port, "Where Prometheus finds the metrics; node_exporter's without it")
      .within(1, 65535);
  words.flag("--list", is_list, "All nodes, which is what it prints anyway: Ansible says it");
  words.option("--host", host, "The variables of one node").type_name("HOST");
  if (const auto code = words.read(context, arguments)) return *code;
  const auto fleet = read_fleet(context, absolute(context, directory));
  if (!fleet)
    return report(context, fleet.error(), fleet.error().why == Why::denied ? not_permitted : failed);
  if (!host.empty()) {
    const auto node =
        std::find_if(fleet->begin(), fleet->end(), [&](const Node& each) { return each.host == host; });
    context.out << pretty_json(node == fleet->end() ? json::object() : variables_of(*node));
  } else if (dialect == "file-sd") {
    context.out << pretty_json(for_prometheus(*fleet, port));
  } else {
    context.out << pretty_json(for_ansible(*fleet));
  }
  return ok;
}

}  // namespace fettle::cli
