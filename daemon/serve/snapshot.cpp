#include "serve/snapshot.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdio>
#include <functional>
#include <utility>

#include "serve/ledger.h"
#include "serve/metrics.h"
#include "serve/print.h"

namespace fettle::serve {
namespace {

namespace json = boost::json;

// From its second member on: the first three are printed when somebody asks.
std::string page_text(const json::object& fields) {
  std::string text = one_line(fields);
  text.front() = ',';
  return text + "\n";
}

json::value or_null(const std::optional<Bytes>& bytes) {
  return bytes ? json::value(bytes->count) : json::value(nullptr);
}

json::object finding_json(const Inputs& inputs, const NamedFinding& named) {
  const store::Acknowledgement* const by = acknowledgement_of(inputs.acknowledgements, named, inputs.made_at);
  return {{"id", named.id},
          {"title", named.title},
          {"status", to_text(named.finding.status)},
          {"says", named.finding.says},
          {"hint", named.finding.hint},
          {"checked_at", utc(named.checked_at)},
          {"acknowledged", by == nullptr ? json::value(nullptr) : json::value(to_json(*by))}};
}

json::object shelf_json(const Shelf& shelf) {
  return {{"name", shelf.name},
          {"state", shelf.word},
          {"ready", shelf.progress == Progress::ready},
          {"done_bytes", shelf.done.count},
          {"total_bytes", shelf.total.count == 0 ? json::value(nullptr) : json::value(shelf.total.count)},
          {"bytes_per_second", shelf.rate.count},
          {"seconds_left", shelf.left ? json::value(shelf.left->count()) : json::value(nullptr)},
          {"error", shelf.error}};
}

json::object engine_json(const Engine& engine) {
  const auto time = [](const auto& at) { return at ? json::value(utc(*at)) : json::value(nullptr); };
  return {{"name", engine.name},
          {"url", engine.url},
          {"state", engine.state},
          {"models", json::array(engine.models.begin(), engine.models.end())},
          {"served_at", time(engine.served_at)},
          {"token_at", time(engine.token_at)}};
}

json::object cache_json(const Cache& cache) {
  return {{"path", cache.path},
          {"kind", cache.kind},
          {"total_bytes", or_null(cache.total)},
          {"available_bytes", or_null(cache.available)},
          {"write_microseconds", cache.write ? json::value(cache.write->count()) : json::value(nullptr)}};
}

json::array caches_json(const std::vector<CacheDirectory>& caches) {
  json::array list;
  for (const CacheDirectory& cache : caches) {
    list.push_back(
        {{"name", cache.name},
         {"used_bytes", or_null(cache.used)},
         {"quota_bytes", cache.quota.count == 0 ? json::value(nullptr) : json::value(cache.quota.count)},
         {"reserve_bytes", cache.reserve.count},
         {"bytes_per_hour",
          cache.bytes_per_hour ? json::value(*cache.bytes_per_hour) : json::value(nullptr)}});
  }
  return list;
}

json::object gpus_json(const Gpus& gpus) {
  return {{"model", gpus.model},
          {"wanted", gpus.wanted},
          {"seen", gpus.seen ? json::value(*gpus.seen) : json::value(nullptr)},
          {"driver", gpus.driver}};
}

json::object counts_json(const Findings& findings) {
  json::object counts;
  for (const Status status :
       {Status::pass, Status::not_applicable, Status::warn, Status::unknown, Status::fail}) {
    std::uint64_t count = 0;
    for (const NamedFinding& named : findings) count += named.finding.status == status ? 1 : 0;
    counts[to_text(status)] = count;
  }
  return counts;
}

// What every answer about the node begins with.
json::object head_of(const Inputs& inputs, const Verdict& verdict) {
  return {{"taken_at", utc(inputs.taken_at)}, {"state", to_text(verdict.state)}, {"why", verdict.why}};
}

json::object status_json(const Inputs& inputs, const Verdict& verdict) {
  json::object answer = head_of(inputs, verdict);
  answer["version"] = inputs.version;
  answer["profile"] = json::object{
      {"name", inputs.profile}, {"file", inputs.profile_file}, {"chosen", inputs.profile_chosen}};
  answer["started_at"] = utc(inputs.started_at);
  answer["refresh_seconds"] = inputs.refresh.count();
  answer["counts"] = counts_json(inputs.findings);
  answer["cache"] = cache_json(inputs.cache);
  answer["gpus"] = gpus_json(inputs.gpus);
  json::array shelves;
  for (const Shelf& shelf : inputs.shelves) shelves.emplace_back(shelf_json(shelf));
  answer["shelves"] = std::move(shelves);
  json::array engines;
  for (const Engine& engine : inputs.engines) engines.emplace_back(engine_json(engine));
  answer["engines"] = std::move(engines);
  json::array findings;
  for (const NamedFinding& named : inputs.findings) findings.emplace_back(finding_json(inputs, named));
  answer["findings"] = std::move(findings);
  return answer;
}

json::object health_json(const Inputs& inputs, const Verdict& verdict) {
  json::object answer = head_of(inputs, verdict);
  answer["counts"] = counts_json(inputs.findings);
  json::array findings;
  for (const NamedFinding& named : inputs.findings) {
    if (named.finding.status != Status::pass && named.finding.status != Status::not_applicable) {
      findings.emplace_back(finding_json(inputs, named));
    }
  }
  answer["findings"] = std::move(findings);
  return answer;
}

json::object shelves_json(const Inputs& inputs) {
  json::array shelves;
  for (const Shelf& shelf : inputs.shelves) shelves.emplace_back(shelf_json(shelf));
  return {{"taken_at", utc(inputs.taken_at)}, {"shelves", std::move(shelves)}};
}

json::object one_shelf_json(const Inputs& inputs, const Shelf& shelf) {
  json::object answer{{"taken_at", utc(inputs.taken_at)}, {"shelf", shelf_json(shelf)}};
  answer["report"] = shelf.detail;
  json::array history;
  for (const ProgressSample& sample : shelf.history) {
    history.push_back({{"at", utc(sample.at)},
                       {"done_bytes", sample.done.count},
                       {"verified_bytes", sample.verified.count}});
  }
  answer["history"] = std::move(history);
  return answer;
}

json::object storage_json(const Inputs& inputs) {
  json::object answer{{"taken_at", utc(inputs.taken_at)}, {"cache", cache_json(inputs.cache)}};
  answer["caches"] = caches_json(inputs.caches);
  answer["report"] = inputs.storage;
  answer["collected"] = inputs.collected;
  return answer;
}

json::object events_json(const Inputs& inputs) {
  json::array events;
  for (const store::Event& event : inputs.events) events.emplace_back(event_json(event));
  return {{"events", std::move(events)}};
}

json::object value_json(const Inputs& inputs, std::string_view name, const json::value& value) {
  json::object answer{{"taken_at", utc(inputs.taken_at)}};
  answer[name] = value;
  return answer;
}

// One hash for both texts: they are of one look.
std::string tag_of(std::string_view text, std::string_view more) {
  std::array<char, 40> tag{};
  std::snprintf(tag.data(), tag.size(), "W/\"%016zx%.*s\"", std::hash<std::string_view>{}(text),
                static_cast<int>(more.size()), more.data());
  return tag.data();
}

}  // namespace

Page::Page(std::string fresh_text, std::string stale_text)
    : fresh(std::move(fresh_text)),
      stale(std::move(stale_text)),
      fresh_tag(tag_of(fresh, "")),
      stale_tag(tag_of(fresh, "-stale")) {}

Snapshot::Snapshot(const Inputs& inputs)
    : verdict_(judge(inputs)),
      taken_(inputs.taken_steady),
      stale_after_(3 * inputs.refresh),
      findings_(inputs.findings),
      acknowledgements_(inputs.acknowledgements) {
  const Verdict stale{State::unknown,
                      "the last look was at " + utc(inputs.taken_at) + ", and none came back since"};
  pages_["/v1/status"] =
      Page(page_text(status_json(inputs, verdict_)), page_text(status_json(inputs, stale)));
  pages_["/v1/health"] =
      Page(page_text(health_json(inputs, verdict_)), page_text(health_json(inputs, stale)));
  pages_["/v1/facts"] = Page(page_text(value_json(inputs, "facts", inputs.facts)));
  pages_["/v1/storage"] = Page(page_text(storage_json(inputs)));
  pages_["/v1/shelves"] = Page(page_text(shelves_json(inputs)));
  pages_["/v1/ledger"] = Page(page_text(ledger_json(inputs)));
  pages_["/v1/events"] = Page(page_text(events_json(inputs)));
  pages_["/v1/acknowledged"] = Page(
      page_text({{"acknowledgements", to_json(inputs.acknowledgements, inputs.findings, inputs.made_at)}}));
  pages_["/v1/env"] = Page(page_text(value_json(inputs, "env", inputs.env)));
  for (const Shelf& shelf : inputs.shelves)
    shelves_[shelf.name] = Page(page_text(one_shelf_json(inputs, shelf)));
  metrics_.fresh = metrics_text(inputs, verdict_.state);
  metrics_.stale = metrics_text(inputs, State::unknown);
}

std::chrono::seconds Snapshot::age(std::chrono::steady_clock::time_point now) const {
  return std::chrono::duration_cast<std::chrono::seconds>(std::max(now, taken_) - taken_);
}

bool Snapshot::is_stale(std::chrono::steady_clock::time_point now) const {
  return stale_after_.count() > 0 && now - taken_ > stale_after_;
}

const Page* Snapshot::page(std::string_view path) const {
  const auto found = pages_.find(path);
  return found == pages_.end() ? nullptr : &found->second;
}

const NamedFinding* Snapshot::finding(std::string_view id) const {
  const auto found = std::find_if(findings_.begin(), findings_.end(),
                                  [&](const NamedFinding& named) { return named.id == id; });
  return found == findings_.end() ? nullptr : &*found;
}

const Page* Snapshot::shelf(std::string_view name) const {
  const auto found = shelves_.find(name);
  return found == shelves_.end() ? nullptr : &found->second;
}

}  // namespace fettle::serve
