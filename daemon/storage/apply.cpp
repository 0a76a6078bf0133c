#include "storage/apply.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/names.h"
#include "base/text.h"
#include "storage/steps.h"
#include "system/erase.h"
#include "system/step_point.h"

namespace fettle::storage {
namespace {

using namespace std::chrono_literals;

// udev and the kernel need a moment to show a new array; a sick udev must not hold up the boot.
constexpr auto array_wait = 60s;
constexpr auto poll_interval = 200ms;
constexpr auto lookers = 20s;  // who only looks at a drive has it open for a second or two

// KEY=VALUE lines of `mdadm --detail --export`.
std::map<std::string, std::string, std::less<>> parse_export(std::string_view text) {
  std::map<std::string, std::string, std::less<>> values;
  for (const std::string_view line : lines(text)) {
    const auto at = line.find('=');
    if (at != std::string_view::npos) values.emplace(line.substr(0, at), trim(line.substr(at + 1)));
  }
  return values;
}

// The last line that a program said, for an error: the reason stands there.
std::string last_words(const system::Completed& completed) {
  for (const std::string* text : {&completed.err, &completed.out}) {
    const auto said = lines(trim(*text));
    if (!said.empty()) return std::string(trim(said.back()));
  }
  return "it said nothing";
}

Error changed(const facts::Drive& drive) {
  return {Why::refused,
          "cannot go on: the drive " + to_text(drive) + " is not the one that was looked at any more",
          "it was taken out or replaced meanwhile; run `fettle provision --boot` again"};
}

class Application {
 public:
  Application(const Plan& plan, const system::System& system) : plan_(plan), system_(system) {
    ending_.device = plan.device;
    ending_.record = plan.record;
    for (const facts::Drive& drive : plan.members) names_.insert(drive.name);
    for (const facts::Drive& drive : plan.emptied) old_names_.insert(drive.name);
  }

  Ending run() && {
    for (const Step& step : plan_.steps) {
      point(to_text(step.act));
      auto outcome = apply_step(step);
      if (!outcome) {
        ending_.steps.push_back(
            {step.says, outcome.error().why == Why::refused ? Outcome::refused : Outcome::failed});
        ending_.error = while_doing(step.says, outcome.error());
        break;
      }
      ending_.steps.push_back({step.says, *outcome});
    }
    if (!ending_.error) point("end");
    return std::move(ending_);
  }

 private:
  Result<Outcome> apply_step(const Step& step) {
    switch (step.act) {
      case Act::write_intent:
        return write(Progress::intent);
      case Act::clear_unfinished:
        return clear_unfinished();
      case Act::create_array:
        return create_array(step);
      case Act::assemble_array:
        return assemble_array(step);
      case Act::find_array:
        return find_array();
      case Act::make_filesystem:
        return make_filesystem(step);
      case Act::check_filesystem:
        return check_filesystem();
      case Act::write_done:
        return write(Progress::done);
      case Act::set_link:
        return system_.files.set_link(names::cache_link, ending_.device);
      case Act::write_release:
        return write_record(system_.files, *plan_.old);
      case Act::stop_array:
        return stop_old_array();
      case Act::erase_drives:
        return erase_drives();
      case Act::forget:
        return forget();
    }
    return fail(Why::refused, "cannot do an unknown step");
  }

  Result<Outcome> write(Progress progress) {
    // What lies there is of another cache: an old one of ours, a cloned image's, or unreadable.
    const auto now = read_record(system_.files);
    if (!now || now->filesystem_uuid != ending_.record.filesystem_uuid) {
      if (const auto aside = set_record_aside(system_.files); !aside) return fail(aside.error());
    }
    ending_.record.progress = progress;
    return write_record(system_.files, ending_.record);
  }

  // Runs a command of ours; a non-zero exit is an error with the program's last words.
  Result<system::Completed> run(system::Command command) {
    // Below another root the devices are files there: a program must never reach this machine's drives
    // instead.
    for (std::string& word : command.argv) {
      if (word.rfind("/dev/", 0) == 0) word = system_.files.host_path(word);
    }
    auto completed = system_.runner.run(command);
    if (completed && completed->exit_code != 0) {
      const std::string verb = command.argv.size() > 1 ? " " + command.argv[1] : std::string();
      return fail(Why::failed, "'" + command.argv[0] + verb + "' ended with " +
                                   std::to_string(completed->exit_code) + ": " + last_words(*completed));
    }
    return completed;
  }

  std::string device_of(const facts::Drive& drive) const { return "/dev/" + drive.name; }

  // A place where tests kill: numbered as it is passed.
  void point(std::string_view name) { system::step_point(++points_, name); }

  Result<void> still_the_same(const std::vector<facts::Drive>& drives) {
    const auto now = facts::gather(system_.files).drives;
    if (!now) return fail(now.error());
    for (const facts::Drive& before : drives) {
      const bool same = std::any_of(now->begin(), now->end(), [&](const facts::Drive& drive) {
        return drive.name == before.name && drive.serial == before.serial && drive.wwid == before.wwid &&
               drive.nsid == before.nsid && drive.size == before.size && drive.diskseq == before.diskseq &&
               drive.node == before.node;
      });
      if (!same) return fail(changed(before));
    }
    return {};
  }

  Result<void> wait_until_free(const std::string& device) {
    auto free = system::wait_until_free(system_.files, device, system_.clock, lookers);
    if (!free && free.error().why == Why::timed_out) free.error().why = Why::refused;
    return free;
  }

  // Nobody uses the drive and nothing is on it: the last look before it is written to.
  Result<void> still_bare(const facts::Drive& drive) {
    if (const auto free = wait_until_free(device_of(drive)); !free) return free;
    const auto signature = system::probe(system_.files, device_of(drive));
    if (!signature) return fail(signature.error());
    if (!signature->type.empty()) return fail(changed(drive));
    return {};
  }

  bool carries_our_array(const std::string& device) {
    const auto signature = system::probe(system_.files, device);
    return signature && signature->type == "linux_raid_member" && signature->uuid == plan_.record.array_uuid;
  }

  // Stops the arrays that have only drives of this plan with the UUID of this plan in them, then takes that
  // superblock off each. Nothing else is stopped or cleared.
  Result<void> take_apart() {
    const auto arrays = facts::gather(system_.files).arrays;
    if (!arrays) return fail(arrays.error());
    for (const facts::Array& array : *arrays) {
      const bool only_ours =
          !array.members.empty() &&
          std::all_of(array.members.begin(), array.members.end(), [&](const std::string& member) {
            return names_.count(member) == 1 && carries_our_array("/dev/" + member);
          });
      if (!only_ours) continue;
      if (auto stopped = run(stop_of("/dev/" + array.name)); !stopped) return fail(stopped.error());
    }
    for (const facts::Drive& drive : plan_.members) {
      if (!carries_our_array(device_of(drive))) continue;
      if (auto cleared = run(zero_superblock_of(device_of(drive))); !cleared) return fail(cleared.error());
    }
    return {};
  }

  // True when the drive carries the cache that is taken apart, false when it is blank already; else an error.
  Result<bool> carries_old(const facts::Drive& drive) {
    const auto signature = system::probe(system_.files, device_of(drive));
    if (!signature) return fail(signature.error());
    if (signature->type == "linux_raid_member" && !plan_.old->array_uuid.empty() &&
        signature->uuid == plan_.old->array_uuid)
      return true;
    if (signature->type == "xfs" && plan_.old->array_uuid.empty() &&
        signature->uuid == plan_.old->filesystem_uuid)
      return true;
    const auto blank = system::is_blank(system_.files, device_of(drive), drive.size);
    if (!blank) return fail(blank.error());
    if (!signature->type.empty() || !*blank) return fail(changed(drive));
    return false;
  }

  // Only an array all of whose members are to be emptied and carry the old cache.
  Result<Outcome> stop_old_array() {
    if (const auto same = still_the_same(plan_.emptied); !same) return fail(same.error());
    const auto arrays = facts::gather(system_.files).arrays;
    if (!arrays) return fail(arrays.error());
    Outcome outcome = Outcome::already_so;
    for (const facts::Array& array : *arrays) {
      const auto is_old = [&](const std::string& member) { return old_names_.count(member) == 1; };
      if (array.members.empty() || !std::all_of(array.members.begin(), array.members.end(), is_old)) continue;
      for (const std::string& member : array.members) {
        const auto signature = system::probe(system_.files, "/dev/" + member);
        if (!signature) return fail(signature.error());
        if (signature->uuid != plan_.old->array_uuid) {
          return fail(Why::refused,
                      "the array " + array.name + " is not the one with the UUID " + plan_.old->array_uuid);
        }
      }
      if (auto stopped = run(stop_of("/dev/" + array.name)); !stopped) return fail(stopped.error());
      outcome = Outcome::changed;
    }
    return outcome;
  }

  Result<Outcome> erase_drives() {
    if (const auto same = still_the_same(plan_.emptied); !same) return fail(same.error());
    const auto mark = plan_.old->array_uuid.empty() ? system::Mark::filesystem : system::Mark::array_member;
    Outcome outcome = Outcome::already_so;
    for (const facts::Drive& drive : plan_.emptied) {
      const std::string device = device_of(drive);
      if (const auto free = wait_until_free(device); !free) return fail(free.error());
      const auto eraser = system::Eraser::open(system_.files, device, drive.size, drive.node);
      if (!eraser) return fail(eraser.error());
      const auto carries = carries_old(drive);
      if (!carries) return fail(carries.error());
      if (!*carries) continue;
      point("erase " + drive.serial);
      if (auto erased = eraser->erase_all_but(mark); !erased) return fail(erased.error());
      point("unmark " + drive.serial);
      if (auto erased = eraser->erase(mark); !erased) return fail(erased.error());
      const auto blank = system::is_blank(system_.files, device, drive.size);
      if (!blank) return fail(blank.error());
      if (!*blank) {
        return fail(Why::failed,
                    "the drive " + to_text(drive) + " does not read as zeros after they were written",
                    "it loses writes: have it replaced");
      }
      outcome = Outcome::changed;
    }
    return outcome;
  }

  Result<Outcome> forget() {
    if (const auto aside = set_record_aside(system_.files); !aside) return fail(aside.error());
    const auto gone = system_.files.remove(names::storage_record);
    if (!gone) return gone;
    const auto link = system_.files.remove(names::cache_link);
    if (!link) return link;
    return *gone == Outcome::changed ? gone : link;
  }

  Result<Outcome> clear_unfinished() {
    if (const auto same = still_the_same(plan_.members); !same) return fail(same.error());
    if (const auto apart = take_apart(); !apart) return fail(apart.error());
    return Outcome::changed;
  }

  // The error of a failed step, after what it left was taken away.
  tl::unexpected<Error> undo(Error error) {
    const auto apart = take_apart();
    if (!apart) error.said += "; and what it left could not be taken away: " + apart.error().said;
    if (error.hint.empty())
      error.hint = "the drives carry no data of this run; `dmesg` may tell why it failed";
    return fail(std::move(error));
  }

  Result<Outcome> create_array(const Step& step) {
    if (const auto same = still_the_same(plan_.members); !same) return fail(same.error());
    for (const facts::Drive& drive : plan_.members) {
      if (const auto bare = still_bare(drive); !bare) return fail(bare.error());
    }
    if (auto created = run(step.command); !created) return undo(created.error());
    return Outcome::changed;
  }

  Result<Outcome> assemble_array(const Step& step) {
    if (auto assembled = run(step.command); !assembled) return fail(assembled.error());
    return Outcome::changed;
  }

  std::optional<facts::Array> array_of_members() {
    const auto arrays = facts::gather(system_.files).arrays;
    if (!arrays) return std::nullopt;
    for (const facts::Array& array : *arrays) {
      if (std::set<std::string>(array.members.begin(), array.members.end()) == names_ && is_running(array))
        return array;
    }
    return std::nullopt;
  }

  Result<Outcome> find_array() {
    const auto until = system_.clock.steady() + array_wait;
    auto array = array_of_members();
    const auto is_there = [&] {
      if (!array) return false;
      const auto node = system_.files.exists("/dev/" + array->name);
      return node && *node;
    };
    while (!is_there()) {
      if (system_.clock.steady() >= until) {
        return fail(
            Why::timed_out,
            "no running array of these drives appeared within " + std::to_string(array_wait.count()) + " s",
            "`cat /proc/mdstat` shows what there is; is udev well?");
      }
      system_.clock.sleep_for(poll_interval);
      array = array_of_members();
    }
    const std::string device = "/dev/" + array->name;
    const auto detail = run(detail_of(device));
    if (!detail) return fail(detail.error());
    const auto values = parse_export(detail->out);
    const auto is = [&](std::string_view key, const std::string& wanted) {
      const auto at = values.find(key);
      return at != values.end() && at->second == wanted;
    };
    if (!is("MD_UUID", as_mdadm(plan_.record.array_uuid)) || !is("MD_LEVEL", "raid0") ||
        !is("MD_DEVICES", std::to_string(plan_.members.size()))) {
      return fail(Why::refused,
                  "the array " + array->name + " is not the one with the UUID " + plan_.record.array_uuid,
                  "`mdadm --detail " + device + "` tells what it is");
    }
    ending_.device = device;
    return Outcome::already_so;
  }

  Result<Outcome> make_filesystem(const Step& step) {
    const auto content = system::probe(system_.files, ending_.device);
    if (!content) return fail(content.error());
    if (content->type == "xfs" && content->uuid == plan_.record.filesystem_uuid) {
      const auto unfinished = system::is_unfinished_xfs(system_.files, ending_.device);
      if (!unfinished) return fail(unfinished.error());
      if (!*unfinished) return Outcome::already_so;
      if (const auto same = still_the_same(plan_.members); !same) return fail(same.error());
      if (auto unmarked = run(unmark_unfinished_xfs_on(ending_.device)); !unmarked)
        return fail(unmarked.error());
    } else if (!content->type.empty()) {
      Error error{Why::refused,
                  "'" + ending_.device + "' already holds " + content->type +
                      ": the drives were not as blank as their ends",
                  "empty the drives (`blkdiscard` loses all that is on them) and run `fettle provision "
                  "--boot` again"};
      if (plan_.members.size() > 1 && (plan_.verdict == Verdict::all_blank || plan_.old))
        return undo(std::move(error));
      return fail(std::move(error));
    }
    if (const auto same = still_the_same(plan_.members); !same) return fail(same.error());
    if (plan_.members.size() == 1) {
      if (const auto bare = still_bare(plan_.members.front()); !bare) return fail(bare.error());
    }
    system::Command command = step.command;
    command.argv.push_back(ending_.device);
    if (auto made = run(command); !made) return fail(made.error());
    return Outcome::changed;
  }

  Result<Outcome> check_filesystem() {
    const auto content = system::probe(system_.files, ending_.device);
    if (!content) return fail(content.error());
    const auto unfinished = system::is_unfinished_xfs(system_.files, ending_.device);
    if (!unfinished) return fail(unfinished.error());
    // Of an adopted array's filesystem nothing is known before it is looked at, but its label.
    const bool right = plan_.record.filesystem_uuid.empty() ? content->label == names::filesystem_label
                                                            : content->uuid == plan_.record.filesystem_uuid;
    if (content->type != "xfs" || !right || *unfinished) {
      return fail(Why::refused,
                  "'" + ending_.device + "' holds " +
                      (content->type.empty() ? std::string("no filesystem")
                                             : content->type + " '" + content->label + "'") +
                      ", not the filesystem of the cache",
                  "nothing was written to it; `xfs_repair -n " + ending_.device +
                      "` tells whether it is only damaged");
    }
    ending_.record.filesystem_uuid = content->uuid;
    return Outcome::already_so;
  }

  const Plan& plan_;
  const system::System& system_;
  std::set<std::string> names_;
  std::set<std::string> old_names_;
  unsigned points_ = 0;
  Ending ending_;
};

}  // namespace

std::string_view to_text(Act act) {
  switch (act) {
    case Act::write_intent:
      return "write_intent";
    case Act::clear_unfinished:
      return "clear_unfinished";
    case Act::create_array:
      return "create_array";
    case Act::assemble_array:
      return "assemble_array";
    case Act::find_array:
      return "find_array";
    case Act::make_filesystem:
      return "make_filesystem";
    case Act::check_filesystem:
      return "check_filesystem";
    case Act::write_done:
      return "write_done";
    case Act::set_link:
      return "set_link";
    case Act::write_release:
      return "write_release";
    case Act::stop_array:
      return "stop_array";
    case Act::erase_drives:
      return "erase_drives";
    case Act::forget:
      return "forget";
  }
  return "unknown";
}

Ending apply(const Plan& plan, const system::System& system) {
  return Application(plan, system).run();
}

}  // namespace fettle::storage
