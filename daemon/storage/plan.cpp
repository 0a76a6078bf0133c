#include "storage/plan.h"

#include "storage/decision.h"

namespace fettle::storage {

std::string_view to_text(Verdict verdict) {
  switch (verdict) {
    case Verdict::none:
      return "none";
    case Verdict::directory:
      return "directory";
    case Verdict::same:
      return "same";
    case Verdict::all_blank:
      return "all_blank";
    case Verdict::os_reimaged:
      return "os_reimaged";
    case Verdict::resume:
      return "resume";
    case Verdict::incomplete:
      return "incomplete";
    case Verdict::some_replaced:
      return "some_replaced";
    case Verdict::dead:
      return "dead";
    case Verdict::releasing:
      return "releasing";
    case Verdict::foreign:
      return "foreign";
    case Verdict::unknown:
      return "unknown";
  }
  return "unknown";
}

std::string_view to_text(Verb verb) {
  switch (verb) {
    case Verb::provision:
      return "provision";
    case Verb::apply:
      return "apply";
    case Verb::recreate:
      return "recreate";
    case Verb::release:
      return "release";
  }
  return "unknown";
}

Plan plan(const Sight& sight, const profile::Profile& profile, const Fresh& fresh, Verb verb) {
  Plan nothing;
  if (!profile.cache) {
    nothing.verdict = Verdict::none;
    nothing.says = "the profile wants no cache";
    return nothing;
  }
  if (!profile.cache->drives) {
    nothing.verdict = Verdict::directory;
    nothing.says = "the cache is the directory '" + profile.cache->path + "'";
    return nothing;
  }
  if (profile.cache->drives->models.empty() || profile.cache->drives->count == 0) {
    nothing.verdict = Verdict::none;
    nothing.says = "the profile names no drives for the cache";
    nothing.refusal = Error{Why::refused, "cannot provision the cache: " + nothing.says,
                            "give `models` and `count` below `cache: drives:`"};
    return nothing;
  }
  if (sight.blind) {
    nothing.verdict = Verdict::unknown;
    nothing.says = sight.blind->said;
    nothing.refusal = while_doing("provision the cache", *sight.blind);
    if (nothing.refusal->hint.empty()) nothing.refusal->hint = "nothing was written; `dmesg` may tell why";
    return nothing;
  }
  Plan planned = Decision(sight, *profile.cache, fresh, verb).decide();
  // Whatever is asked for, the verdict says what was found.
  if (verb == Verb::recreate || verb == Verb::release)
    planned.verdict = Decision(sight, *profile.cache, fresh, Verb::provision).decide().verdict;
  planned.rivals = sight.rivals;
  return planned;
}

bool is_good(const Plan& plan) {
  return !plan.refusal;
}

}  // namespace fettle::storage
