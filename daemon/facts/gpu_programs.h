// Who uses the GPUs, and what those programs were started with, as `fettle collect` found it and left it in
// /run for those who may not look: root alone reads the environment of others.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "facts/collected.h"
#include "facts/environment.h"

namespace fettle::facts {

// A process that uses a GPU, or the one that started it: engines write titles over the environments of their
// workers, which all have that of their parent.
struct GpuProgram {
  unsigned pid = 0;
  std::string name;
  std::string engine;  // "vllm", "sglang" when a command line of it says so; empty = another program
  profile::Scope where = profile::Scope::host;
  unsigned processes = 0;  // of it, that use a GPU
  // Of the names that were asked for.
  Result<Environment> environment = fail(Why::missing, "cannot say yet: not looked at");
};

struct GpuPrograms {
  Stamp stamp;
  std::vector<std::string> names;  // the variables that were asked for
  Result<std::vector<GpuProgram>> programs = fail(Why::missing, "cannot say yet: not looked at");
  std::optional<std::chrono::seconds> hangs_since;  // uptime, as of the other trials
};

inline constexpr std::string_view gpu_programs_kind = "gpu-programs";

// Looks now. Reading the environment of a process that hangs in the driver may hang as well: in a child only.
Result<std::vector<GpuProgram>> find_gpu_programs(const system::Files& files,
                                                  const std::vector<std::string>& names);

// Too old ones are timed_out; `uptime` is the node's now.
Result<GpuPrograms> read_gpu_programs(const system::Files& files, const Result<std::chrono::seconds>& uptime);

// Whatever its age, for the collector itself.
Result<GpuPrograms> parse_gpu_programs(std::string_view text);
boost::json::object to_json(const GpuPrograms& programs);

// The part that a child hands to its parent.
boost::json::value to_json(const Result<std::vector<GpuProgram>>& programs);
Result<std::vector<GpuProgram>> parse_programs(const boost::json::value* value);

}  // namespace fettle::facts
