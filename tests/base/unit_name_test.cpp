#include "base/unit_name.h"

#include <doctest/doctest.h>

using namespace fettle;

TEST_CASE("base: a mount unit bears the name that systemd makes of its path") {
  CHECK(mount_unit_of("/data") == "data.mount");
  CHECK(mount_unit_of("/var/lib/docker") == "var-lib-docker.mount");
  CHECK(mount_unit_of("/home/a-b/.cache/x") == "home-a\\x2db-.cache-x.mount");
  CHECK(mount_unit_of("/.hidden/c++") == "\\x2ehidden-c\\x2b\\x2b.mount");
}
