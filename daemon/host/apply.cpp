#include "host/apply.h"

#include "host/partition.h"
#include "system/attribute.h"

namespace fettle::host {
namespace {

Applied done(std::string path, Result<Outcome> result) {
  if (result) return {std::move(path), *result, {}};
  return {std::move(path), Outcome::failed, std::move(result.error())};
}

// What our files remember was written by us, yet a file can be edited.
bool is_value_of_kernel(std::string_view path) {
  return (path.starts_with("/proc/sys/") || path.starts_with("/sys/")) &&
         path.find("/../") == std::string_view::npos;
}

Result<Outcome> set(const ValueStep& step, const system::Files& files) {
  if (!is_value_of_kernel(step.path))
    return fail(Why::refused, "cannot set '" + step.path + "': it is no value of the kernel");
  const auto written = system::set_attribute(files, step.path, step.value);
  if (!is_partition(step.path)) {
    if (!written) return fail(written.error());
    return Outcome::changed;
  }
  if (!written) return fail(with_partition_advice(written.error()));
  return taken(step.path, step.value, files.read(step.path, 4_KiB));
}

}  // namespace

std::vector<Applied> apply(const Plan& plan, const system::Files& files) {
  std::vector<Applied> all;
  for (const Error& error : plan.refused) all.push_back({"", Outcome::refused, error});
  for (const FileStep& step : plan.files) {
    all.push_back(done(
        step.path, step.content.empty() ? files.remove(step.path) : files.write(step.path, step.content)));
  }
  for (const ValueStep& step : plan.values) all.push_back(done(step.path, set(step, files)));
  return all;
}

}  // namespace fettle::host
