#include "cli/advice_text.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <ostream>

namespace fettle::cli {
namespace {

namespace json = boost::json;

void print_reason(std::ostream& out, const models::Reason& reason) {
  out << "      " << reason.text << "\n      " << origin_of(reason) << '\n';
}

// Neighbours of one rule share their reason.
template <class Entry, class Text>
void print_grouped(std::ostream& out, const std::vector<Entry>& entries, const Text& text) {
  for (std::size_t i = 0; i < entries.size(); ++i) {
    out << "  " << text(entries[i]) << '\n';
    if (i + 1 == entries.size() || entries[i + 1].reason.rule != entries[i].reason.rule)
      print_reason(out, entries[i].reason);
  }
}

json::object to_json(const models::Reason& reason) {
  json::array sources;
  for (const std::string& each : reason.sources) sources.emplace_back(each);
  return {{"rule", reason.rule},
          {"why", reason.text},
          {"confidence", reason.confidence},
          {"sources", std::move(sources)}};
}

json::value to_json(const profile::Layout& layout) {
  return {{"tp", layout.tp}, {"dp", layout.dp}, {"ep", layout.ep}};
}

json::array to_json(const std::vector<models::Setting>& settings) {
  json::array list;
  for (const models::Setting& each : settings) {
    json::object entry{{"name", each.name}, {"value", each.value}};
    entry["reason"] = to_json(each.reason);
    list.emplace_back(std::move(entry));
  }
  return list;
}

json::array to_json(const std::vector<models::Notice>& notices) {
  json::array list;
  for (const models::Notice& each : notices) {
    json::object entry{{"level", models::to_text(each.level)}, {"says", each.text}};
    entry["reason"] = to_json(each.reason);
    list.emplace_back(std::move(entry));
  }
  return list;
}

std::string_view mark_of(models::Level level) {
  switch (level) {
    case models::Level::block:
      return "blocked";
    case models::Level::warn:
      return "warning";
    case models::Level::info:
      return "note";
  }
  return "note";
}

}  // namespace

std::string origin_of(const models::Reason& reason) {
  std::string text = "[" + reason.rule + "; " + reason.confidence + ": ";
  for (std::size_t i = 0; i < reason.sources.size(); ++i) text += (i == 0 ? "" : "; ") + reason.sources[i];
  return text + "]";
}

void print_block(std::ostream& out, const models::Advice& advice) {
  for (const models::Notice& each : advice.notices) {
    if (each.level != models::Level::block) continue;
    out << models::to_text(advice.layout) << " cannot work: " << each.text << '\n';
    print_reason(out, each.reason);
  }
  out << "layouts that work on this node:";
  if (advice.working.empty()) out << " none";
  for (const profile::Layout& each : advice.working) {
    out << "\n  " << models::to_text(each) << "  (--tp " << each.tp;
    if (each.dp > 1) out << " --dp " << each.dp;
    if (each.ep) out << " --ep";
    out << ")";
  }
  out << '\n';
}

void print_advice(std::ostream& out, const ChosenModel& model, const models::Wish& wish,
                  const models::Advice& advice) {
  out << model.facts.id << " with " << wish.engine.name << ' ' << wish.engine.version << ", from "
      << model.from << '\n'
      << "  AITER     " << advice.aiter << ", " << advice.aiter_from << '\n';
  if (!advice.served_by.empty()) {
    out << "  served by " << advice.served_by << ", not by " << wish.engine.name
        << ": there are no settings for it\n";
  } else {
    out << "  layout    " << models::to_text(advice.layout) << ", chosen by " << advice.layout_from << '\n';
  }
  if (advice.is_blocked()) {
    out << '\n';
    print_block(out, advice);
    return;
  }
  const auto title = [&](const char* text, bool is_empty) {
    if (!is_empty) out << '\n' << text << '\n';
    return !is_empty;
  };
  if (title("variables", advice.settings.empty())) {
    for (const models::Setting& each : advice.settings) {
      out << "  " << each.name << '=' << each.value << '\n';
      print_reason(out, each.reason);
    }
  }
  if (title("must not be set", advice.unset.empty())) {
    print_grouped(out, advice.unset, [](const models::Unset& each) { return each.name; });
  }
  if (title("arguments", advice.served_by.empty() ? advice.arguments.empty() : true)) {
    print_grouped(out, advice.arguments, [](const models::Argument& each) { return each.text; });
  }
  if (title("left out", advice.dropped.empty())) {
    for (const models::Setting& each : advice.dropped) {
      out << "  " << each.name << '=' << each.value << '\n';
      print_reason(out, each.reason);
    }
  }
  for (const auto* const list : {&advice.notices, &advice.alternatives}) {
    for (const models::Notice& each : *list) {
      out << '\n'
          << (list == &advice.alternatives ? "instead" : mark_of(each.level)) << ": " << each.text << '\n';
      if (each.text != each.reason.text) out << "      " << each.reason.text << '\n';
      out << "      " << origin_of(each.reason) << '\n';
    }
  }
}

json::value to_json(const ChosenModel& model, const models::Wish& wish, const models::Advice& advice) {
  json::array unset;
  for (const models::Unset& each : advice.unset) {
    json::object entry{{"name", each.name}};
    entry["reason"] = to_json(each.reason);
    unset.emplace_back(std::move(entry));
  }
  json::array arguments;
  for (const models::Argument& each : advice.arguments) {
    json::object entry{{"text", each.text}};
    entry["reason"] = to_json(each.reason);
    arguments.emplace_back(std::move(entry));
  }
  json::array working;
  for (const profile::Layout& each : advice.working) working.emplace_back(to_json(each));
  json::object answer{{"api", 1},
                      {"model", model.facts.id},
                      {"from", model.from},
                      {"engine", wish.engine.name},
                      {"version", wish.engine.version},
                      {"aiter", advice.aiter},
                      {"aiter_from", advice.aiter_from},
                      {"served_by", advice.served_by},
                      {"blocked", advice.is_blocked()},
                      {"layout_from", advice.layout_from}};
  answer["layout"] = to_json(advice.layout);
  answer["working_layouts"] = std::move(working);
  answer["variables"] = to_json(advice.settings);
  answer["unset"] = std::move(unset);
  answer["arguments"] = std::move(arguments);
  answer["left_out"] = to_json(advice.dropped);
  answer["notices"] = to_json(advice.notices);
  answer["alternatives"] = to_json(advice.alternatives);
  return answer;
}

}  // namespace fettle::cli
