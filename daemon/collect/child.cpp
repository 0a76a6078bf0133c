#include "collect/child.h"

#include <cctype>

#include "base/json.h"
#include "base/names.h"
#include "base/text.h"
#include "facts/collected.h"
#include "facts/gpu_programs.h"
#include "system/drive.h"
#include "system/lock.h"
#include "system/usage.h"
#include "system/write_back.h"

namespace fettle::collect {
namespace {

namespace json = boost::json;

Result<Fd> take_lock(const system::System& system, const std::string& name) {
  const std::string path = std::string(names::collect_directory) + "/" + name + ".lock";
  return system::lock_file(system.files, path, system.clock, std::chrono::milliseconds(0));
}

// A serial comes from a drive's firmware: only what is plain becomes a part of a file's name.
std::string plain(std::string text) {
  for (char& c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return text;
}

json::object held() {
  json::object object;
  object[held_key] = true;
  return object;
}

std::string generation_in(const system::Files& files, const std::string& path) {
  const auto text = files.read(path + "/" + std::string(names::generation_file), 256_KiB);
  const auto value = text ? parse_json(*text, "the generation marker") : Result<json::value>(json::value());
  return value ? json_text(*value, "id") : std::string();
}

}  // namespace

json::object try_cache(const system::System& system, const std::string& path, Bytes size) {
  const auto lock = take_lock(system, "cache");
  if (!lock && lock.error().why == Why::timed_out) return held();
  json::object answer;
  if (!lock) {
    answer["done"] = facts::to_json(Result<system::WriteBack>(fail(lock.error())));
    return answer;
  }
  answer["done"] = facts::to_json(system::write_and_read_back(
      system.files, path + "/" + std::string(names::trial_file), size, system.clock));
  answer["generation"] = generation_in(system.files, path);
  return answer;
}

json::object try_usage(const system::System& system, const std::string& directory) {
  const auto lock = take_lock(system, "usage");
  if (!lock && lock.error().why == Why::timed_out) return held();
  json::object answer;
  answer["now"] = facts::to_json(lock ? system::measure_usage(system.files, directory, system.clock)
                                      : Result<system::Usage>(fail(lock.error())));
  return answer;
}

json::object look_at_programs(const system::System& system, std::string_view names) {
  const auto lock = take_lock(system, "programs");
  if (!lock && lock.error().why == Why::timed_out) return held();
  std::vector<std::string> asked;
  for (const std::string_view name : split(names, ',')) asked.emplace_back(name);
  json::object answer;
  answer["programs"] = facts::to_json(lock ? facts::find_gpu_programs(system.files, asked)
                                           : Result<std::vector<facts::GpuProgram>>(fail(lock.error())));
  return answer;
}

json::object try_drive(const system::System& system, const std::string& device, Bytes size,
                       const std::string& serial) {
  const auto lock = take_lock(system, "drive-" + plain(serial));
  if (!lock && lock.error().why == Why::timed_out) return held();
  json::object answer;
  if (!lock) {
    answer["smart"] = facts::to_json(Result<system::Smart>(fail(lock.error())));
    answer["reads"] = facts::to_json(Result<system::ReadTimes>(fail(lock.error())));
    return answer;
  }
  answer["smart"] = facts::to_json(system::read_smart(system.files, device));
  answer["reads"] = facts::to_json(system::time_reads(system.files, device, size, system.clock));
  return answer;
}

}  // namespace fettle::collect
