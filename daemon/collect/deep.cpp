#include "collect/deep.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/json.h"
#include "base/names.h"
#include "base/pattern.h"
#include "base/text.h"
#include "facts/readers.h"
#include "system/lock.h"

namespace fettle::collect {
namespace {

using facts::DeepTrial;

constexpr std::size_t longest_line = 160;  // of a program's output, told in a finding

// Without the sequences that colour a terminal ("\x1b[31m"), which rocminfo writes into pipes too.
std::string without_colours(std::string_view text) {
  std::string plain;
  while (!text.empty()) {
    if (text.starts_with("\x1b[")) {
      text.remove_prefix(std::min(text.size(), text.find_first_not_of("0123456789;", 2)));
      text.remove_prefix(std::min<std::size_t>(text.size(), 1));
      continue;
    }
    plain += text.front();
    text.remove_prefix(1);
  }
  return plain;
}

// The last line that says something, printable.
std::string last_line(std::string_view text) {
  std::string last;
  for (const std::string_view line : lines(text)) {
    const std::string plain = without_colours(line);
    if (!trim(plain).empty()) last = trim(plain);
  }
  for (char& c : last) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) c = ' ';
  }
  if (last.size() > longest_line) last = last.substr(0, longest_line) + "...";
  return last;
}

// " : 314.2 GB/s" -> "314.2".
std::string first_number(std::string_view text) {
  const auto begin = text.find_first_of("0123456789");
  if (begin == std::string_view::npos) return {};
  text.remove_prefix(begin);
  text = text.substr(0, text.find_first_not_of("0123456789."));
  while (text.ends_with('.')) text.remove_suffix(1);
  return std::string(text);
}

std::optional<double> to_decimal(std::string_view text) {
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, err] = std::from_chars(text.data(), end, value);
  if (err != std::errc() || rest != end || text.empty()) return std::nullopt;
  return value;
}

Status status_of(profile::ExitCodes codes, int code) {
  if (code == 0) return Status::pass;
  constexpr int signals = 64;
  if (code > 128 && code <= 128 + signals) return Status::unknown;  // a signal ended it
  if (codes == profile::ExitCodes::plain) return Status::fail;
  if (code == 1) return Status::warn;
  return code == 2 ? Status::fail : Status::unknown;
}

// The number is what counts, however well the program ended.
void compare(const profile::DeepCheck& check, std::string_view out, DeepTrial& trial) {
  const auto pattern = Pattern::compile(check.figure);
  const auto behind = pattern ? pattern->behind(out) : std::nullopt;
  const std::string number = behind ? first_number(*behind) : std::string();
  const auto value = to_decimal(number);
  const auto least = to_decimal(check.at_least);
  if (!value || !least) {
    trial.status = Status::unknown;
    trial.says = "its output has no number behind '" + check.figure + "'";
  } else if (*value < *least) {
    trial.status = Status::fail;
    trial.says = "it measured " + number + ", less than " + check.at_least;
  } else {
    trial.says = "it measured " + number + ", at least " + check.at_least + " is wanted";
  }
}

// Whether a process with this command line is there: one of an earlier run that does not end.
Result<bool> is_running(const system::Files& files, const std::vector<std::string>& command) {
  std::string wanted;
  for (const std::string& word : command) wanted.append(word).push_back('\0');
  const auto processes = files.list("/proc");
  if (!processes) return fail(processes.error());
  return std::any_of(processes->begin(), processes->end(), [&](const std::string& name) {
    if (name.find_first_not_of("0123456789") != std::string::npos) return false;
    const auto line = files.read("/proc/" + name + "/cmdline", 64_KiB);
    return line && *line == wanted;
  });
}

DeepTrial run(const system::System& system, const profile::DeepCheck& check) {
  DeepTrial trial;
  trial.name = check.name;
  const auto before = is_running(system.files, check.command);
  if (!before) {
    trial.says = "nobody can tell whether it still runs from before: " + before.error().said;
    return trial;
  }
  if (*before) {
    trial.says =
        "'" + check.command.front() + "' still runs, maybe from before: it is not started a second time";
    return trial;
  }
  const auto completed = system.runner.run({check.command, {}, std::chrono::seconds(check.deadline_seconds)});
  if (completed) return judge_deep(check, *completed);
  trial.says = completed.error().said;
  return trial;
}

// Results of before, of checks that are not run now.
facts::DeepTrials others(const system::Files& files, const std::vector<profile::DeepCheck>& checks) {
  facts::DeepTrials kept;
  const auto before = facts::read_deep_trials(files);
  if (!before) return kept;
  for (const DeepTrial& trial : before->checks) {
    if (std::none_of(checks.begin(), checks.end(),
                     [&](const auto& check) { return check.name == trial.name; })) {
      kept.checks.push_back(trial);
    }
  }
  return kept;
}

}  // namespace

DeepTrial judge_deep(const profile::DeepCheck& check, const system::Completed& completed) {
  DeepTrial trial;
  trial.name = check.name;
  trial.status = status_of(check.codes, completed.exit_code);
  const std::string line = last_line(completed.out.empty() ? completed.err : completed.out);
  const std::string ended = "it ended with " + std::to_string(completed.exit_code);
  if (trial.status == Status::pass && !check.figure.empty()) {
    compare(check, completed.out, trial);
  } else if (trial.status == Status::pass) {
    trial.says = line.empty() ? "it is well" : line;
  } else {
    trial.says = line.empty() ? ended : ended + ": " + line;
  }
  return trial;
}

Result<std::vector<DeepTrial>> run_deep(const system::System& system,
                                        const std::vector<profile::DeepCheck>& checks, const Tell& tell) {
  const auto lock = system::lock_file(system.files, std::string(names::collect_directory) + "/deep.lock",
                                      system.clock, std::chrono::milliseconds(0));
  if (!lock) return fail(while_doing("run the deep checks", lock.error()));
  facts::DeepTrials all = others(system.files, checks);
  std::vector<DeepTrial> done;
  for (const profile::DeepCheck& check : checks) {
    tell(check);
    DeepTrial trial = run(system, check);
    const auto uptime = facts::read_uptime(system.files);
    if (!uptime) return fail(while_doing("run the deep checks", uptime.error()));
    trial.stamp = {system.clock.now(), *uptime, std::chrono::hours(check.hours)};
    done.push_back(trial);
    all.checks.push_back(std::move(trial));
    // After each one: the next may take hours, or the power.
    auto written =
        system.files.write(facts::collected_file(facts::deep_kind), pretty_json(to_json(all)), 0644);
    if (!written) return fail(while_doing("keep what the deep checks came to", written.error()));
  }
  return done;
}

}  // namespace fettle::collect
