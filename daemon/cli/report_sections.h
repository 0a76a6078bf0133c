// Sections of the report page, one file each. Each leaves out what nobody asked for, and says of what could
// not be looked at that it was not.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cli/html.h"
#include "cli/report_page.h"

namespace fettle::cli {

void add_machine(Html& html, const Answers& answers);      // hardware and software
void add_storage(Html& html, const Answers& answers);      // cache, drives, array, directories
void add_timeline(Html& html, const Answers& answers);     // this boot, what it cost
void add_models(Html& html, const Answers& answers);       // shelves, their growth, models
void add_environment(Html& html, const Answers& answers);  // variables

// How a shelf grew as a plot; nothing when there are fewer than two samples.
void add_growth(Html& html, const boost::json::value& shelf);

// The finding of that id in the status; null when there is none.
const boost::json::value* finding_of(const Answers& answers, std::string_view id);

// The field of an answer; null when the answer or the field is not there.
const boost::json::value* part_of(const Asked& asked, std::string_view key);

// Why a value is not there: the text of its field "unknown", or nothing when it is there.
std::optional<std::string> why_unknown(const boost::json::value* value);

// Sizes as people read them; empty for what is no number.
std::string size_text(const boost::json::value& object, std::string_view key);

// "2025-11-24 16:00:00 UTC" of an RFC 3339 time in UTC; another text stays as it is.
std::string moment(const std::string& time);

}  // namespace fettle::cli
