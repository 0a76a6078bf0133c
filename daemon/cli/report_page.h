// Report page: what the daemon answered as one HTML page that needs nothing else: no script, no request.
#pragma once

#include <boost/json/value.hpp>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace fettle::cli {

using Asked = Result<boost::json::value>;

// The answers that a page is made from. Without a status there is no page; of the others each may be missing.
struct Answers {
  boost::json::value status;
  Asked facts = fail(Why::missing, "not asked");
  Asked storage = fail(Why::missing, "not asked");
  Asked env = fail(Why::missing, "not asked");
  Asked ledger = fail(Why::missing, "not asked");
  std::vector<std::pair<std::string, Asked>> shelves;  // by name, in the order of the profile
};

std::string report_page(const Answers& answers, std::chrono::system_clock::time_point made_at);

}  // namespace fettle::cli
