// Ledger: which stages on its way to serving a node has reached, and how the ledger of boots is told.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <vector>

#include "serve/snapshot.h"
#include "store/ledger.h"

namespace fettle::serve {

// The stages that these inputs show, each with `at` = when they were looked at: "cache" (mounted and in
// order), "gpus" (all there, driver live), "shelf.NAME" (verified), "ready" (the node);
// and with the times that the watch wrote down "served.ENGINE" and "token.ENGINE" (the first answer to a
// prompt). What the profile does not want is no stage.
std::vector<store::Stage> stages_reached(const Inputs& inputs, const Verdict& verdict);

// What a stage cost: the node's price for the time since its kernel started. In thousandths of the currency's
// unit.
std::int64_t cost_of(const Price& price, std::chrono::seconds since_boot);

// {"boot":{…}|null,"first":{…}|null,"earlier":[…],"price":…|null}; seconds are since the kernel started.
// `first` is the boot in which this generation of the cache was new: what a blank node took.
boost::json::object ledger_json(const Inputs& inputs);

}  // namespace fettle::serve
