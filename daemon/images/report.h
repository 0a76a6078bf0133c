// Report: how a list of container images stands, as whoever pulls them publishes it and everybody else reads
// it.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/finding.h"
#include "base/result.h"
#include "system/files.h"

namespace fettle::images {

enum class State { wanted, pulling, ready, failed };
std::string_view to_text(State state);

struct ImageReport {
  std::string name;    // as commands call it: "docker.io/rocm/vllm:v1"
  std::string pinned;  // as it was asked for
  State state = State::wanted;
  bool is_unpinned = false;
  Bytes size;   // what it takes up once it is here; until then what its list says
  Error error;  // why it failed
};

struct Report {
  std::string list;
  std::string engine;  // "docker 27.3.1"; empty when none answered
  std::vector<ImageReport> images;
  Error error;  // of all of them: no engine answers
  std::chrono::system_clock::time_point updated_at{};
};

// `failed` when one of them is, `pulling` when one is, `ready` when all are.
State state_of(const Report& report);
Bytes total_of(const Report& report);
Bytes done_of(const Report& report);

// What is not here now and could not be pulled the last time has failed, for the reason of then.
void keep_reasons(Report& now, const Report& last);

// /run/fettle/images/LIST.json
std::string path_of(std::string_view list);
std::string to_json(const Report& report);
Result<Report> read_report(const system::Files& files, std::string_view list);
Result<void> write_report(const system::Files& files, const Report& report);

// The finding of one list. A report that is missing, cannot be read or is old gives unknown.
Finding judge(const Result<Report>& report, std::string_view list, std::chrono::system_clock::time_point now);

}  // namespace fettle::images
