// Metrics: the snapshot as Prometheus text 0.0.4. Names end in their unit; no model or file name is a label.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "serve/requests.h"
#include "serve/snapshot.h"

namespace fettle::serve {

// All that does not change before the next snapshot. fettle_finding_status has the plugin order 0 pass, 1
// warn, 2 fail, 3 unknown, and -1 for not applicable, so that `> 0` is what needs a look.
std::string metrics_text(const Inputs& inputs, State state);

// A page for node_exporter's textfile collector, of the text that the daemon answered; nothing when it did
// not. fettle_up and the time of writing come first: node_exporter goes on showing a file that nobody renews.
std::string textfile_text(std::optional<std::string_view> metrics, std::chrono::system_clock::time_point now);

// The same samples as OpenMetrics 1.0, where a counter's family is named without `_total`. The caller ends it
// with `# EOF`.
std::string as_open_metrics(std::string_view text);

// What changes with the time and with requests.
std::string server_metrics_text(std::chrono::seconds age, const Counters& counters);

}  // namespace fettle::serve
