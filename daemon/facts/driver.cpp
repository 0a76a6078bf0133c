// The amdgpu kernel module: is it there, is it live, whose is it.
#include "facts/readers.h"
#include "facts/sysfs.h"

namespace fettle::facts {

Result<Driver> read_driver(const system::Files& files) {
  const std::string modules = "/sys/module";
  const std::string module = modules + "/amdgpu";
  // Without the list of modules, "not loaded" would be a guess.
  const auto list = files.look_through(modules);
  if (!list) return fail(while_doing("tell whether the amdgpu module is loaded", list.error()));
  const auto loaded = files.exists(module);
  if (!loaded) return fail(loaded.error());
  Driver driver;
  if (!*loaded) return driver;
  driver.loaded = true;
  const auto state = read_optional(files, module + "/initstate");
  const auto version = read_optional(files, module + "/version");
  const auto taint = read_optional(files, module + "/taint");
  if (!state) return fail(state.error());
  if (!version) return fail(version.error());
  if (!taint) return fail(taint.error());
  driver.live = state->empty() || *state == "live";  // a module built into the kernel has no state
  driver.module_version = *version;
  driver.out_of_tree = taint->find('O') != std::string::npos;
  return driver;
}

}  // namespace fettle::facts
