// Facts as JSON, for /v1/facts and for reports of a node.
#pragma once

#include <boost/json/value.hpp>

#include "facts/facts.h"

namespace fettle::app {

// One member a fact; one that could not be read is {"unknown": why it was not read}.
boost::json::value facts_json(const facts::Facts& facts);

}  // namespace fettle::app
