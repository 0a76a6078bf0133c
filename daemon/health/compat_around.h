// What the compatibility table says around a question: the rows of its Ubuntu release, the newest set that is
// listed, and where all of that was read. Pure; `fettle compat` prints it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "health/compat.h"
#include "profile/profile.h"

namespace fettle::health {

// One ROCm release with the Ubuntu release of the question.
struct AroundRow {
  std::string rocm;
  bool is_preview = false;
  std::vector<std::string> kernels;       // one for each of Around::kernels: "yes", "no", "unstated" or "-"
  Verdict verdict = Verdict::not_listed;  // of the question with this ROCm
  std::vector<std::string> drivers;       // those of the release's own page; empty when it names none
};

struct Around {
  std::vector<std::string> kernels;  // "6.8 (GA)", every kernel that some row has
  std::vector<AroundRow> rows;       // oldest ROCm first; empty when the table does not have the system
};

Around around(const Question& question, const profile::Compat& table);

// The newest ROCm that stands in the table with this system, previews and releases that are only
// inferred left out. The question's kernel is kept
// when some release lists it with the system, else it is the last that one lists.
struct Newest {
  std::string rocm;
  std::string kernel;  // "6.14 (HWE)"
  std::string driver;  // "30.30.3"; the question's own where that fits, else the newest that does
  std::vector<std::string> sources;
};

std::optional<Newest> newest(const Question& question, const profile::Compat& table);

// Keys of the sources behind the answer: those of the ROCm release, of the driver's row, and of the rule for
// point releases. Each once, in their order; empty when the table knows none of the parts.
std::vector<std::string> sources_of(const Question& question, const profile::Compat& table);

// "ROCm/ROCm docs/release/versions.md @ e396b489": the source of that key as one line.
std::string describe(const profile::CompatSource& source);

// What the table remarks on the question's ROCm release ("known issue: ..."); empty when nothing.
std::string remark_on(const Question& question, const profile::Compat& table);

}  // namespace fettle::health
