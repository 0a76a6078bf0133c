#include "cli/shelf_page.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "cli/status_page.h"

namespace fettle::cli {
namespace {

using shelf::State;

double share(Bytes done, Bytes total) {
  if (total.count == 0) return 0;
  return std::min(1.0, static_cast<double>(done.count) / static_cast<double>(total.count));
}

// Rounded down: 100 % only when nothing is missing.
std::string percent(Bytes done, Bytes total) {
  const std::string number = std::to_string(static_cast<unsigned>(100 * share(done, total)));
  return std::string(3 - std::min<std::size_t>(3, number.size()), ' ') + number + " %";
}

std::string_view colour_of(State state) {
  switch (state) {
    case State::ready:
      return "\x1b[32m";
    case State::failed:
    case State::refused:
    case State::corrupt:
      return "\x1b[31m";
    case State::held:
      return "\x1b[33m";
    default:
      return "\x1b[36m";
  }
}

std::string painted(State state, Colour colour) {
  std::string name(shelf::to_text(state));
  name.resize(std::max<std::size_t>(name.size(), 9), ' ');
  if (colour == Colour::off) return name;
  return std::string(colour_of(state)).append(name).append("\x1b[0m");
}

// At most `width` bytes, with ".." where something is left out: the end of a file's name tells more than its
// middle.
std::string fitted(const std::string& text, std::size_t width) {
  if (text.size() <= width) return text + std::string(width - text.size(), ' ');
  const std::size_t front = (width - 2) / 2;
  return text.substr(0, front) + ".." + text.substr(text.size() - (width - 2 - front));
}

// Broken between words into at most `most` lines; what has no room there ends in "..".
std::vector<std::string> wrapped(std::string_view text, std::size_t width, std::size_t most) {
  const std::string indent = "  ";
  std::vector<std::string> all;
  while (!text.empty() && all.size() < most) {
    std::size_t room = width - indent.size();
    if (text.size() <= room) return all.push_back(indent + std::string(text)), all;
    const bool is_last = all.size() + 1 == most;
    if (is_last) room -= 2;
    const auto blank = text.substr(0, room + 1).rfind(' ');
    const std::size_t end = blank == std::string_view::npos || blank == 0 ? room : blank;
    all.push_back(indent + std::string(text.substr(0, end)) + (is_last ? ".." : ""));
    text.remove_prefix(end);
    text = trim(text);
  }
  return all;
}

Bytes shown_bytes(State state, const shelf::Amount& done, const shelf::Amount& verified) {
  return state == State::verifying ? verified.bytes : done.bytes;
}

// What the bar of the whole shelf shows: one repository that is being verified does not throw it back.
Bytes shown_bytes(const shelf::Report& report) {
  const bool is_here = report.done.bytes >= report.total.bytes;
  return is_here ? shown_bytes(report.state, report.done, report.verified) : report.done.bytes;
}

bool is_in_work(State state) {
  return state == State::fetching || state == State::verifying || state == State::corrupt;
}

std::string rate_text(const shelf::Report& report) {
  std::string text;
  if (report.rate.count > 0) text += to_text(report.rate) + "/s";
  if (report.eta && report.rate.count > 0) text += ", " + time_text(*report.eta) + " left";
  return text;
}

}  // namespace

std::string bar_text(Bytes done, Bytes total, std::size_t width, Glyphs glyphs) {
  const double filled = share(done, total) * static_cast<double>(width);
  const auto whole = static_cast<std::size_t>(filled);
  if (glyphs == Glyphs::ascii) return "[" + std::string(whole, '#') + std::string(width - whole, '.') + "]";
  constexpr std::array<const char*, 8> eighths{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  std::string text;
  for (std::size_t i = 0; i < whole; ++i) text += "█";
  const auto eighth = static_cast<std::size_t>((filled - static_cast<double>(whole)) * 8);
  std::size_t used = whole;
  if (used < width && eighth > 0) {
    text += eighths.at(eighth);
    ++used;
  }
  for (; used < width; ++used) text += "·";
  return text;
}

std::string shelf_line(const shelf::Report& report) {
  std::string text(shelf::to_text(report.state));
  if (report.total.bytes.count > 0 && report.state != State::ready) {
    const Bytes done = shown_bytes(report);
    text += " " + std::string(trim(percent(done, report.total.bytes))) + ", " + to_text(done) + " of " +
            to_text(report.total.bytes);
  }
  if (const std::string rate = rate_text(report); !rate.empty()) text += " at " + rate;
  if (report.error) text += ": " + report.error->said;
  return text;
}

std::vector<std::string> shelf_page(const shelf::Report& report, const Paper& paper) {
  const std::size_t width = std::max<std::size_t>(paper.width, 40);
  // Below 64 columns names need the room more than bars do.
  // The last column of a terminal stays free: 79 is what 80 columns give.
  const std::size_t bar_width = width >= 99 ? 30 : width >= 79 ? 20 : width >= 63 ? 8 : 0;
  const std::size_t brackets = paper.glyphs == Glyphs::ascii ? 2 : 0;
  const auto bar = [&](Bytes done, Bytes total) {
    if (bar_width == 0) return std::string();
    return bar_text(done, total, bar_width - brackets, paper.glyphs) + " ";
  };
  // "  name  state      bar  45 % 1000.0 GiB"
  const std::size_t name_width = width - 2 - 2 - 9 - 1 - (bar_width > 0 ? bar_width + 1 : 0) - 5 - 1 - 10;
  std::vector<std::string> page;

  const auto ready = std::count_if(report.repositories.begin(), report.repositories.end(),
                                   [](const auto& one) { return one.state == State::ready; });
  const Bytes done = shown_bytes(report);
  std::string first = fitted(report.shelf, name_width + 2) + "  " + painted(report.state, paper.colour);
  if (report.total.bytes.count > 0) {
    first += " " + bar(done, report.total.bytes) + percent(done, report.total.bytes) + " " +
             to_text(report.total.bytes);
  }
  page.push_back(first);
  std::string second = "  " + std::to_string(ready) + " of " +
                       count_of(report.repositories.size(), "repository", "repositories") + " ready";
  if (const std::string rate = rate_text(report); !rate.empty()) second += ", " + rate;
  const std::string verified = ", " + to_text(report.verified.bytes) + " verified";
  if (report.verified.bytes.count > 0 && is_in_work(report.state) && second.size() + verified.size() <= width)
    second += verified;
  page.push_back(second.substr(0, width));

  const auto line_of = [&](const shelf::RepositoryReport& one) {
    const Bytes its =
        one.state == State::ready ? one.total.bytes : shown_bytes(one.state, one.done, one.verified);
    std::string line = "  " + fitted(one.id, name_width) + "  " + painted(one.state, paper.colour);
    if (one.total.bytes.count == 0) return line;
    const std::string size = to_text(one.total.bytes);
    return line + " " + bar(its, one.total.bytes) + percent(its, one.total.bytes) + " " + size;
  };
  // What is in work and what went wrong first, then what comes, then what is done: the paper may be too
  // short.
  const auto rank = [](State state) {
    if (is_in_work(state)) return 0;
    if (state == State::failed || state == State::refused || state == State::held) return 1;
    return state == State::ready ? 3 : 2;
  };
  // A sentence cut off says little; on a low terminal the repositories say more.
  const std::size_t lines_of_error = paper.height < 24 ? 1 : 4;
  const auto error =
      report.error ? wrapped(report.error->said, width, lines_of_error) : std::vector<std::string>();
  std::vector<const shelf::RepositoryReport*> shown;
  for (const shelf::RepositoryReport& one : report.repositories) shown.push_back(&one);
  const std::size_t taken = 5 + report.current.size() + std::max<std::size_t>(1, error.size());
  const std::size_t room = paper.height > taken ? paper.height - taken : 2;
  if (shown.size() > room) {
    std::stable_sort(shown.begin(), shown.end(),
                     [&](const auto* a, const auto* b) { return rank(a->state) < rank(b->state); });
  }
  const std::size_t left_out = shown.size() > room ? shown.size() - room : 0;
  shown.resize(shown.size() - left_out);
  // Only one is in work at a time.
  const auto owner = std::find_if(shown.begin(), shown.end(),
                                  [](const shelf::RepositoryReport* one) { return is_in_work(one->state); });
  for (auto one = shown.begin(); one != shown.end(); ++one) {
    page.push_back(line_of(**one));
    if (one != owner) continue;
    for (const shelf::FileReport& file : report.current) {
      page.push_back("    " + fitted(file.path, name_width + 9) + " " + bar(file.done, file.total) +
                     percent(file.done, file.total) + " " + to_text(file.total));
    }
  }
  if (left_out > 0) page.push_back("  and " + std::to_string(left_out) + " more");
  page.insert(page.end(), error.begin(), error.end());
  return page;
}

std::string redraw(const std::vector<std::string>& page, std::size_t lines_before) {
  std::string text;
  if (lines_before > 0) text += "\x1b[" + std::to_string(lines_before) + "A";
  for (const std::string& line : page) text += "\r" + line + "\x1b[K\n";
  // The page before was longer: what is left of it goes.
  if (lines_before > page.size()) text += "\x1b[J";
  return text;
}

}  // namespace fettle::cli
