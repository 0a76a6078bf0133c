#include "images/report.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/json.h"
#include "base/names.h"
#include "base/text.h"

namespace fettle::images {
namespace {

namespace json = boost::json;
using std::chrono::duration_cast;
using std::chrono::seconds;
using std::chrono::system_clock;

constexpr Bytes largest_report = 1_MiB;
// fettle-images.timer looks each hour; one image may take as long as pull_deadline.
constexpr std::chrono::hours expires_after{3};
constexpr std::chrono::hours pull_expires_after{7};

struct StateName {
  State state;
  std::string_view name;
};
constexpr std::array state_names{StateName{State::wanted, "wanted"}, StateName{State::pulling, "pulling"},
                                 StateName{State::ready, "ready"}, StateName{State::failed, "failed"}};

Error error_of(const json::value& row) {
  return {Why::failed, json_text(row, "said"), json_text(row, "hint")};
}

std::size_t count_ready(const Report& report) {
  return static_cast<std::size_t>(
      std::count_if(report.images.begin(), report.images.end(),
                    [](const auto& image) { return image.state == State::ready; }));
}

}  // namespace

std::string_view to_text(State state) {
  for (const StateName& each : state_names) {
    if (each.state == state) return each.name;
  }
  return "failed";
}

State state_of(const Report& report) {
  const auto any = [&](State state) {
    return std::any_of(report.images.begin(), report.images.end(),
                       [&](const ImageReport& image) { return image.state == state; });
  };
  if (any(State::pulling)) return State::pulling;
  if (!report.error.said.empty() || any(State::failed)) return State::failed;
  return any(State::wanted) ? State::wanted : State::ready;
}

Bytes total_of(const Report& report) {
  Bytes total;
  for (const ImageReport& image : report.images) total += image.size;
  return total;
}

Bytes done_of(const Report& report) {
  Bytes done;
  for (const ImageReport& image : report.images) {
    if (image.state == State::ready) done += image.size;
  }
  return done;
}

void keep_reasons(Report& now, const Report& last) {
  for (ImageReport& image : now.images) {
    if (image.state != State::wanted) continue;
    const auto before = std::find_if(last.images.begin(), last.images.end(), [&](const ImageReport& each) {
      return each.pinned == image.pinned && each.state == State::failed;
    });
    if (before == last.images.end()) continue;
    image.state = State::failed;
    image.error = before->error;
  }
}

std::string path_of(std::string_view list) {
  return std::string(names::run_directory) + "/images/" + std::string(list) + ".json";
}

std::string to_json(const Report& report) {
  json::array images;
  for (const ImageReport& image : report.images) {
    images.emplace_back(json::object{{"name", image.name},
                                     {"pinned", image.pinned},
                                     {"unpinned", image.is_unpinned},
                                     {"state", to_text(image.state)},
                                     {"size_bytes", image.size.count},
                                     {"said", image.error.said},
                                     {"hint", image.error.hint}});
  }
  return pretty_json(
      json::object{{"list", report.list},
                   {"engine", report.engine},
                   {"state", to_text(state_of(report))},
                   {"done_bytes", done_of(report).count},
                   {"total_bytes", total_of(report).count},
                   {"said", report.error.said},
                   {"hint", report.error.hint},
                   {"updated_at", duration_cast<seconds>(report.updated_at.time_since_epoch()).count()},
                   {"images", std::move(images)}});
}

Result<Report> read_report(const system::Files& files, std::string_view list) {
  const std::string path = path_of(list);
  const auto text = files.read(path, largest_report);
  if (!text) return fail(text.error());
  const auto value = parse_json(*text, "'" + path + "'");
  if (!value) return fail(value.error());
  Report report;
  report.list = json_text(*value, "list");
  report.engine = json_text(*value, "engine");
  report.error = error_of(*value);
  report.updated_at = system_clock::time_point(seconds(json_count(*value, "updated_at")));
  for (const json::value& row : json_list(*value, "images")) {
    const std::string word = json_text(row, "state");
    const auto state = std::find_if(state_names.begin(), state_names.end(),
                                    [&](const StateName& each) { return each.name == word; });
    if (state == state_names.end())
      return fail(Why::malformed, "cannot read '" + path + "': '" + word + "' is no state of an image");
    const json::value* const unpinned = json_field(row, "unpinned");
    report.images.push_back({json_text(row, "name"), json_text(row, "pinned"), state->state,
                             unpinned != nullptr && *unpinned == json::value(true),
                             Bytes{json_count(row, "size_bytes")}, error_of(row)});
  }
  if (report.list != list)
    return fail(Why::malformed, "cannot read '" + path + "': it is not about '" + std::string(list) + "'");
  return report;
}

Result<void> write_report(const system::Files& files, const Report& report) {
  const auto written = files.write(path_of(report.list), to_json(report), 0644);
  if (!written) return fail(written.error());
  return {};
}

Finding judge(const Result<Report>& result, std::string_view list, system_clock::time_point now) {
  const std::string name = "the images of '" + std::string(list) + "'";
  if (!result && result.error().why == Why::missing) {
    return {Status::unknown, name + " were not looked for since the boot",
            "`systemctl start fettle-images.service` does it; fettle-images.timer each hour"};
  }
  if (!result) return unknown(result.error());
  const Report& report = *result;
  const State state = state_of(report);
  const auto age = now - report.updated_at;
  if (age > (state == State::pulling ? pull_expires_after : expires_after)) {
    return {Status::unknown,
            name + " were last looked for " + std::to_string(duration_cast<std::chrono::hours>(age).count()) +
                " h ago",
            "`systemctl status fettle-images.timer fettle-images.service` tells why"};
  }
  const std::string counted =
      std::to_string(count_ready(report)) + " of " + count_of(report.images.size(), "image") + " here";
  if (!report.error.said.empty()) return {Status::fail, name + ": " + report.error.said, report.error.hint};
  for (const ImageReport& image : report.images) {
    if (image.state == State::failed)
      return {Status::fail, name + ", " + counted + ": " + image.error.said, image.error.hint};
  }
  if (state != State::ready) return {Status::warn, name + " are on their way: " + counted, {}};
  for (const ImageReport& image : report.images) {
    if (image.is_unpinned) {
      return {Status::warn, name + " are here, but '" + image.name + "' follows its tag",
              "write its 'digest' into the list: another node may get other bytes"};
    }
  }
  return {Status::pass, name + " are here: " + counted + ", " + to_text(done_of(report)) + ", by digest", {}};
}

}  // namespace fettle::images
