// Every name that the outside world relies on: paths, sockets, units, labels. They stand here and nowhere
// else.
#pragma once

#include <array>
#include <string_view>

namespace fettle::names {

// What is wanted.
inline constexpr std::string_view config_file = "/etc/fettle/fettle.yaml";
inline constexpr std::string_view site_profiles = "/etc/fettle/profiles";
inline constexpr std::string_view shipped_profiles = "/usr/share/fettle/profiles";

// What is remembered. The first two are root's alone, the third belongs to user fettle, the fourth to
// fettle-stage.
inline constexpr std::string_view storage_record = "/var/lib/fettle/provision/storage.json";
inline constexpr std::string_view provision_state = "/var/lib/fettle/provision/events.db";
inline constexpr std::string_view daemon_state = "/var/lib/fettle/daemon/state.db";
inline constexpr std::string_view stage_state = "/var/lib/fettle/stage/shelves.db";
inline constexpr std::string_view read_baseline = "/var/lib/fettle/collect/baseline.json";  // root's

// The kernel's own log; a plain file of the same records on a captured machine.
inline constexpr std::string_view kernel_log = "/dev/kmsg";

// What is true until the next boot.
inline constexpr std::string_view run_directory = "/run/fettle";
inline constexpr std::string_view status_socket = "/run/fettle/status.sock";
inline constexpr std::string_view control_socket = "/run/fettle/control.sock";
inline constexpr std::string_view cache_link = "/run/fettle/cache";  // -> the array's device node
inline constexpr std::string_view provision_report = "/run/fettle/provision/report.json";
inline constexpr std::string_view provision_lock = "/run/fettle/provision/lock";
inline constexpr std::string_view collect_directory = "/run/fettle/collect";  // one KIND.json a kind of probe
inline constexpr std::string_view engine_report = "/run/fettle/engine/engines.json";  // of the watch
inline constexpr std::string_view env_directory = "/run/fettle/env";
inline constexpr std::string_view shelf_reports = "/run/fettle/shelf";  // one NAME.json a shelf

// The array and its filesystem.
inline constexpr std::string_view array_name = "fettle";
inline constexpr std::string_view filesystem_label = "fettle";
inline constexpr std::string_view default_mount = "/srv/fettle";
inline constexpr std::string_view generation_file = ".fettle-generation.json";  // at the root of the cache
inline constexpr std::string_view trial_file = ".fettle-trial";                 // beside it

// Units.
inline constexpr std::string_view daemon_unit = "fettled.service";
inline constexpr std::string_view engine_unit = "fettle-engine.service";
inline constexpr std::string_view cache_target = "fettle-cache.target";
inline constexpr std::string_view stage_unit = "fettle-stage@";  // + shelf + ".service"

inline constexpr std::string_view daemon_user = "fettle";
inline constexpr std::string_view stage_user = "fettle-stage";
inline constexpr std::string_view control_group = "fettle";

// Kinds of lines in the journal, as MESSAGE_ID=. packaging/fettle.catalog explains each; none is ever
// changed.
inline constexpr std::string_view message_state = "4b95aa621c9c430690cdb30287bbb0c6";
inline constexpr std::string_view message_check = "2779a08973ce4fdc888229937ba1c075";
inline constexpr std::string_view message_acknowledged = "b0cd5f26548f4563a9c046a774ecffdc";
inline constexpr std::string_view message_refused = "b459c68ada0347aa87b1023361d8c258";
inline constexpr std::string_view message_configuration = "55ca55c128b14e30a07b1eb9a8188f98";
inline constexpr std::string_view message_hang = "1e81264b7f6a426080f741e9bfbd64b9";
inline constexpr std::string_view message_log_level = "e2dbf057c10e42d49f57c10196d5650b";
inline constexpr std::array messages{message_state,    message_check,         message_acknowledged,
                                     message_refused,  message_configuration, message_hang,
                                     message_log_level};

}  // namespace fettle::names
