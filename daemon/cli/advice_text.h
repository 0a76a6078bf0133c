// How an advice is printed: for people and as JSON.
#pragma once

#include <boost/json/value.hpp>
#include <iosfwd>

#include "cli/model_choice.h"
#include "models/advise.h"

namespace fettle::cli {

// "[aiter-routing-pow2; source: ROCm/aiter@21d71b163d …]"
std::string origin_of(const models::Reason& reason);

// Layout, variables, arguments, notices, each with its reason.
void print_advice(std::ostream& out, const ChosenModel& model, const models::Wish& wish,
                  const models::Advice& advice);

// When the layout is blocked: why, and which ones work. Nothing else is worth printing then.
void print_block(std::ostream& out, const models::Advice& advice);

boost::json::value to_json(const ChosenModel& model, const models::Wish& wish, const models::Advice& advice);

}  // namespace fettle::cli
