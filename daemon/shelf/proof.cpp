#include "shelf/proof.h"

#include <algorithm>
#include <chrono>
#include <string>

#include "shelf/verify.h"
#include "system/step_point.h"

namespace fettle::shelf {
namespace {

using namespace std::chrono_literals;

// A wrong blob is fetched once more; the second time it is the source that is wrong.
constexpr unsigned most_damage = 2;

}  // namespace

Result<void> Proof::look_ahead(const Item& item) {
  for (const File& file : item.survey.missing) {
    if (ahead_.has(file.blob)) continue;
    const std::string path = layout_.blob(item.manifest.id, file.blob);
    // Under its own name it is whole: it is renamed to it.
    const auto info = system_.files.look(path);
    if (info && info->kind == system::Kind::file && info->size == file.size)
      ahead_.add({path, file.blob, file.size});
  }
  return remember_ahead(item);
}

Result<void> Proof::remember_ahead(const Item& item) {
  for (const Ahead::Found& found : ahead_.take()) {
    if (!found.checked.same) continue;  // damaged() finds it again, and decides
    auto remembered = course_.jobs().remember_verified(found.checked.info, found.name);
    if (!remembered) return remembered;
    system::step_point("verified a blob");
    Amount& verified = course_.report_of(item).verified;
    verified.bytes += found.checked.info.size;
    ++verified.files;
  }
  return {};
}

Result<void> Proof::end_ahead(const Item& item) {
  while (!ahead_.rest()) {
    system_.clock.sleep_for(20ms);
    if (course_.progress().is_due()) course_.progress().publish();
    if (auto looked = brakes_.look(); !looked) return looked;
    if (brakes_.stop()) return fail(brakes_.stop()->error);
  }
  return remember_ahead(item);
}

Result<std::vector<File>> Proof::damaged(Item& item) {
  std::vector<File> wrong;
  if (auto ended = end_ahead(item); !ended) return fail(ended.error());
  RepositoryReport& report = course_.report_of(item);
  report.verified = {};
  std::vector<File> blobs;
  std::vector<Wanted> unknown;
  for (const File& blob : blobs_of(item.manifest)) {
    const auto file = look_at_blob(system_.files, layout_, item.manifest.id, blob.blob);
    if (!file) return fail(file.error());
    const auto known = course_.jobs().was_verified(file->info, blob.blob);
    if (!known) return fail(known.error());
    if (*known && file->is_file()) {
      report.verified.bytes += blob.size;
      ++report.verified.files;
      continue;
    }
    blobs.push_back(blob);
    unknown.push_back({file->path, blob.blob, blob.size});
  }
  if (unknown.empty()) return wrong;
  if (auto entered = course_.enter(item, State::verifying); !entered) return fail(entered.error());
  const Bytes before = report.verified.bytes;
  Listener listener;
  listener.checked = [&](const Checked& checked) -> Result<void> {
    const File& blob = blobs[checked.index];
    if (!checked.same) {
      wrong.push_back(blob);
      return {};
    }
    ++report.verified.files;
    auto remembered = course_.jobs().remember_verified(checked.info, blob.blob);
    system::step_point("verified a blob");
    return remembered;
  };
  listener.tick = [&](Bytes hashed) -> Result<void> {
    report.verified.bytes = before + hashed;
    if (!course_.progress().is_due()) return {};
    course_.progress().publish();
    if (auto looked = brakes_.look(); !looked) return looked;
    if (brakes_.stop()) return fail(brakes_.stop()->error);
    return {};
  };
  if (auto verified = verify(system_.files, unknown, {options_.verify_threads}, listener); !verified)
    return fail(verified.error());
  for (const File& blob : wrong) report.verified.bytes = report.verified.bytes - blob.size;
  return wrong;
}

Result<void> Proof::set_aside(Item& item, const std::vector<File>& damaged) {
  unsigned worst = 0;
  const auto copy = look_at_blob(system_.files, layout_, item.manifest.id, damaged.front().blob);
  if (!copy) return fail(copy.error());
  const std::string in_store = copy->entry.empty()
                                   ? std::string()
                                   : ", in '" + copy->path + "', the client's own store, where it stays";
  for (const File& blob : damaged) {
    // Aside first: killed in between, the next run would count the same copy a second time.
    if (auto aside = put_aside(system_.files, layout_, item.manifest, blob.blob); !aside) return aside;
    const auto times = course_.jobs().count_damage(item.manifest.id, blob.blob);
    if (!times) return fail(times.error());
    worst = std::max(worst, *times);
    system::step_point("counted damage");
  }
  const File& first = damaged.front();
  const std::string file = "'" + first.path + "' of '" + item.manifest.id + "'";
  const std::string differs = "it does not have the hash " + first.blob + in_store;
  if (auto looked = course_.look(item); !looked) return looked;
  if (worst < most_damage)
    return course_.enter(item, State::corrupt, file + ": " + differs + "; it is fetched again");
  return course_.stop(
      item,
      {State::failed,
       {Why::malformed, "cannot verify " + file + ": " + differs + ", and neither did a second copy",
        "the source or this node damages data: compare with another source, test memory and drives; the "
        "damaged copy is kept as '" +
            layout_.aside(first.blob) + "'"},
       {}});
}

Result<void> Proof::forget_damage(const Item& item) {
  if (auto forgotten = course_.jobs().forget_damage(item.manifest.id); !forgotten) return forgotten;
  system::step_point("forgot damage");
  for (const File& file : item.manifest.files) {
    const auto removed = system_.files.remove(layout_.aside(file.blob));
    if (!removed) return fail(removed.error());
  }
  return {};
}

}  // namespace fettle::shelf
