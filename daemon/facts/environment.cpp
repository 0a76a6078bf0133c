#include "facts/environment.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace fettle::facts {
namespace {

// One string of execve(2) has at most 128 KiB; all together at most a quarter of the stack, 2 MiB by default.
constexpr Bytes largest_environment = 8_MiB;
constexpr std::size_t longest_command = 4096;

std::string directory_of(unsigned pid) {
  return "/proc/" + std::to_string(pid);
}

std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text) out += c >= ' ' && c <= '~' ? c : '?';
  return out;
}

bool is_of_container(std::string_view cgroup) {
  constexpr std::array<std::string_view, 4> signs{"docker", "libpod", "kubepods", "containerd"};
  return std::any_of(signs.begin(), signs.end(),
                     [&](std::string_view sign) { return cgroup.find(sign) != std::string_view::npos; });
}

// A title fills it with zeros, or with its own end when it is longer than the arguments were.
bool is_assignment(std::string_view entry) {
  const auto mark = entry.find('=');
  return mark != std::string_view::npos && mark > 0 &&
         std::all_of(entry.begin(), entry.begin() + static_cast<std::ptrdiff_t>(mark), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
         });
}

unsigned parent_in(std::string_view status) {
  for (const std::string_view line : lines(status)) {
    constexpr std::string_view key = "PPid:";
    if (line.starts_with(key)) return to_number<unsigned>(trim(line.substr(key.size()))).value_or(0);
  }
  return 0;
}

}  // namespace

const std::string* Environment::find(std::string_view name) const {
  const auto at =
      std::find_if(variables.begin(), variables.end(), [&](const auto& each) { return each.first == name; });
  return at == variables.end() ? nullptr : &at->second;
}

Result<Process> read_process(const system::Files& files, unsigned pid) {
  const std::string directory = directory_of(pid);
  const auto name = files.read(directory + "/comm", 4_KiB);
  if (!name) return fail(name.error());
  Process process;
  process.pid = pid;
  process.name = printable(trim(*name));
  if (const auto cgroup = files.read(directory + "/cgroup", 64_KiB); cgroup && is_of_container(*cgroup))
    process.where = profile::Scope::container;
  if (const auto status = files.read(directory + "/status", 64_KiB)) process.parent = parent_in(*status);
  if (auto command = files.read(directory + "/cmdline", largest_environment)) {
    std::replace(command->begin(), command->end(), '\0', ' ');
    process.command = printable(trim(std::string_view(*command).substr(0, longest_command)));
  }
  return process;
}

Result<Environment> read_environment(const system::Files& files, unsigned pid) {
  const std::string who = "the environment of process " + std::to_string(pid);
  const auto text = files.read(directory_of(pid) + "/environ", largest_environment);
  if (!text) {
    Error error = text.error();
    error.hint = error.why == Why::missing ? "is it still running?" : "root and the process's owner may look";
    return fail(std::move(error));
  }
  if (text->empty()) {
    return fail(Why::missing, "cannot tell " + who + ": it has none",
                "a thread of the kernel has none, nor has a process that ended");
  }
  const auto entries = split(*text, '\0');
  if (!is_assignment(entries.front())) {
    return fail(Why::refused, "cannot tell " + who + ": it wrote its title over it",
                "what started it has the same: `ps -o ppid= -p " + std::to_string(pid) + "` names it");
  }
  Environment environment;
  for (const std::string_view each : entries) {
    const auto mark = each.find('=');
    if (mark == std::string_view::npos || mark == 0) continue;
    environment.variables.emplace_back(each.substr(0, mark), each.substr(mark + 1));
  }
  return environment;
}

}  // namespace fettle::facts
