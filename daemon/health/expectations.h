// Expectations: what a good node is, as a profile that other nodes of its kind are judged by.
//
// Nothing is expected that was not read: a fact that failed is a refusal, never a smaller wish.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/result.h"
#include "facts/facts.h"
#include "profile/profile.h"

namespace fettle::health {

struct Expectations {
  std::string yaml;             // a profile; empty when there are reasons against it
  std::vector<Error> refusals;  // every fact that was not read, and every sign that the node is not good
};

// `profile` is what the node was judged by: the new one extends it. `drives` are those that its cache wants.
Expectations expectations(const facts::Facts& facts, const profile::Profile& profile,
                          const std::vector<facts::Drive>& drives, std::string_view name);

}  // namespace fettle::health
