#include "health/deep.h"

#include "base/text.h"
#include "system/runner.h"

namespace fettle::health {
namespace {

std::string id_of(const profile::DeepCheck& check) {
  return "deep." + check.name;
}

std::string again(const profile::DeepCheck& check) {
  return "`fettle check --deep " + check.name + "` runs it anew";
}

std::string advice_of(const profile::DeepCheck& check) {
  return check.advice.empty() ? again(check) : check.advice + "; " + again(check);
}

std::string age_text(std::chrono::seconds age) {
  if (age < std::chrono::hours(2))
    return std::to_string(std::chrono::duration_cast<std::chrono::minutes>(age).count()) + " min ago";
  return std::to_string(std::chrono::duration_cast<std::chrono::hours>(age).count()) + " h ago";
}

Finding judge(const profile::DeepCheck& check, const facts::Facts& facts) {
  if (!facts.deep_trials && facts.deep_trials.error().why != Why::missing)
    return unknown(facts.deep_trials.error());
  const std::string advice = "`fettle check --deep " + check.name + "` runs it";
  const facts::DeepTrial* const trial =
      facts.deep_trials ? facts::find(*facts.deep_trials, check.name) : nullptr;
  if (trial == nullptr) return not_applicable("nobody ran it in this boot; " + advice);
  if (!facts.uptime) return unknown(facts.uptime.error());
  const auto age = *facts.uptime - trial->stamp.uptime;
  if (age > trial->stamp.valid) {
    return {Status::unknown,
            "it was last run " + age_text(age) + " and was then " + std::string(to_text(trial->status)) +
                ": " + trial->says,
            advice};
  }
  Finding finding = deep_finding(check, *trial).finding;
  finding.says += "; run " + age_text(age);
  return finding;
}

}  // namespace

NamedFinding deep_finding(const profile::DeepCheck& check, const facts::DeepTrial& trial) {
  std::string hint;
  if (trial.status == Status::fail || trial.status == Status::warn) hint = advice_of(check);
  // It never said anything: it is not installed, or did not end.
  if (trial.status == Status::unknown)
    hint = "see that '" + check.command.front() + "' is there and ends; " + again(check);
  return {
      id_of(check), "deep check " + check.name, {trial.status, trial.says, std::move(hint)}, trial.stamp.at};
}

Findings deep_findings(const facts::Facts& facts, const profile::Profile& profile,
                       std::chrono::system_clock::time_point now) {
  Findings findings;
  for (const profile::DeepCheck& check : profile.deep)
    findings.push_back({id_of(check), "deep check " + check.name, judge(check, facts), now});
  return findings;
}

std::optional<DeepExplanation> explain_deep(std::string_view id, const profile::Profile& profile) {
  for (const profile::DeepCheck& check : profile.deep) {
    if (id_of(check) != id) continue;
    std::string reads = "what `" + system::to_text({check.command, {}, {}}) + "` ends with";
    if (!check.figure.empty())
      reads += ", and the number behind '" + check.figure + "', which has to be at least " + check.at_least;
    reads += "; only when somebody asks, and for " + count_of(check.hours, "hour");
    std::string advice = advice_of(check);
    if (!check.source.empty()) advice += ". Source: " + check.source;
    return DeepExplanation{std::string(id), std::move(reads), check.why, std::move(advice)};
  }
  return std::nullopt;
}

}  // namespace fettle::health
