#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <cmath>
#include <cstdio>
#include <ctime>

#include "base/bytes.h"
#include "base/json.h"
#include "base/utc.h"
#include "cli/report_sections.h"
#include "cli/status_page.h"

namespace fettle::cli {
namespace {

namespace json = boost::json;

// Of the drawing, before it is stretched to the page.
constexpr double width = 1000;
constexpr double height = 200;

struct Sample {
  double at = 0;  // seconds since the epoch
  double done = 0;
  double verified = 0;
};

// Bytes a second between two samples.
struct Piece {
  double from = 0;
  double to = 0;
  double fetched = 0;
  double verified = 0;
};

std::vector<Sample> samples_of(const json::value& shelf) {
  std::vector<Sample> samples;
  for (const json::value& item : json_list(shelf, "history")) {
    const auto at = parse_utc(json_text(item, "at"));
    if (at == std::chrono::system_clock::time_point{}) continue;
    const Sample sample{static_cast<double>(std::chrono::system_clock::to_time_t(at)),
                        static_cast<double>(json_count(item, "done_bytes")),
                        static_cast<double>(json_count(item, "verified_bytes"))};
    // Two looks in one second are one sample.
    if (!samples.empty() && sample.at <= samples.back().at) {
      samples.back().done = sample.done;
      samples.back().verified = sample.verified;
    } else {
      samples.push_back(sample);
    }
  }
  return samples;
}

std::vector<Piece> pieces_of(const std::vector<Sample>& samples) {
  std::vector<Piece> pieces;
  for (std::size_t i = 1; i < samples.size(); ++i) {
    const Sample& a = samples[i - 1];
    const Sample& b = samples[i];
    const double seconds = b.at - a.at;
    // What a worker threw away and fetched again is no negative rate.
    pieces.push_back({a.at, b.at, std::max(0.0, b.done - a.done) / seconds,
                      std::max(0.0, b.verified - a.verified) / seconds});
  }
  return pieces;
}

// 1, 2 or 5 with noughts, in the unit that the rate is read in.
double round_up(double rate) {
  double unit = 1;
  while (rate / unit >= 1024) unit *= 1024;
  double step = 1;
  while (true) {
    for (const double each : {step, 2 * step, 5 * step}) {
      if (rate <= each * unit) return each * unit;
    }
    step *= 10;
  }
}

std::string point(double x, double y) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%.1f %.1f ", x, y);
  return text.data();
}

// Each piece is level: between two looks nobody knows more than the mean.
template <class Rate>
std::string path_of(const std::vector<Piece>& pieces, double top, const Rate& rate) {
  const double begin = pieces.front().from;
  const double whole = pieces.back().to - begin;
  std::string path;
  for (const Piece& piece : pieces) {
    const double y = height - height * rate(piece) / top;
    path += (path.empty() ? "M" : "L") + point(width * (piece.from - begin) / whole, y) + "L" +
            point(width * (piece.to - begin) / whole, y);
  }
  return path;
}

std::string rate_text(double rate) {
  return to_text(Bytes{static_cast<std::uint64_t>(rate)}) + "/s";
}

std::string clock_text(double at) {
  const auto seconds = static_cast<std::time_t>(at);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%H:%M:%S", &parts)};
}

}  // namespace

void add_growth(Html& html, const json::value& shelf) {
  const std::vector<Piece> pieces = pieces_of(samples_of(shelf));
  if (pieces.empty()) return;
  double fastest = 0;
  double fetched = 0;
  for (const Piece& piece : pieces) {
    fastest = std::max({fastest, piece.fetched, piece.verified});
    fetched += piece.fetched * (piece.to - piece.from);
  }
  if (fastest <= 0) return;
  const double top = round_up(fastest);
  const double begin = pieces.front().from;
  const double end = pieces.back().to;
  const auto of_fetched = [](const Piece& piece) { return piece.fetched; };
  const std::string edge = path_of(pieces, top, of_fetched);

  html.markup("<figure class=\"growth\">\n<div class=\"area\"><div class=\"scale\">");
  for (const double part : {1.0, 0.5, 0.0})
    html.around("<span>", part == 0 ? std::string("0") : rate_text(top * part), "</span>");
  html.markup(
      "</div>\n<svg viewBox=\"0 0 1000 200\" preserveAspectRatio=\"none\" role=\"img\" "
      "aria-label=\"Bytes a second, fetched and verified\">\n"
      "<line class=\"grid\" x1=\"0\" x2=\"1000\" y1=\"0\" y2=\"0\"/>"
      "<line class=\"grid\" x1=\"0\" x2=\"1000\" y1=\"100\" y2=\"100\"/>"
      "<line class=\"base\" x1=\"0\" x2=\"1000\" y1=\"200\" y2=\"200\"/>\n");
  html.around("<path class=\"fetched\" d=\"",
              edge + "L" + point(width, height) + "L" + point(0, height) + "Z", "\"/>\n");
  html.around("<path class=\"edge\" d=\"", edge, "\"/>\n");
  html.around("<path class=\"verified\" d=\"",
              path_of(pieces, top, [](const Piece& piece) { return piece.verified; }), "\"/>\n</svg>\n");
  html.markup("<div class=\"times\">");
  for (const double at : {begin, begin + (end - begin) / 2, end})
    html.around("<span>", clock_text(at), "</span>");
  html.markup("</div></div>\n");
  html.around("<figcaption>Filled: fetched, ", rate_text(fetched / (end - begin)), " in the mean over ");
  html.text(time_text(std::chrono::seconds(static_cast<std::int64_t>(end - begin))));
  html.markup(
      ". Broken line: verified. As the daemon saw it since it started; UTC.</figcaption>\n</figure>\n");
}

}  // namespace fettle::cli
