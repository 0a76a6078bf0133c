#include "cli/path.h"

namespace fettle::cli {

std::string absolute(const Context& context, const std::string& file) {
  if (file.empty() || file.front() == '/') return file;
  if (!context.system.files.is_the_machine()) return "/" + file;
  const auto here = context.system.files.read_link("/proc/self/cwd");
  return here ? *here + "/" + file : file;
}

}  // namespace fettle::cli
