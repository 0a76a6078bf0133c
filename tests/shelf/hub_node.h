// A node that stages from a fake hub with the stand-in of the client.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "hub/hub.h"
#include "shelf/staging.h"

namespace fettle::test {

struct HubNode : StagingNode {
  static constexpr const char* chat = "fettle-test/tiny-chat";
  static constexpr const char* moe = "fettle-test/tiny-moe";

  explicit HubNode(const std::string& size = {}, Hub::Storage storage = Hub::Storage::plain)
      : hub(tree.root(), size, storage) {
    shelf.endpoint = hub.endpoint();
    options.client = Hub::client();
    options.stall = std::chrono::seconds(3);
  }

  void want_both() {
    want(chat, hub.revision(chat));
    want(moe, hub.revision(moe));
  }

  void want_moe() { want(moe, hub.revision(moe)); }

  // Stages tiny-moe, which must end in this state and be published nowhere.
  void fails(shelf::State state, const char* says) {
    const auto report = stage();
    REQUIRE(report);
    CHECK(report->state == state);
    REQUIRE(report->error);
    CAPTURE(report->error->said);
    CHECK(report->error->said.find(says) != std::string::npos);
    CHECK_FALSE(report->error->hint.empty());
    CHECK(report->retry_at.has_value() == (state == shelf::State::held));
    CHECK_FALSE(*tree.files().exists(of(moe, "/refs/main")));
  }

  Hub hub;
};

}  // namespace fettle::test
