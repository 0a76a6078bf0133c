#include "env/dialect.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/json.h"
#include "base/text.h"
#include "base/yaml_text.h"
#include "env/plan.h"

namespace fettle::env {
namespace {

using profile::Scope;
using profile::Variable;

// MAX_ARG_STRLEN of Linux: longer "NAME=value" strings make every execve(2) fail with E2BIG.
constexpr std::size_t longest_variable = 128U << 10U;
// docker reads its file line by line with bufio.Scanner, whose longest line is 64 KiB.
constexpr std::size_t longest_container_line = 64U << 10U;

constexpr std::string_view heading =
    "# Written by fettle from this node's profile; changes made here are lost.\n"
    "# `fettle env explain NAME` tells why a variable has its value.\n";

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_name(std::string_view name) {
  return !name.empty() && is_letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [](char c) { return is_letter(c) || is_digit(c); });
}

// How many bytes follow this first byte of a UTF-8 character, and the smallest code point that needs so many.
struct Lead {
  int following = -1;
  char32_t smallest = 0;
  char32_t bits = 0;
};

Lead lead_of(unsigned char byte) {
  if (byte < 0x80) return {0, 0, byte};
  if ((byte & 0xe0U) == 0xc0) return {1, 0x80, byte & 0x1fU};
  if ((byte & 0xf0U) == 0xe0) return {2, 0x800, byte & 0x0fU};
  if ((byte & 0xf8U) == 0xf0) return {3, 0x10000, byte & 0x07U};
  return {};
}

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const Lead lead = lead_of(static_cast<unsigned char>(text[at++]));
    if (lead.following < 0 || text.size() - at < static_cast<std::size_t>(lead.following)) return false;
    char32_t point = lead.bits;
    for (int i = 0; i < lead.following; ++i) {
      const auto byte = static_cast<unsigned char>(text[at++]);
      if ((byte & 0xc0U) != 0x80) return false;
      point = (point << 6U) | (byte & 0x3fU);
    }
    if (point < lead.smallest || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return false;
  }
  return true;
}

// Words of others in our messages: what a terminal would act upon is shown as '?', and long ones are cut.
std::string in_quotes(std::string_view text) {
  std::string shown = "'";
  for (const char c : text.substr(0, 80)) shown += (c >= ' ' && c <= '~') ? c : '?';
  return shown + (text.size() > 80 ? "…'" : "'");
}

auto refuse(const Variable& variable, const std::string& reason, const std::string& hint) {
  return fail(Why::refused, "cannot deliver the variable " + in_quotes(variable.name) + ": " + reason, hint);
}

Result<void> carries_all(const Variable&) {
  return {};
}

// docker's env files have no quoting: a line ends the value, and a carriage return before it is dropped.
Result<void> container_can_carry(const Variable& variable) {
  if (variable.value.find_first_of("\n\r") != std::string::npos) {
    return refuse(variable, "its value has a line break, which a container's env file cannot hold",
                  "give it 'scope: host', or a value on one line");
  }
  if (variable.name.size() + 1 + variable.value.size() >= longest_container_line) {
    return refuse(variable, "it is longer than the 64 KiB that a line of a container's env file can have",
                  "give it 'scope: host', or a shorter value");
  }
  return {};
}

bool on_host(Scope scope) {
  return scope != Scope::container;
}
bool in_container(Scope scope) {
  return scope != Scope::host;
}
bool anywhere(Scope) {
  return true;
}

// Inside single quotes a shell takes everything as it is; a single quote itself is written outside of them.
std::string assign_sh(const Variable& variable) {
  std::string text = "export " + variable.name + "='";
  for (const char c : variable.value) {
    if (c == '\'') {
      text += "'\\''";
    } else {
      text += c;
    }
  }
  return text + "'\n";
}

// EnvironmentFile= and environment generators: in double quotes a backslash takes its meaning from " \ $ and
// ` only (systemd.exec(5)); nothing is expanded. environment.d(5) would expand '$', which is why we are no
// file of its.
std::string assign_systemd(const Variable& variable) {
  std::string text = variable.name + "=\"";
  for (const char c : variable.value) {
    if (std::string_view("\"\\$`").find(c) != std::string_view::npos) text += '\\';
    text += c;
  }
  return text + "\"\n";
}

std::string assign_container(const Variable& variable) {
  return variable.name + "=" + variable.value + "\n";
}

// An entry of `environment:` below a service; env_file: of compose has rules of quoting of its own.
std::string assign_compose(const Variable& variable) {
  return "  " + variable.name + ": " + compose_text(variable.value) + "\n";
}

std::string assign_configmap(const Variable& variable) {
  return "  " + variable.name + ": " + yaml_text(variable.value) + "\n";
}

std::string write_lines(const Dialect& dialect, const std::vector<Variable>& variables) {
  std::string text = std::string(heading) + std::string(dialect.opening);
  for (const Variable& variable : variables) text += dialect.assign(variable);
  return text;
}

std::string write_json(const Dialect&, const std::vector<Variable>& variables) {
  boost::json::array list;
  for (const Variable& variable : variables) {
    list.push_back(boost::json::object{{"name", variable.name},
                                       {"value", variable.value},
                                       {"scope", to_text(variable.scope)},
                                       {"why", variable.why},
                                       {"source", variable.source}});
  }
  return pretty_json(boost::json::object{{"api", 1}, {"variables", std::move(list)}});
}

}  // namespace

Result<void> is_sound(const Variable& variable) {
  if (!is_name(variable.name)) {
    return refuse(variable, "that is no name of a variable",
                  "use letters, digits and '_', not beginning with a digit");
  }
  if (variable.value.find('\0') != std::string::npos) {
    return refuse(variable, "its value has a NUL byte",
                  "no process can have one in its environment; take it out");
  }
  if (!is_utf8(variable.value)) {
    return refuse(variable, "its value is not UTF-8",
                  "systemd and docker take nothing else; save the profile as UTF-8");
  }
  if (variable.name.size() + 1 + variable.value.size() >= longest_variable) {
    return refuse(variable, "it is longer than the 128 KiB that Linux allows",
                  "put the content into a file and its path into the variable");
  }
  return {};
}

const std::array<Dialect, 6>& dialects() {
  static constexpr std::array<Dialect, 6> table{{
      {"sh", "fettle.sh", "login shells", &on_host, &carries_all, "", &assign_sh, &write_lines},
      {"systemd", "systemd.env", "user sessions, and units with EnvironmentFile=", &on_host, &carries_all, "",
       &assign_systemd, &write_lines},
      {"docker", "container.env", "containers started with --env-file", &in_container, &container_can_carry,
       "", &assign_container, &write_lines},
      {"json", "env.json", "programs that read it", &anywhere, &carries_all, "", nullptr, &write_json},
      {"compose", "", "services of a compose file", &in_container, &carries_all, "environment:\n",
       &assign_compose, &write_lines},
      {"configmap", "", "pods, with envFrom", &in_container, &carries_all,
       "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: fettle-environment\ndata:\n", &assign_configmap,
       &write_lines},
  }};
  return table;
}

const Dialect* find_dialect(std::string_view name) {
  const auto& table = dialects();
  const auto* const found =
      std::find_if(table.begin(), table.end(), [&](const Dialect& dialect) { return dialect.name == name; });
  return found == table.end() ? nullptr : found;
}

std::string text_of(const Dialect& dialect, const std::vector<Variable>& variables) {
  std::vector<Variable> taken;
  std::copy_if(variables.begin(), variables.end(), std::back_inserter(taken),
               [&](const Variable& variable) { return dialect.takes(variable.scope); });
  return dialect.write(dialect, taken);
}

}  // namespace fettle::env
