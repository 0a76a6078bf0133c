#include "cli/status_page.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/bytes.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/terminal.h"
#include "profile/choose.h"

namespace fettle::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t narrowest = 40;
constexpr std::size_t bar_width = 12;
constexpr std::size_t name_limit = 16;  // a longer name of a shelf gets a line of its own
constexpr std::size_t state_width = 10;
constexpr std::size_t indent = 9;  // of everything that stands right of a word

constexpr std::string_view plain = "0", bold = "1", red = "31", green = "32", yellow = "33", magenta = "35";

std::string_view colour_of(std::string_view word) {
  if (word == "ready" || word == "pass") return green;
  if (word == "failed" || word == "fail" || word == "refused" || word == "corrupt") return red;
  if (word == "unknown") return magenta;
  return word == "not_applicable" ? plain : yellow;
}

// Letters of UTF-8, not bytes.
std::size_t length_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string text_of(const json::value& object, std::string_view key) {
  return for_terminal(json_text(object, key));
}

bool is_null(const json::value& object, std::string_view key) {
  const json::value* const field = json_field(object, key);
  return field == nullptr || field->is_null();
}

Bytes bytes_of(const json::value& object, std::string_view key) {
  return {json_count(object, key)};
}

class Page {
 public:
  Page(Colour colour, std::size_t width) : colour_(colour), width_(width) {}

  // A word in its colour, filled up to `columns`.
  std::string painted(std::string_view word, std::string_view paint, std::size_t columns = 0) const {
    const std::string fill(columns > length_of(word) ? columns - length_of(word) : 0, ' ');
    if (colour_ == Colour::off || paint == plain) return std::string(word) + fill;
    return "\x1B[" + std::string(paint) + "m" + std::string(word) + "\x1B[0m" + fill;
  }

  bool has_room_for(std::size_t columns) const { return columns <= width_; }

  void line(std::string_view text = {}) { out_.append(text).append("\n"); }

  void heading(std::string_view word) {
    line();
    line(painted(word, bold));
  }

  // Wrapped between `left` and the page's width; `first` stands at the left of its first line and is `left`
  // wide.
  void paragraph(const std::string& first, std::size_t left, std::string_view text) {
    std::string row;
    std::size_t used = left;
    bool is_first = true;
    const auto flush = [&] {
      line(is_first ? first + row : std::string(left, ' ') + row);
      is_first = false;
      row.clear();
      used = left;
    };
    for (const std::string_view word : split(text, ' ')) {
      if (word.empty()) continue;
      if (!row.empty() && used + 1 + length_of(word) > width_) flush();
      if (!row.empty()) {
        row += ' ';
        ++used;
      }
      row += word;
      used += length_of(word);
    }
    if (!row.empty() || is_first) flush();
  }

  std::string take() { return std::move(out_); }

 private:
  Colour colour_;
  std::size_t width_;
  std::string out_;
};

void print_state(Page& page, const json::value& status) {
  const std::string state = text_of(status, "state");
  const std::size_t left = std::max(indent, length_of(state) + 2);
  page.paragraph(page.painted(state, colour_of(state), left), left, text_of(status, "why"));
  const json::value* const stale = json_field(status, "stale");
  const bool is_stale = stale != nullptr && stale->is_bool() && stale->get_bool();
  std::string looked =
      "looked " + time_text(std::chrono::seconds(json_count(status, "age_seconds"))) + " ago";
  if (is_stale) looked += ", which is too long: what stands below may be over";
  const json::value* const profile = json_field(status, "profile");
  if (profile != nullptr) looked += "; profile " + text_of(*profile, "name");
  page.paragraph(std::string(left, ' '), left, looked + "; fettle " + text_of(status, "version"));
  const std::string chosen = profile == nullptr ? std::string() : text_of(*profile, "chosen");
  if (!chosen.empty() && chosen != profile::named_by_hand)
    page.paragraph(std::string(left, ' '), left, "profile " + text_of(*profile, "name") + ": " + chosen);
}

std::string counts_text(const json::value& counts) {
  std::string text;
  for (const std::string_view word : {"fail", "unknown", "warn", "pass"}) {
    const std::uint64_t count = json_count(counts, word);
    if (count == 0) continue;
    if (!text.empty()) text += ", ";
    text += std::to_string(count) + " " + std::string(word);
  }
  return text.empty() ? "none" : text;
}

void print_parts(Page& page, const json::value& status) {
  page.line();
  if (const json::value* const cache = json_field(status, "cache"); cache != nullptr) {
    const std::string path = text_of(*cache, "path");
    std::string text = path.empty() ? "not wanted by the profile" : path;
    if (!path.empty() && is_null(*cache, "total_bytes")) text += ", not there";
    if (!is_null(*cache, "total_bytes") && !is_null(*cache, "available_bytes")) {
      text += ", " + to_text(bytes_of(*cache, "available_bytes")) + " of " +
              to_text(bytes_of(*cache, "total_bytes")) + " free";
    }
    if (!is_null(*cache, "write_microseconds")) {
      const std::uint64_t micros = json_count(*cache, "write_microseconds");
      text += ", a trial write took " + std::to_string((micros + 999) / 1000) + " ms";
    }
    page.paragraph(page.painted("cache", plain, indent), indent, text);
  }
  if (const json::value* const gpus = json_field(status, "gpus"); gpus != nullptr) {
    const std::string model = text_of(*gpus, "model");
    const std::string seen = is_null(*gpus, "seen") ? "?" : std::to_string(json_count(*gpus, "seen"));
    std::string text = model.empty()
                           ? seen + " seen, none wanted"
                           : seen + " of " + std::to_string(json_count(*gpus, "wanted")) + " " + model;
    const std::string driver = text_of(*gpus, "driver");
    text += driver.empty() ? ", no driver" : ", driver " + driver;
    page.paragraph(page.painted("gpus", plain, indent), indent, text);
  }
  std::string engines;
  for (const json::value& engine : json_list(status, "engines")) {
    engines += (engines.empty() ? "" : "; ") + text_of(engine, "name") + " " + text_of(engine, "state");
    const json::array& models = json_list(engine, "models");
    if (!models.empty() && models.front().is_string())
      engines += " " + for_terminal(std::string(models.front().get_string()));
  }
  if (!engines.empty()) page.paragraph(page.painted("engines", plain, indent), indent, engines);
  if (const json::value* const counts = json_field(status, "counts"); counts != nullptr) {
    page.paragraph(page.painted("checks", plain, indent), indent, counts_text(*counts));
  }
}

std::string bar(std::uint64_t done, std::uint64_t total) {
  const auto filled = static_cast<std::size_t>(
      static_cast<double>(bar_width) * std::min(1.0, static_cast<double>(done) / static_cast<double>(total)));
  return "[" + std::string(filled, '#') + std::string(bar_width - filled, '.') + "]";
}

std::string percent(std::uint64_t done, std::uint64_t total) {
  // Rounded down: 100 % only when nothing is missing.
  const auto number =
      static_cast<unsigned>(100.0 * std::min(1.0, static_cast<double>(done) / static_cast<double>(total)));
  std::string text = std::to_string(number) + " %";
  return std::string(text.size() < 5 ? 5 - text.size() : 0, ' ') + text;
}

void print_shelf(Page& page, const json::value& shelf, std::size_t name_width) {
  const std::string state = text_of(shelf, "state");
  const std::string name = text_of(shelf, "name");
  const std::size_t left = 2 + name_width + 2 + state_width;
  std::string first = "  " + page.painted(name, plain, name_width + 2);
  if (length_of(name) > name_width) {
    page.line("  " + name);
    first = std::string(2 + name_width + 2, ' ');
  }
  first += page.painted(state, colour_of(state), state_width);
  const Bytes done = bytes_of(shelf, "done_bytes");
  const Bytes total = bytes_of(shelf, "total_bytes");
  const json::value* const ready = json_field(shelf, "ready");
  const bool is_ready = ready != nullptr && ready->is_bool() && ready->get_bool();
  if (is_ready) {
    page.line(first + to_text(total.count == 0 ? done : total));
  } else if (total.count > 0) {
    const std::string measure = bar(done.count, total.count) + percent(done.count, total.count);
    const std::string sizes = to_text(done) + " of " + to_text(total);
    if (page.has_room_for(left + measure.size() + 2 + sizes.size())) {
      page.line(first + measure + "  " + sizes);
    } else {
      page.line(first + measure);
      page.paragraph(std::string(left, ' '), left, sizes);
    }
  } else {
    page.line(first + (done.count > 0 ? to_text(done) + " so far" : "size not known yet"));
  }
  std::string moves;
  if (!is_ready && json_count(shelf, "bytes_per_second") > 0) {
    moves = to_text(bytes_of(shelf, "bytes_per_second")) + "/s";
    if (!is_null(shelf, "seconds_left")) {
      moves += ", " + time_text(std::chrono::seconds(json_count(shelf, "seconds_left"))) + " left";
    }
  }
  const std::string blank(left, ' ');
  if (!moves.empty()) page.paragraph(blank, left, moves);
  if (const std::string error = text_of(shelf, "error"); !error.empty()) page.paragraph(blank, left, error);
}

void print_shelves(Page& page, const json::value& status) {
  const json::array& shelves = json_list(status, "shelves");
  if (shelves.empty()) return;
  page.heading("shelves");
  std::size_t name_width = 0;
  for (const json::value& shelf : shelves) {
    name_width = std::min(name_limit, std::max(name_width, length_of(text_of(shelf, "name"))));
  }
  for (const json::value& shelf : shelves) print_shelf(page, shelf, name_width);
}

void print_findings(Page& page, const json::value& status) {
  // The worst first: that is what somebody reads at night.
  std::vector<const json::value*> shown;
  for (const std::string_view word : {"fail", "unknown", "warn"}) {
    for (const json::value& finding : json_list(status, "findings")) {
      if (json_text(finding, "status") == word) shown.push_back(&finding);
    }
  }
  if (shown.empty()) return;
  page.heading("findings");
  constexpr std::size_t left = 11;
  for (const json::value* const finding : shown) {
    const std::string word = text_of(*finding, "status");
    page.line("  " + page.painted(word, colour_of(word), left - 2) + text_of(*finding, "id"));
    page.paragraph(std::string(left, ' '), left, text_of(*finding, "says"));
    if (const std::string advice = text_of(*finding, "hint"); !advice.empty()) {
      page.paragraph(std::string(left, ' ') + "hint: ", left + 6, advice);
    }
    if (const json::value* const known = json_field(*finding, "acknowledged");
        known != nullptr && known->is_object()) {
      page.paragraph(std::string(left, ' ') + "known: ", left + 7,
                     "acknowledged until " + text_of(*known, "until") + " by " + text_of(*known, "by") +
                         ": " + text_of(*known, "because"));
    }
  }
}

}  // namespace

std::string status_page(const json::value& status, Colour colour, std::size_t columns) {
  Page page(colour, std::clamp(columns, narrowest, status_width));
  print_state(page, status);
  print_parts(page, status);
  print_shelves(page, status);
  print_findings(page, status);
  return page.take();
}

std::string no_status_page(const Error& error, Colour colour, std::size_t columns) {
  Page page(colour, std::clamp(columns, narrowest, status_width));
  page.paragraph(page.painted("unknown", colour_of("unknown"), indent), indent, for_terminal(error.said));
  if (!error.hint.empty()) {
    page.paragraph(std::string(indent, ' ') + "hint: ", indent + 6, for_terminal(error.hint));
  }
  page.paragraph(std::string(indent, ' '), indent, "retrying each second");
  return page.take();
}

int exit_code_of(std::string_view state) {
  if (state == "ready") return 0;
  if (state == "starting" || state == "degraded") return 1;
  return state == "failed" ? 2 : 3;
}

std::string time_text(std::chrono::seconds time) {
  struct Unit {
    std::int64_t seconds;
    std::string_view name;
  };
  constexpr std::array<Unit, 4> units{{{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}}};
  const std::int64_t count = std::max<std::int64_t>(0, time.count());
  for (std::size_t i = 0; i < units.size(); ++i) {
    if (count < units[i].seconds && i + 1 < units.size()) continue;
    std::string text = std::to_string(count / units[i].seconds) + " " + std::string(units[i].name);
    // Seconds beside minutes say nothing that anybody acts on.
    if (i < 2 && count % units[i].seconds / units[i + 1].seconds > 0) {
      text += " " + std::to_string(count % units[i].seconds / units[i + 1].seconds) + " " +
              std::string(units[i + 1].name);
    }
    return text;
  }
  return {};
}

}  // namespace fettle::cli
