#include "storage/unit_files.h"

#include <algorithm>

#include "system/directory.h"

namespace fettle::storage {
namespace {

bool is_ours(std::string_view content) {
  return content.starts_with(our_first_line);
}

std::string whole(const UnitFile& file) {
  return std::string(our_first_line) + "\n" + file.content;
}

Result<Outcome> take_away(const std::string& path, const system::Files& files) {
  const auto removed = files.remove(path);
  if (!removed) return removed;
  const std::string directory = path.substr(0, path.rfind('/'));
  if (!directory.ends_with(".d")) return Outcome::changed;
  const auto emptied = system::remove_directory(files, directory);
  if (!emptied) return fail(emptied.error());
  return Outcome::changed;
}

}  // namespace

UnitFilePlan plan_unit_files(const std::vector<UnitFile>& wanted, const FoundUnitFiles& found) {
  UnitFilePlan plan;
  for (const UnitFile& file : wanted) {
    const auto there = found.find(file.path);
    const bool is_absent = there == found.end();
    if (!is_absent && !there->second) {
      plan.refused.push_back(while_doing("see to it that " + file.says, there->second.error()));
    } else if (!is_absent && !is_ours(*there->second)) {
      plan.refused.push_back({Why::refused, "cannot write '" + file.path + "': it is somebody's own file",
                              "move it to another name in its directory; systemd reads all of them"});
    } else if (is_absent || *there->second != whole(file)) {
      plan.steps.push_back({file.path, whole(file), "write '" + file.path + "': " + file.says});
    }
  }
  for (const auto& [path, content] : found) {
    const auto is_it = [&path = path](const UnitFile& file) { return file.path == path; };
    if (!content || !is_ours(*content) || std::any_of(wanted.begin(), wanted.end(), is_it)) continue;
    plan.steps.push_back({path, {}, "remove '" + path + "': nobody asks for it any more"});
  }
  return plan;
}

std::vector<Arranged> apply(const UnitFilePlan& plan, const system::Files& files) {
  std::vector<Arranged> all;
  for (const Error& error : plan.refused) all.push_back({{}, Outcome::refused, error});
  for (const UnitFileStep& step : plan.steps) {
    const auto done =
        step.content.empty() ? take_away(step.path, files) : files.write(step.path, step.content);
    all.push_back(done ? Arranged{step.says, *done, {}} : Arranged{step.says, Outcome::failed, done.error()});
  }
  return all;
}

}  // namespace fettle::storage
