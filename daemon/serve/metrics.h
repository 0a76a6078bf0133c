// Metrics: the snapshot as Prometheus text 0.0.4. Names end in their unit; no model or file name is a label.
#pragma once

#include <string>

#include "serve/requests.h"
#include "serve/snapshot.h"

namespace fettle::serve {

// All that does not change before the next snapshot. fettle_finding_status has the plugin order 0 pass, 1
// warn, 2 fail, 3 unknown, and -1 for not applicable, so that `> 0` is what needs a look.
std::string metrics_text(const Inputs& inputs, State state);

// What changes with the time and with requests.
std::string server_metrics_text(std::chrono::seconds age, const Counters& counters);

}  // namespace fettle::serve
