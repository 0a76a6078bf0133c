#include "collect/kernel_log.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "base/pattern.h"
#include "base/text.h"
#include "system/kernel_log.h"

namespace fettle::collect {
namespace {

using std::chrono::seconds;

// Eight GPUs and as many drives; who makes up more devices shares the entry without a name.
constexpr std::size_t most_devices = 32;

bool is_hex(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_decimal(std::string_view text) {
  constexpr std::size_t longest = 4;
  return !text.empty() && text.size() <= longest &&
         text.find_first_not_of("0123456789") == std::string_view::npos;
}

// "0000:27:00.0"
bool is_pci_address(std::string_view text) {
  constexpr std::size_t length = 12;
  return text.size() == length && text[4] == ':' && text[7] == ':' && text[10] == '.' &&
         is_hex(text.substr(0, 4)) && is_hex(text.substr(5, 2)) && is_hex(text.substr(8, 2)) &&
         text[11] >= '0' && text[11] <= '7';
}

// "nvme3" of "nvme3n1p2", or nothing.
std::string_view drive_in(std::string_view word) {
  constexpr std::string_view prefix = "nvme";
  if (!word.starts_with(prefix)) return {};
  const auto end = word.find_first_not_of("0123456789", prefix.size());
  const std::string_view number =
      word.substr(prefix.size(), end == std::string_view::npos ? end : end - prefix.size());
  return is_decimal(number) ? word.substr(0, prefix.size() + number.size()) : std::string_view();
}

bool is_array(std::string_view word) {
  return word.starts_with("md") && is_decimal(word.substr(2));
}

using Counted = std::map<std::pair<std::string, std::string>, facts::LogMatch>;

class Looking {
 public:
  Looking(std::vector<std::pair<std::string, Pattern>> patterns, const facts::Stamp& stamp)
      : patterns_(std::move(patterns)), stamp_(stamp) {}

  void start_from(const std::vector<facts::LogMatch>& matches) {
    for (const facts::LogMatch& match : matches) counted_[{match.rule, match.device}] = match;
  }

  void see(const system::KernelRecord& record) {
    if (!record.is_of_kernel) return;
    for (const auto& [name, pattern] : patterns_) {
      if (pattern.matches(record.message)) count(name, record);
    }
  }

  std::vector<facts::LogMatch> matches() && {
    std::vector<facts::LogMatch> all;
    for (auto& [key, match] : counted_) all.push_back(std::move(match));
    return all;
  }

 private:
  void count(const std::string& rule, const system::KernelRecord& record) {
    std::string device = device_of(record.device, record.message);
    const auto of_rule = [&](const auto& entry) { return entry.first.first == rule; };
    if (counted_.count({rule, device}) == 0 &&
        static_cast<std::size_t>(std::count_if(counted_.begin(), counted_.end(), of_rule)) >= most_devices) {
      device.clear();
    }
    facts::LogMatch& match = counted_[{rule, device}];
    match.rule = rule;
    match.device = device;
    ++match.count;
    match.last_uptime = std::chrono::duration_cast<seconds>(record.since_boot);
    match.last_at = stamp_.at - (stamp_.uptime - match.last_uptime);
  }

  std::vector<std::pair<std::string, Pattern>> patterns_;
  facts::Stamp stamp_;
  Counted counted_;
};

Result<std::vector<std::pair<std::string, Pattern>>> compile(const std::vector<profile::LogRule>& rules) {
  std::vector<std::pair<std::string, Pattern>> patterns;
  for (const profile::LogRule& rule : rules) {
    auto pattern = Pattern::compile(rule.pattern);
    if (!pattern) return fail(while_doing("look for '" + rule.name + "' in the kernel log", pattern.error()));
    patterns.emplace_back(rule.name, std::move(*pattern));
  }
  return patterns;
}

// A look that begins at record `from` and adds to what is in `log`.
Result<void> look(const system::Files& files, const std::vector<profile::LogRule>& rules,
                  facts::KernelLog& log) {
  auto patterns = compile(rules);
  if (!patterns) return fail(patterns.error());
  Looking looking(std::move(*patterns), log.stamp);
  looking.start_from(log.matches);
  const auto walk = system::walk_kernel_log(files, log.next,
                                            [&](const system::KernelRecord& record) { looking.see(record); });
  if (!walk) return fail(walk.error());
  log.next = walk->next;
  log.is_behind = !walk->reached_end;
  log.lost += walk->lost;
  if (walk->lost > 0) log.lost_uptime = log.stamp.uptime;
  log.matches = std::move(looking).matches();
  return {};
}

}  // namespace

std::string device_of(std::string_view kernel_device, std::string_view message) {
  constexpr std::string_view pci = "+pci:";
  if (kernel_device.starts_with(pci) && is_pci_address(kernel_device.substr(pci.size())))
    return std::string(kernel_device.substr(pci.size()));
  constexpr std::string_view of_a_word = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ:.";
  for (std::size_t at = message.find_first_of(of_a_word); at != std::string_view::npos;
       at = message.find_first_of(of_a_word, at)) {
    const std::size_t end = std::min(message.find_first_not_of(of_a_word, at), message.size());
    std::string_view word = message.substr(at, end - at);
    while (!word.empty() && (word.back() == ':' || word.back() == '.')) word.remove_suffix(1);
    if (is_pci_address(word) || is_array(word)) return std::string(word);
    if (const std::string_view drive = drive_in(word); !drive.empty()) return std::string(drive);
    at = end;
  }
  return {};
}

facts::KernelLog look_at_kernel_log(const system::Files& files, const std::vector<profile::LogRule>& rules,
                                    const Result<std::string>& boot_id, const facts::Stamp& stamp,
                                    const Result<facts::KernelLog>& before) {
  facts::KernelLog log;
  const std::string digest = facts::digest_of(rules);
  if (before && boot_id && before->boot_id == *boot_id && before->rules == digest) log = *before;
  log.stamp = stamp;
  log.rules = digest;
  log.error.reset();
  if (!boot_id) {
    log.error = while_doing("tell which boot the kernel log is of", boot_id.error());
    return log;
  }
  log.boot_id = *boot_id;
  auto done = look(files, rules, log);
  if (!done && done.error().why == Why::malformed && log.next > 0) {
    log = {};
    log.stamp = stamp;
    log.rules = digest;
    log.boot_id = *boot_id;
    done = look(files, rules, log);
  }
  if (!done) log.error = done.error();
  return log;
}

}  // namespace fettle::collect
