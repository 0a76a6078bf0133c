#include "env/dialect.h"

#include <doctest/doctest.h>
#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <map>
#include <memory>
#include <optional>

#include "base/json.h"
#include "base/text.h"
#include "support/tree.h"
#include "system/runner.h"

using namespace fettle;
using fettle::profile::Scope;
using fettle::profile::Variable;
using fettle::test::Tree;

namespace {

// Values that break a writer who forgot a rule. All of them can stand in every dialect.
const std::vector<std::string> hard_values{
    "",
    "1",
    "/srv/fettle/hf",
    " leading and trailing ",
    "\ttab\t",
    "it's",
    "''",
    "\"quoted\"",
    "'\"'\"'",
    "back\\slash",
    "ends in \\",
    "\\\\",
    "\\n is no newline",
    "$HOME ${HOME} $(id) `id` $$",
    "#not a comment",
    "; not a comment",
    "a=b=c",
    "a # b ; c & d | e > f",
    "!history",
    "*?[a-z]~",
    "%h %d %%",
    "{\"json\": [1, 2]}",
    "Grüße, 東京, 🙂",
};
const std::vector<std::string> values_of_several_lines{"one\ntwo", "\n",     "ends\n",
                                                       "cr\r\nlf", "a\\\nb", "'\n\"\n$x"};

std::vector<Variable> named(const std::vector<std::string>& values) {
  std::vector<Variable> variables;
  for (const std::string& value : values)
    variables.push_back({"FETTLE_T" + std::to_string(variables.size()), value});
  return variables;
}

std::vector<std::string> all_values() {
  std::vector<std::string> values = hard_values;
  values.insert(values.end(), values_of_several_lines.begin(), values_of_several_lines.end());
  return values;
}

std::string text_in(std::string_view dialect, const std::vector<Variable>& variables) {
  return env::text_of(*env::find_dialect(dialect), variables);
}

using Read = std::map<std::string, std::string>;

// What `env -0` of a shell shows after it has read the text: the real reader of shells.
Read read_by_shell(const std::string& text) {
  Tree tree;
  tree.file("/vars.sh", text);
  const auto runner = system::make_runner();
  const auto ran =
      runner->run({{"/bin/sh", "-euc", ". \"$1\" && exec /usr/bin/env -0", "sh", tree.root() + "/vars.sh"}});
  REQUIRE(ran);
  REQUIRE_MESSAGE(ran->exit_code == 0, ran->err);
  Read read;
  for (const std::string_view entry : split(ran->out, '\0')) {
    const auto equals = entry.find('=');
    if (entry.rfind("FETTLE_T", 0) == 0) read.emplace(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return read;
}

// EnvironmentFile= as systemd.exec(5) tells it, for the forms that we write: comment lines, NAME="…" with a
// backslash that escapes " \ $ ` and joins lines before a newline. Anything else is nothing.
std::optional<Read> read_as_systemd(std::string_view text) {
  Read read;
  while (!text.empty()) {
    if (text.front() == '#' || text.front() == ';') {
      text.remove_prefix(text.find('\n') + 1);
      continue;
    }
    const auto equals = text.find('=');
    if (equals == std::string_view::npos || text.substr(equals, 2) != "=\"") return std::nullopt;
    const std::string name(text.substr(0, equals));
    text.remove_prefix(equals + 2);
    std::string value;
    while (true) {
      if (text.empty()) return std::nullopt;
      const char c = text.front();
      text.remove_prefix(1);
      if (c == '"') break;
      if (c != '\\') {
        value += c;
        continue;
      }
      if (text.empty()) return std::nullopt;
      if (std::string_view("\"\\$`").find(text.front()) != std::string_view::npos) {
        value += text.front();
      } else if (text.front() != '\n') {
        value += '\\';
        value += text.front();
      }
      text.remove_prefix(1);
    }
    if (text.substr(0, 1) != "\n") return std::nullopt;
    text.remove_prefix(1);
    read.emplace(name, value);
  }
  return read;
}

// docker run --env-file: no quoting; white space before a name and lines that begin with '#' go.
Read read_as_docker(std::string_view text) {
  Read read;
  for (std::string_view line : lines(text)) {
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    const auto equals = line.find('=');
    REQUIRE(equals != std::string_view::npos);
    read.emplace(line.substr(0, equals), line.substr(equals + 1));
  }
  return read;
}

// What systemd's generator prints: as it is, or in double quotes with the escapes of C for control
// characters.
std::string unquoted(std::string_view printed) {
  if (printed.empty() || printed.front() != '"') return std::string(printed);
  std::string value;
  for (std::size_t at = 1; at + 1 < printed.size(); ++at) {
    char c = printed[at];
    if (c == '\\') {
      c = printed[++at];
      if (c == 'n') c = '\n';
      if (c == 'r') c = '\r';
      if (c == 't') c = '\t';
    }
    value += c;
  }
  return value;
}

void check_same(const Read& read, const std::vector<Variable>& variables) {
  CHECK(read.size() == variables.size());
  for (const Variable& variable : variables) {
    const auto found = read.find(variable.name);
    REQUIRE_MESSAGE(found != read.end(), variable.name, " is missing");
    CHECK(found->second == variable.value);
  }
}

}  // namespace

TEST_CASE("env: a shell reads every value back as it was") {
  const auto variables = named(all_values());
  check_same(read_by_shell(text_in("sh", variables)), variables);
}

TEST_CASE("env: systemd reads every value back as it was") {
  const auto variables = named(all_values());
  const auto read = read_as_systemd(text_in("systemd", variables));
  REQUIRE(read);
  check_same(*read, variables);
}

TEST_CASE("env: systemd's own reader agrees") {
  constexpr std::string_view generator =
      "/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator";
  if (::access(generator.data(), X_OK) != 0) {
    MESSAGE("skipped: ", generator, " is not on this machine");
    return;
  }
  // This program expands '$' in addition and drops empty values, as environment.d(5) says; EnvironmentFile=
  // does neither. Such values are left to the test above.
  std::vector<std::string> values;
  for (const std::string& value : all_values()) {
    if (!value.empty() && value.find('$') == std::string::npos) values.push_back(value);
  }
  const auto variables = named(values);
  Tree tree;
  tree.file("/config/environment.d/60-fettle.conf", text_in("systemd", variables));
  const auto runner = system::make_runner();
  const auto ran = runner->run(
      {{std::string(generator)}, {{"XDG_CONFIG_HOME", tree.root() + "/config"}, {"HOME", tree.root()}}});
  REQUIRE(ran);
  REQUIRE_MESSAGE(ran->exit_code == 0, ran->err);
  Read read;
  for (const std::string_view line : lines(ran->out)) {
    const auto equals = line.find('=');
    if (line.rfind("FETTLE_T", 0) == 0)
      read.emplace(line.substr(0, equals), unquoted(line.substr(equals + 1)));
  }
  check_same(read, variables);
}

TEST_CASE("env: docker reads every value of one line back as it was") {
  const auto variables = named(hard_values);
  check_same(read_as_docker(text_in("docker", variables)), variables);
}

TEST_CASE("env: a YAML reader takes every value of a ConfigMap and of a compose file back as it was") {
  const auto variables = named(all_values());
  const YAML::Node pod = YAML::Load(text_in("configmap", variables));
  const YAML::Node service = YAML::Load(text_in("compose", variables));
  CHECK(pod["kind"].as<std::string>() == "ConfigMap");
  REQUIRE(pod["data"].size() == variables.size());
  REQUIRE(service["environment"].size() == variables.size());
  for (const Variable& variable : variables) {
    CAPTURE(variable.name);
    CHECK(pod["data"][variable.name].as<std::string>() == variable.value);
    // What compose does next: "$$" is "$", and no other '$' is left that it would replace.
    std::string replaced;
    const auto written = service["environment"][variable.name].as<std::string>();
    for (std::size_t at = 0; at < written.size(); ++at) {
      if (written[at] == '$') {
        REQUIRE(at + 1 < written.size());
        REQUIRE(written[++at] == '$');
      }
      replaced += written[at];
    }
    CHECK(replaced == variable.value);
  }
}

TEST_CASE("env: JSON keeps value, reason and source") {
  std::vector<Variable> variables = named(all_values());
  variables[1].why = "because \"so\"";
  variables[1].source = "a page";
  variables[1].scope = Scope::container;
  const auto json = parse_json(text_in("json", variables), "env.json");
  REQUIRE(json);
  const auto& list = json_field(*json, "variables")->as_array();
  REQUIRE(list.size() == variables.size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    CHECK(json_text(list[i], "name") == variables[i].name);
    CHECK(json_text(list[i], "value") == variables[i].value);
  }
  CHECK(json_text(list[1], "why") == "because \"so\"");
  CHECK(json_text(list[1], "source") == "a page");
  CHECK(json_text(list[1], "scope") == "container");
}

TEST_CASE("env: each dialect's text, to the letter") {
  const std::vector<Variable> variables{
      {"A", "it's $5", Scope::all}, {"H", "h", Scope::host}, {"C", "c", Scope::container}};
  const std::string heading =
      "# Written by fettle from this node's profile; changes made here are lost.\n"
      "# `fettle env explain NAME` tells why a variable has its value.\n";
  CHECK(text_in("sh", variables) == heading + "export A='it'\\''s $5'\nexport H='h'\n");
  CHECK(text_in("systemd", variables) == heading + "A=\"it's \\$5\"\nH=\"h\"\n");
  CHECK(text_in("docker", variables) == heading + "A=it's $5\nC=c\n");
  CHECK(text_in("compose", variables) == heading + "environment:\n  A: \"it's $$5\"\n  C: \"c\"\n");
  CHECK(text_in("configmap", variables) ==
        heading +
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: fettle-environment\ndata:\n"
            "  A: \"it's $5\"\n  C: \"c\"\n");
  CHECK(env::find_dialect("csh") == nullptr);
}

TEST_CASE("env: a value with line breaks is refused by containers only") {
  const auto& docker = *env::find_dialect("docker");
  for (const std::string& value : values_of_several_lines) {
    CHECK(env::is_sound({"A", value}));
    const auto carried = docker.can_carry({"A", value});
    REQUIRE_FALSE(carried);
    CHECK(carried.error().said ==
          "cannot deliver the variable 'A': its value has a line break, which a container's env file cannot "
          "hold");
    CHECK(env::find_dialect("sh")->can_carry({"A", value}));
  }
  CHECK(docker.can_carry({"A", std::string(64 * 1024 - 3, 'x')}));
  CHECK_FALSE(docker.can_carry({"A", std::string(64 * 1024 - 2, 'x')}));
}

TEST_CASE("env: what no process could have is refused with a reason") {
  struct Row {
    Variable variable;
    std::string reason;
  };
  const std::vector<Row> rows{
      {{"", "x"}, "'': that is no name of a variable"},
      {{"1A", "x"}, "'1A': that is no name of a variable"},
      {{"A B", "x"}, "'A B': that is no name of a variable"},
      {{"A=B", "x"}, "'A=B': that is no name of a variable"},
      {{"A\n; rm -rf", "x"}, "'A?; rm -rf': that is no name of a variable"},
      {{"\xc3\x84", "x"}, "'\?\?': that is no name of a variable"},
      {{"A", std::string("x\0y", 3)}, "'A': its value has a NUL byte"},
      {{"A", "\xff"}, "'A': its value is not UTF-8"},
      {{"A", "\xc3"}, "'A': its value is not UTF-8"},
      {{"A", "\xc0\xaf"}, "'A': its value is not UTF-8"},
      {{"A", "\xed\xa0\x80"}, "'A': its value is not UTF-8"},
      {{"A", "\xf4\x90\x80\x80"}, "'A': its value is not UTF-8"},
      {{"A", std::string(128 * 1024 - 2, 'x')}, "'A': it is longer than the 128 KiB that Linux allows"},
  };
  for (const Row& row : rows) {
    const auto sound = env::is_sound(row.variable);
    REQUIRE_FALSE(sound);
    CHECK(sound.error().said == "cannot deliver the variable " + row.reason);
    CHECK(sound.error().why == Why::refused);
    CHECK_FALSE(sound.error().hint.empty());
  }
  CHECK(env::is_sound({"_a9", std::string(128 * 1024 - 5, 'x')}));
}
