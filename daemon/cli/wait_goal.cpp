#include "cli/wait_goal.h"

#include <boost/json/array.hpp>
#include <initializer_list>

#include "base/json.h"
#include "serve/hidden.h"

namespace fettle::cli {
namespace {

namespace json = boost::json;

bool is_true(const json::value& object, std::string_view key) {
  const json::value* const field = json_field(object, key);
  return field != nullptr && field->is_bool() && field->get_bool();
}

// What is not in order among the findings whose ids begin so; `seen` counts them all.
std::vector<std::string> not_in_order(const json::value& status,
                                      std::initializer_list<std::string_view> prefixes, std::size_t& seen) {
  std::vector<std::string> missing;
  for (const json::value& finding : json_list(status, "findings")) {
    const std::string id = json_text(finding, "id");
    for (const std::string_view prefix : prefixes) {
      if (id.rfind(prefix, 0) != 0) continue;
      ++seen;
      const std::string word = json_text(finding, "status");
      if (word == "fail" || word == "unknown") missing.push_back(id + ": " + json_text(finding, "says"));
    }
  }
  return missing;
}

std::vector<std::string> missing_for_ready(const json::value& status) {
  if (json_text(status, "state") == "ready") return {};
  std::vector<std::string> missing;
  for (const json::value& finding : json_list(status, "findings")) {
    const std::string word = json_text(finding, "status");
    const std::string id = json_text(finding, "id");
    const bool is_of_shelf = id.starts_with("shelf.");  // the shelf below says it again
    const bool is_obstacle = word == "fail" || (word == "unknown" && !serve::may_be_hidden(id));
    if (!is_of_shelf && is_obstacle) missing.push_back(id + ": " + json_text(finding, "says"));
  }
  for (const json::value& shelf : json_list(status, "shelves")) {
    if (!is_true(shelf, "ready"))
      missing.push_back("shelf " + json_text(shelf, "name") + ": " + json_text(shelf, "state"));
  }
  if (missing.empty())
    missing.push_back("the node is " + json_text(status, "state") + ": " + json_text(status, "why"));
  return missing;
}

Answered missing_for_cache(const json::value& status) {
  const json::value* const cache = json_field(status, "cache");
  if (cache == nullptr || json_text(*cache, "path").empty()) {
    return {{},
            Error{Why::refused, "cannot wait for the cache: the profile wants none",
                  "`cache:` in the profile asks for one"}};
  }
  std::size_t seen = 0;
  auto missing = not_in_order(status, {"cache."}, seen);
  if (seen == 0) missing.emplace_back("the cache: nobody looked at it yet");
  return {std::move(missing), {}};
}

Answered missing_for_gpus(const json::value& status) {
  const json::value* const gpus = json_field(status, "gpus");
  if (gpus == nullptr || json_count(*gpus, "wanted") == 0) {
    return {{},
            Error{Why::refused, "cannot wait for the GPUs: the profile wants none",
                  "`gpus:` in the profile asks for them"}};
  }
  std::size_t seen = 0;
  auto missing = not_in_order(status, {"gpu.", "driver."}, seen);
  const json::value* const count = json_field(*gpus, "seen");
  if (count == nullptr || count->is_null()) {
    missing.emplace_back("the GPUs: they could not be counted");
  } else if (json_count(*gpus, "seen") < json_count(*gpus, "wanted")) {
    missing.push_back("the GPUs: " + std::to_string(json_count(*gpus, "seen")) + " of " +
                      std::to_string(json_count(*gpus, "wanted")) + " are there");
  }
  return {std::move(missing), {}};
}

Answered missing_for_shelf(const json::value& status, const std::string& name) {
  for (const json::value& shelf : json_list(status, "shelves")) {
    if (json_text(shelf, "name") != name) continue;
    if (is_true(shelf, "ready")) return {};
    std::string said = "shelf " + name + ": " + json_text(shelf, "state");
    if (const std::string error = json_text(shelf, "error"); !error.empty()) said += ", " + error;
    return {{said}, {}};
  }
  return {{},
          Error{Why::refused, "cannot wait for the shelf '" + name + "': the profile wants no such shelf",
                "`fettle status` lists the wanted ones"}};
}

}  // namespace

Result<Goal> goal_of(std::string_view text) {
  constexpr std::string_view shelf = "shelf=";
  if (text == "ready") return Goal{Goal::Kind::ready, {}};
  if (text == "cache") return Goal{Goal::Kind::cache, {}};
  if (text == "gpu") return Goal{Goal::Kind::gpu, {}};
  if (text.substr(0, shelf.size()) == shelf && text.size() > shelf.size()) {
    return Goal{Goal::Kind::shelf, std::string(text.substr(shelf.size()))};
  }
  return fail(Why::malformed, "cannot wait for '" + std::string(text) + "'",
              "one of: ready, cache, gpu, shelf=NAME");
}

std::string to_text(const Goal& goal) {
  switch (goal.kind) {
    case Goal::Kind::ready:
      return "ready";
    case Goal::Kind::cache:
      return "cache";
    case Goal::Kind::gpu:
      return "gpu";
    case Goal::Kind::shelf:
      return "shelf=" + goal.shelf;
  }
  return {};
}

Answered missing_for(const json::value& status, const Goal& goal) {
  if (is_true(status, "stale")) return {{"a fresh look: " + json_text(status, "why")}, {}};
  switch (goal.kind) {
    case Goal::Kind::ready:
      return {missing_for_ready(status), {}};
    case Goal::Kind::cache:
      return missing_for_cache(status);
    case Goal::Kind::gpu:
      return missing_for_gpus(status);
    case Goal::Kind::shelf:
      return missing_for_shelf(status, goal.shelf);
  }
  return {};
}

}  // namespace fettle::cli
