// The listening sockets: those of systemd, or our own. Apart from sockets.cpp, so that clients need no
// libsystemd.
#include <systemd/sd-daemon.h>

#include <cstdlib>

#include "base/names.h"
#include "serve/sockets.h"

namespace fettle::serve {
namespace {

// What systemd passed, by name.
Result<Sockets> passed_sockets(int count, char** names) {
  Sockets sockets;
  for (int i = 0; i < count; ++i) {
    const int fd = SD_LISTEN_FDS_START + i;
    const std::string_view name = names[i];
    if (name != "status" && name != "control") continue;
    if (sd_is_socket_unix(fd, SOCK_STREAM, 1, nullptr, 0) <= 0) {
      return fail(Why::malformed,
                  "cannot use the socket '" + std::string(name) + "': it is no listening Unix stream",
                  "look at ListenStream= in fettle-status.socket and fettle-control.socket");
    }
    (name == "status" ? sockets.status : sockets.control) = Fd(fd);
  }
  if (!sockets.status || !sockets.control) {
    return fail(Why::missing,
                "cannot use the sockets of systemd: there must be one named status and one named control",
                "look at FileDescriptorName= in fettle-status.socket and fettle-control.socket");
  }
  return sockets;
}

}  // namespace

Result<Sockets> open_sockets(const system::Files& files) {
  char** names = nullptr;
  const int count = sd_listen_fds_with_names(1, &names);
  if (count < 0) return fail(cannot("take the sockets of", "systemd", -count));
  if (count > 0) {
    auto sockets = passed_sockets(count, names);
    for (int i = 0; i < count; ++i) std::free(names[i]);
    std::free(names);
    return sockets;
  }
  auto status = bind_socket(files, names::status_socket, 0666);
  if (!status) return fail(status.error());
  auto control = bind_socket(files, names::control_socket, 0660);
  if (!control) return fail(control.error());
  return Sockets{std::move(*status), std::move(*control)};
}

}  // namespace fettle::serve
