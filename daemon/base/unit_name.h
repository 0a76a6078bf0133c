// Unit names: what systemd calls the unit that mounts a path.
#pragma once

#include <string>
#include <string_view>

namespace fettle {

// "var-lib-docker.mount" for "/var/lib/docker", as `systemd-escape --path --suffix=mount` writes it.
std::string mount_unit_of(std::string_view path);

}  // namespace fettle
