#include "serve/openapi.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <cctype>
#include <string>

#include "base/names.h"
#include "base/text.h"
#include "serve/routes.h"

namespace fettle::serve {
namespace {

namespace json = boost::json;

// Fields are added to these lists and never removed or changed: that is what version 1 promises.
struct Field {
  std::string_view schema;
  std::string_view name;
  // text, time, count, number, flag or any; the name of a schema; in [] a list of it; with ? it may be null;
  // "a|b" is one of these texts.
  std::string_view type;
  std::string_view says;
};

constexpr std::string_view states = "starting|ready|degraded|failed|unknown";

constexpr std::array fields{
    // What every page about the node begins with.
    Field{"Page", "api", "count", "version of the interface: 1"},
    Field{"Page", "age_seconds", "count", "how old the look is that this was printed from"},
    Field{"Page", "stale", "flag", "the look is too old to count: what it says may be over"},

    Field{"Status", "taken_at", "time", "when the node was looked at"},
    Field{"Status", "state", states, "the node in one word"},
    Field{"Status", "why", "text", "one sentence for the state"},
    Field{"Status", "version", "text", "of fettle"},
    Field{"Status", "profile", "Profile", "what is wanted of this node"},
    Field{"Status", "started_at", "time", "when the daemon started"},
    Field{"Status", "refresh_seconds", "count", "time between two looks; after three of them one is stale"},
    Field{"Status", "counts", "Counts", "findings by their status"},
    Field{"Status", "cache", "Cache", "the cache on local drives"},
    Field{"Status", "gpus", "Gpus", "the GPUs"},
    Field{"Status", "shelves", "[Shelf]", "the shelves that the profile wants, in its order"},
    Field{"Status", "engines", "[Engine]", "the inference engines that the configuration names"},
    Field{"Status", "findings", "[Finding]", "every check with what it found"},

    Field{"Health", "taken_at", "time", "when the node was looked at"},
    Field{"Health", "state", states, "the node in one word"},
    Field{"Health", "why", "text", "one sentence for the state"},
    Field{"Health", "counts", "Counts", "findings by their status"},
    Field{"Health", "findings", "[Finding]", "what is neither pass nor not_applicable"},

    Field{"Profile", "name", "text", "its name"},
    Field{"Profile", "file", "text", "the file that it was read from"},
    Field{"Profile", "chosen", "text", "how it came to be this one"},

    Field{"Counts", "pass", "count", "as wanted"},
    Field{"Counts", "not_applicable", "count", "there is nothing to check on this node"},
    Field{"Counts", "warn", "count", "it works, but not as it should"},
    Field{"Counts", "unknown", "count", "could not be looked at"},
    Field{"Counts", "fail", "count", "not as wanted"},

    Field{"Finding", "id", "text", "of the check; never renamed"},
    Field{"Finding", "title", "text", "what is checked"},
    Field{"Finding", "status", "pass|not_applicable|warn|unknown|fail", "what came of it"},
    Field{"Finding", "says", "text", "what was found"},
    Field{"Finding", "hint", "text", "what to do; empty when nothing is to be done"},
    Field{"Finding", "checked_at", "time", "when"},
    Field{"Finding", "acknowledged", "Known?", "by whom, while it is as it was then; null when by nobody"},

    Field{"Known", "by", "text", "root, or uid and its number, as the kernel told"},
    Field{"Known", "because", "text", "the reason that was given"},
    Field{"Known", "at", "time", "since when"},
    Field{"Known", "until", "time", "it ends by itself"},

    Field{"Acknowledged", "acknowledgements", "[Acknowledgement]", "those whose time is not over"},

    Field{"Acknowledgement", "check", "text", "of which finding"},
    Field{"Acknowledgement", "status", "text", "that it had then"},
    Field{"Acknowledgement", "says", "text", "what it said then"},
    Field{"Acknowledgement", "by", "text", "root, or uid and its number, as the kernel told"},
    Field{"Acknowledgement", "because", "text", "the reason that was given"},
    Field{"Acknowledgement", "at", "time", "since when"},
    Field{"Acknowledgement", "until", "time", "it ends by itself"},
    Field{"Acknowledgement", "covers", "flag", "the finding is as it was then, or better, and does not pass"},

    Field{"Cache", "path", "text", "where it is mounted; empty when the profile wants none"},
    Field{"Cache", "kind", "text", "drives or directory"},
    Field{"Cache", "total_bytes", "count?", "size of its file system; null when it could not be read"},
    Field{"Cache", "available_bytes", "count?", "free of that"},
    Field{"Cache", "write_microseconds", "count?", "a trial write with sync; null when it did not come back"},

    Field{"Gpus", "model", "text", "that the profile wants; empty when it wants none"},
    Field{"Gpus", "wanted", "count", "how many the profile wants"},
    Field{"Gpus", "seen", "count?", "how many the driver shows; null when that could not be read"},
    Field{"Gpus", "driver", "text", "version of the driver; empty when none is loaded"},

    Field{"Shelf", "name", "text", "its name"},
    Field{"Shelf", "state", "text", "wanted, planned, fetching, verifying, ready, failed, refused, held …"},
    Field{"Shelf", "ready", "flag", "every repository is verified and published"},
    Field{"Shelf", "done_bytes", "count", "bytes on the disk"},
    Field{"Shelf", "total_bytes", "count?", "bytes of the whole shelf; null while that is not known"},
    Field{"Shelf", "bytes_per_second", "count", "how fast it grows; 0 when it does not"},
    Field{"Shelf", "seconds_left", "count?", "until it is there at that rate"},
    Field{"Shelf", "error", "text", "why it stopped, or why it is unknown"},

    Field{"Engine", "name", "text", "its name"},
    Field{"Engine", "url", "text", "where it is asked"},
    Field{"Engine", "state", "silent|starting|serving|unknown", "what it answered last"},
    Field{"Engine", "models", "[text]", "that it names; empty while it is not serving"},
    Field{"Engine", "served_at", "time?", "when it first served in this boot"},
    Field{"Engine", "token_at", "time?", "when it first answered a prompt of ours in this boot"},

    Field{"Facts", "taken_at", "time", "when the node was looked at"},
    Field{"Facts", "facts", "any", "what was read off the machine; its fields follow the hardware"},

    Field{"Storage", "taken_at", "time", "when the node was looked at"},
    Field{"Storage", "cache", "Cache", "the cache on local drives"},
    Field{"Storage", "caches", "[CacheDirectory]", "its directories"},
    Field{"Storage", "report", "any", "what provisioning did at this boot; null before it reported"},
    Field{"Storage", "collected", "any", "what the collector found, a field a kind of probe"},

    Field{"CacheDirectory", "name", "text", "of the cache in the profile"},
    Field{"CacheDirectory", "used_bytes", "count?", "what lies there; null when it was not measured"},
    Field{"CacheDirectory", "quota_bytes", "count?",
          "the most that it may hold; null where the profile sets no limit"},
    Field{"CacheDirectory", "reserve_bytes", "count", "room that the profile keeps for it"},
    Field{"CacheDirectory", "bytes_per_hour", "number?", "how fast it grows; negative when it shrinks"},

    Field{"Shelves", "taken_at", "time", "when the node was looked at"},
    Field{"Shelves", "shelves", "[Shelf]", "the shelves that the profile wants, in its order"},

    Field{"OneShelf", "taken_at", "time", "when the node was looked at"},
    Field{"OneShelf", "shelf", "Shelf", "the shelf"},
    Field{"OneShelf", "report", "any", "the worker's own report: repositories and files; null without one"},
    Field{"OneShelf", "history", "[Sample]",
          "how it grew, oldest first; a restart of the daemon forgets none of it"},

    Field{"Sample", "at", "time", "when"},
    Field{"Sample", "done_bytes", "count", "bytes on the disk then"},
    Field{"Sample", "verified_bytes", "count", "of those, verified"},

    Field{"Env", "taken_at", "time", "when the node was looked at"},
    Field{"Env", "env", "any", "each variable with its reason, and where it is delivered"},

    Field{"Ledger", "taken_at", "time", "when the node was looked at"},
    Field{"Ledger", "boot", "Boot?", "this boot; null before it reached anything"},
    Field{
        "Ledger", "first", "Boot?",
        "the boot in which this generation of the cache was new, this one perhaps; null while none is known"},
    Field{"Ledger", "price", "Price?", "of the node, as configured"},
    Field{"Ledger", "earlier", "[Boot]", "boots before, newest first"},

    Field{"Boot", "id", "text", "the kernel's boot_id"},
    Field{"Boot", "kernel_started_at", "time", "when its kernel started"},
    Field{"Boot", "generation", "text?", "of the cache that it came to have; null = none, or not known"},
    Field{"Boot", "stages", "[Stage]", "in the order in which they were reached"},

    Field{"Stage", "name", "text", "cache, gpus, shelf.NAME, ready, served.ENGINE, token.ENGINE"},
    Field{"Stage", "at", "time", "when it was first seen"},
    Field{"Stage", "seconds", "count", "since the kernel started"},
    Field{"Stage", "bytes", "count", "what had to be there for it; 0 when that means nothing"},
    Field{"Stage", "cost_thousandths", "count?", "the node's price for that time, in thousandths"},

    Field{"Price", "thousandths_per_hour", "count", "in thousandths of the currency's unit"},
    Field{"Price", "currency", "text", "such as USD"},

    Field{"Events", "events", "[Event]", "the newest 200, oldest first"},

    Field{"Event", "id", "count", "counts on over restarts; for Last-Event-ID"},
    Field{"Event", "at", "time", "when"},
    Field{"Event", "subject", "text", "a check, a shelf, or node"},
    Field{"Event", "says", "text", "what happened"},

    Field{"Told", "api", "count", "version of the interface: 1"},
    Field{"Told", "says", "text", "what will be done"},

    Field{"OpenApi", "openapi", "text", "version of the format"},

    Field{"Problem", "api", "count", "version of the interface: 1"},
    Field{"Problem", "type", "text", "about:blank: the status says what kind of problem it is"},
    Field{"Problem", "title", "text", "the status in words"},
    Field{"Problem", "status", "count", "of the answer"},
    Field{"Problem", "detail", "text", "what is wrong"},
    Field{"Problem", "hint", "text", "what to do; may be empty"},
};

json::object ref(std::string_view schema) {
  return {{"$ref", "#/components/schemas/" + std::string(schema)}};
}

json::object type_schema(std::string_view type) {
  if (type.ends_with('?')) {
    json::object inner = type_schema(type.substr(0, type.size() - 1));
    if (inner.contains("type")) {
      inner["type"] = json::array{inner["type"], "null"};
      return inner;
    }
    return {{"oneOf", json::array{std::move(inner), json::object{{"type", "null"}}}}};
  }
  if (type.starts_with('['))
    return {{"type", "array"}, {"items", type_schema(type.substr(1, type.size() - 2))}};
  if (type == "any") return {};
  if (type == "flag") return {{"type", "boolean"}};
  if (type == "number") return {{"type", "integer"}};
  if (type == "count") return {{"type", "integer"}, {"minimum", 0}};
  // An empty time is "never", so that this is no date-time in all cases.
  if (type == "text" || type == "time") return {{"type", "string"}};
  if (type.find('|') == std::string_view::npos) return ref(type);
  json::array words;
  for (const std::string_view word : split(type, '|')) words.emplace_back(word);
  return {{"type", "string"}, {"enum", std::move(words)}};
}

bool is_page(std::string_view schema) {
  const auto all = routes();
  return std::any_of(all.begin(), all.end(), [&](const Route& route) {
    return route.schema == schema && schema != "Told" && schema != "OpenApi";
  });
}

json::object schemas() {
  json::object all;
  for (const Field& field : fields) {
    if (all.contains(field.schema)) continue;
    json::object properties;
    json::array required;
    const auto add = [&](std::string_view schema) {
      for (const Field& each : fields) {
        if (each.schema != schema) continue;
        json::object property = type_schema(each.type);
        property["description"] =
            std::string(each.says) + (each.type == "time" ? " (RFC 3339, UTC; empty = never)" : "");
        properties[each.name] = std::move(property);
        required.emplace_back(each.name);
      }
    };
    if (is_page(field.schema)) add("Page");
    add(field.schema);
    all[field.schema] = json::object{{"type", "object"}, {"properties", properties}, {"required", required}};
  }
  // Only where nothing was found.
  all["Problem"].as_object()["properties"].as_object()["known"] =
      json::object{{"type", "array"},
                   {"items", json::object{{"type", "string"}}},
                   {"description", "404 for an unknown path: what there is on this socket"}};
  return all;
}

json::object content(std::string_view type, json::object schema) {
  json::object by_type;
  by_type[type] = json::object{{"schema", std::move(schema)}};
  return by_type;
}

json::object answers_of(const Route& route) {
  const json::object text{{"type", "string"}};
  json::object good{{"description", route.says}};
  if (route.schema.empty()) {
    json::object both = content("text/plain", text);
    both["application/openmetrics-text"] = json::object{{"schema", text}};
    good["content"] = std::move(both);
  } else {
    json::object by_type = content(json_type, ref(route.schema));
    if (route.schema == "Events") by_type["text/event-stream"] = json::object{{"schema", text}};
    good["content"] = std::move(by_type);
  }
  json::object answers;
  answers[route.method == "GET" ? "200" : "202"] = good;
  if (is_page(route.schema) || route.schema == "OpenApi")
    answers["304"] =
        json::object{{"description", "what the client has, by its If-None-Match, is still right"}};
  if (route.schema == "Health") {
    good["description"] = "the node cannot serve now, or that is unknown";
    answers["503"] = good;
  }
  answers["default"] = json::object{{"description", "a problem (RFC 9457)"},
                                    {"content", content(problem_type, ref("Problem"))}};
  return answers;
}

}  // namespace

json::object openapi_document() {
  json::object paths;
  for (const Route& route : routes()) {
    std::string path(route.path);
    const bool is_named = path.ends_with(any_name);
    if (is_named) path.replace(path.size() - any_name.size(), any_name.size(), "{NAME}");
    const std::string_view socket =
        route.where == Where::control ? names::control_socket : names::status_socket;
    json::object operation{{"summary", route.says}, {"x-socket", socket}, {"responses", answers_of(route)}};
    if (is_named) {
      operation["parameters"] = json::array{json::object{{"name", "NAME"},
                                                         {"in", "path"},
                                                         {"required", true},
                                                         {"schema", json::object{{"type", "string"}}}}};
    }
    std::string method(route.method);
    std::transform(method.begin(), method.end(), method.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    paths[path] = json::object{{method, std::move(operation)}};
  }
  return {{"openapi", "3.1.0"},
          {"info", json::object{{"title", "fettled"},
                                {"version", "1"},
                                {"summary", "How a node stands: state, findings, shelves, metrics."},
                                {"description",
                                 "HTTP/1.1 on Unix sockets; x-socket names the one where a path is. GET also "
                                 "answers HEAD, and the control socket answers everything that the status "
                                 "socket does. Fields are only ever added within version 1."}}},
          {"servers", json::array{json::object{{"url", "http://fettle"},
                                               {"description", "any host name: the socket is the server"}}}},
          {"paths", std::move(paths)},
          {"components", json::object{{"schemas", schemas()}}}};
}

}  // namespace fettle::serve
