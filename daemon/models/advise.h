// Advise: which layout, variables and arguments a model needs with an engine on a node. Pure; the rules are
// data (profiles/models/rules.yaml).
//
// Three passes: the layout (the operator's, a rule's, or the smallest power of two that no rule blocks), the
// settings (all rules in their order, the later wins, the operator's own before both), the versions
// (variables that this version of the engine does not have are taken out).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/version.h"
#include "profile/models.h"
#include "profile/situation.h"

namespace fettle::models {

// The GPUs that are to serve. The default is eight MI300X of 192 GiB.
struct Node {
  unsigned gpus = 8;
  Bytes gpu_memory = 192_GiB;
  unsigned mec_firmware = 0;  // 0 = not known
};

// An engine: its version, or what its image says it contains.
struct Engine {
  std::string name;     // "vllm" or "sglang"
  std::string version;  // "0.11.0"
  std::string
      aiter;  // a pin or release from the image's versions file; empty = what the version brings along
  std::string image;  // digest or reference of the image; empty = not known
};

struct Wish {
  Engine engine;
  std::optional<unsigned> tp;
  std::optional<unsigned> dp;
  std::optional<bool> ep;
  std::map<std::string, std::string> set;  // the operator's own variables
  std::string kv_cache_dtype = "auto";
  Node node;
};

// Why something is advised. Every line that is emitted has one.
struct Reason {
  std::string rule;  // its id; "operator" for the operator's own
  std::string text;
  std::vector<std::string> sources;
  std::string confidence;
};

struct Setting {
  std::string name;
  std::string value;
  Reason reason;
};

struct Unset {
  std::string name;
  Reason reason;
};

struct Argument {
  std::string text;  // "--block-size 1": words are separated by single blanks
  Reason reason;
};

enum class Level { block, warn, info };

struct Notice {
  Level level = Level::info;
  std::string text;
  Reason reason;
};

struct Advice {
  profile::Layout layout;
  std::string layout_from;          // "the operator", "a rule", "the smallest that fits"
  std::vector<Setting> settings;    // in the order of the rules
  std::vector<Unset> unset;         // must not be set, whoever did
  std::vector<Setting> dropped;     // left out; the reason says why
  std::vector<Argument> arguments;  // the layout's first
  std::vector<Notice> notices;      // blocks first
  std::vector<Notice> alternatives;
  std::vector<profile::Layout> working;  // when it is blocked: layouts on this node that are not
  std::string served_by;                 // not empty: not this engine, but that
  std::string aiter;                     // "2ab9f4cd": the build that was assumed or named
  std::string jit_env;     // the variable by which this AITER is told where its kernels go; empty = none
  std::string aiter_from;  // "named by the image", or the confidence and source of the assumption

  bool is_blocked() const { return !notices.empty() && notices.front().level == Level::block; }
};

// refused when nothing is known of the engine or its version; the hint lists what is.
Result<Advice> advise(const profile::ModelFacts& model, const profile::ModelRules& rules, const Wish& wish);

std::string to_text(const profile::Layout& layout);  // "TP8", "TP1 DP8 EP"
std::string_view to_text(Level level);               // "block", "warn", "info"

}  // namespace fettle::models
