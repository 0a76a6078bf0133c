#include "facts/gpu_programs.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>

#include "base/text.h"
#include "facts/collected_file.h"
#include "facts/readers.h"

namespace fettle::facts {
namespace {

namespace json = boost::json;
using namespace collected;

constexpr std::string_view about_programs = "the programs that use the GPUs";
// From a worker over the engine's core to the server that was started.
constexpr unsigned most_parents = 4;
constexpr std::array<std::string_view, 2> engines{"vllm", "sglang"};

std::string engine_in(std::string command) {
  std::transform(command.begin(), command.end(), command.begin(),
                 [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; });
  for (const std::string_view engine : engines) {
    if (command.find(engine) != std::string::npos) return std::string(engine);
  }
  return {};
}

Environment only(const Environment& all, const std::vector<std::string>& names) {
  Environment some;
  for (const std::string& name : names) {
    if (const std::string* const value = all.find(name)) some.variables.emplace_back(name, *value);
  }
  return some;
}

// The process itself, or the nearest above it whose environment can still be read.
GpuProgram program_of(const system::Files& files, const Process& process,
                      const std::vector<std::string>& names) {
  GpuProgram program{process.pid, process.name, engine_in(process.command), process.where, 1, {}};
  const auto own = read_environment(files, process.pid);
  if (own || own.error().why != Why::refused) {
    program.environment = own ? Result<Environment>(only(*own, names)) : fail(own.error());
    return program;
  }
  program.environment = fail(own.error());
  unsigned next = process.parent;
  for (unsigned step = 0; step < most_parents && next > 1; ++step) {
    const auto parent = read_process(files, next);
    if (!parent || parent->where != process.where) break;
    const auto environment = read_environment(files, next);
    next = parent->parent;
    if (!environment && environment.error().why == Why::refused) continue;
    if (!environment) break;
    program.pid = parent->pid;
    program.name = parent->name;
    if (program.engine.empty()) program.engine = engine_in(parent->command);
    program.environment = only(*environment, names);
    break;
  }
  return program;
}

json::value to_json(const Result<Environment>& environment) {
  if (!environment) return error_object(environment.error());
  json::object variables;
  for (const auto& [name, value] : environment->variables) variables[name] = value;
  return json::object{{"variables", std::move(variables)}};
}

Result<Environment> parse_environment(const json::value* value) {
  if (auto error = error_in(value, about_programs)) return fail(std::move(*error));
  const json::value* const variables = json_field(*value, "variables");
  if (variables == nullptr || !variables->is_object()) return fail(half(about_programs));
  Environment environment;
  for (const auto& [name, text] : variables->get_object()) {
    if (!text.is_string()) return fail(half(about_programs));
    environment.variables.emplace_back(name, text.get_string());
  }
  return environment;
}

}  // namespace

Result<std::vector<GpuProgram>> find_gpu_programs(const system::Files& files,
                                                  const std::vector<std::string>& names) {
  std::vector<GpuProgram> programs;
  const auto users = read_gpu_users(files);
  if (!users) {
    // Without the driver nobody can use a GPU.
    if (users.error().why == Why::missing) return programs;
    return fail(users.error());
  }
  for (const GpuUser& user : *users) {
    const auto pid = to_number<unsigned>(user.process);
    if (!pid) continue;
    const auto process = read_process(files, *pid);
    if (!process && process.error().why == Why::missing) continue;  // it ended meanwhile
    if (!process) return fail(process.error());
    GpuProgram program = program_of(files, *process, names);
    const auto known = std::find_if(programs.begin(), programs.end(),
                                    [&](const GpuProgram& each) { return each.pid == program.pid; });
    if (known == programs.end()) {
      programs.push_back(std::move(program));
      continue;
    }
    ++known->processes;
    if (known->engine.empty()) known->engine = program.engine;
  }
  return programs;
}

json::value to_json(const Result<std::vector<GpuProgram>>& programs) {
  if (!programs) return error_object(programs.error());
  json::array all;
  for (const GpuProgram& each : *programs) {
    all.push_back({{"pid", each.pid},
                   {"name", each.name},
                   {"engine", each.engine},
                   {"in_container", each.where == profile::Scope::container},
                   {"processes", each.processes},
                   {"environment", to_json(each.environment)}});
  }
  return json::object{{"list", std::move(all)}};
}

Result<std::vector<GpuProgram>> parse_programs(const json::value* value) {
  if (auto error = error_in(value, about_programs)) return fail(std::move(*error));
  const json::value* const list = json_field(*value, "list");
  if (list == nullptr || !list->is_array()) return fail(half(about_programs));
  std::vector<GpuProgram> programs;
  for (const json::value& each : list->get_array()) {
    Numbers numbers(&each);
    const json::value* const where = json_field(each, "in_container");
    if (where == nullptr || !where->is_bool()) return fail(half(about_programs));
    GpuProgram program;
    program.pid = numbers.small("pid");
    program.name = json_text(each, "name");
    program.engine = json_text(each, "engine");
    program.where = where->get_bool() ? profile::Scope::container : profile::Scope::host;
    program.processes = numbers.small("processes");
    program.environment = parse_environment(json_field(each, "environment"));
    if (!numbers.good()) return fail(half(about_programs));
    programs.push_back(std::move(program));
  }
  return programs;
}

json::object to_json(const GpuPrograms& programs) {
  json::object object = head_of(programs.stamp);
  object["names"] = json::array(programs.names.begin(), programs.names.end());
  object["programs"] = to_json(programs.programs);
  object["hangs_since_uptime_seconds"] = hang_json(programs.hangs_since);
  return object;
}

Result<GpuPrograms> parse_gpu_programs(std::string_view text) {
  const auto read = parse_head(text, about_programs);
  if (!read) return fail(read.error());
  GpuPrograms programs;
  programs.stamp = read->stamp;
  programs.hangs_since = parse_hang(read->value);
  programs.programs = parse_programs(json_field(read->value, "programs"));
  for (const json::value& name : json_list(read->value, "names")) {
    if (name.is_string()) programs.names.emplace_back(name.get_string());
  }
  return programs;
}

Result<GpuPrograms> read_gpu_programs(const system::Files& files,
                                      const Result<std::chrono::seconds>& uptime) {
  const auto text = read_kind(files, gpu_programs_kind, about_programs);
  if (!text) return fail(text.error());
  return fresh(parse_gpu_programs(*text), uptime, about_programs);
}

}  // namespace fettle::facts
