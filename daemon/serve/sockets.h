// Sockets: the two listening sockets, from systemd or bound by ourselves, and who is at the other end of a
// connection.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "system/files.h"

namespace fettle::serve {

struct Sockets {
  Fd status;
  Fd control;
};

// The sockets of systemd when it passed some (FileDescriptorName= status and control); otherwise binds them
// below the root of `files`. A socket file that somebody still answers on is refused: two daemons would fight
// over it.
Result<Sockets> open_sockets(const system::Files& files);

// One listening socket at `path`. Paths of any length work, although sun_path holds 108 bytes.
Result<Fd> bind_socket(const system::Files& files, std::string_view path, mode_t mode);

// A connection to the socket at `path`.
Result<Fd> connect_socket(const system::Files& files, std::string_view path);

// The process at the other end when it connected, as the kernel tells it (SO_PEERCRED, SO_PEERGROUPS).
struct Peer {
  uid_t uid = static_cast<uid_t>(-1);
  gid_t gid = static_cast<gid_t>(-1);
  pid_t pid = 0;
  std::vector<gid_t> groups;
};

Result<Peer> peer_of(int fd);

// Root, the daemon's own user, or a member of `group`.
bool may_control(const Peer& peer, std::optional<gid_t> group);

// The id of a group as /etc/group below the root has it.
std::optional<gid_t> group_id(const system::Files& files, std::string_view name);

}  // namespace fettle::serve
