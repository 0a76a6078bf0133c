#include "serve/sockets.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>

#include "base/text.h"

namespace fettle::serve {
namespace {

constexpr int waiting_clients = 64;

// The directory of the socket, and the socket's address by way of that descriptor: however long the root's
// path is, the address is short, and it lies inside the root.
struct Place {
  Fd directory;
  std::string name;
  sockaddr_un address{};
};

Result<Place> place_of(const system::Files& files, std::string_view path) {
  const std::size_t slash = path.rfind('/');
  auto directory = files.open_at(path.substr(0, slash), O_PATH | O_DIRECTORY);
  if (!directory) return fail(directory.error());
  Place place{std::move(*directory), std::string(path.substr(slash + 1)), {}};
  place.address.sun_family = AF_UNIX;
  const std::string through = "/proc/self/fd/" + std::to_string(place.directory.get()) + "/" + place.name;
  if (through.size() >= sizeof place.address.sun_path) {
    return fail(cannot("name the socket", path, ENAMETOOLONG));
  }
  std::memcpy(place.address.sun_path, through.c_str(), through.size() + 1);
  return place;
}

const sockaddr* address_of(const Place& place) {
  return reinterpret_cast<const sockaddr*>(&place.address);
}

Result<Fd> new_socket() {
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return fail(cannot("make a socket", "AF_UNIX", errno));
  return fd;
}

// A socket file that nobody listens on is left of a daemon that was killed.
Result<void> remove_dead_socket(const Place& place, std::string_view path) {
  struct stat info {};
  if (::fstatat(place.directory.get(), place.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return {};
    return fail(cannot("look at", path, errno));
  }
  if (!S_ISSOCK(info.st_mode)) {
    return fail(Why::refused,
                "cannot listen on '" + std::string(path) + "': something that is no socket is there");
  }
  auto probe = new_socket();
  if (!probe) return fail(probe.error());
  if (::connect(probe->get(), address_of(place), sizeof place.address) == 0 || errno == EAGAIN) {
    return fail(Why::refused, "cannot listen on '" + std::string(path) + "': another fettled answers there",
                "`systemctl status fettled` shows it");
  }
  if (errno != ECONNREFUSED) return fail(cannot("look who listens on", path, errno));
  if (::unlinkat(place.directory.get(), place.name.c_str(), 0) != 0)
    return fail(cannot("remove", path, errno));
  return {};
}

Result<std::vector<gid_t>> groups_of(int fd) {
  std::vector<gid_t> groups(32);
  for (int attempt = 0; attempt < 2; ++attempt) {
    auto length = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &length) == 0) {
      groups.resize(length / sizeof(gid_t));
      return groups;
    }
    if (errno != ERANGE) break;
    groups.resize(length / sizeof(gid_t));
  }
  return fail(cannot("ask who is at the other end of", "a connection", errno));
}

}  // namespace

Result<Fd> bind_socket(const system::Files& files, std::string_view path, mode_t mode) {
  if (auto exists = files.exists(path.substr(0, path.rfind('/'))); !exists || !*exists) {
    if (auto made = files.make_directory(path.substr(0, path.rfind('/')), 0755); !made)
      return fail(made.error());
  }
  auto place = place_of(files, path);
  if (!place) return fail(place.error());
  if (auto removed = remove_dead_socket(*place, path); !removed) return fail(removed.error());
  auto fd = new_socket();
  if (!fd) return fd;
  if (::bind(fd->get(), address_of(*place), sizeof place->address) != 0)
    return fail(cannot("bind", path, errno));
  // Nobody can connect before listen(), so nobody meets the mode that the umask made.
  if (::fchmodat(place->directory.get(), place->name.c_str(), mode, 0) != 0) {
    return fail(cannot("set the mode of", path, errno));
  }
  if (::listen(fd->get(), waiting_clients) != 0) return fail(cannot("listen on", path, errno));
  return fd;
}

Result<Fd> connect_socket(const system::Files& files, std::string_view path) {
  auto place = place_of(files, path);
  if (!place) return fail(place.error());
  auto fd = new_socket();
  if (!fd) return fd;
  if (::connect(fd->get(), address_of(*place), sizeof place->address) != 0) {
    return fail(cannot("connect to", path, errno));
  }
  return fd;
}

Result<Peer> peer_of(int fd) {
  ucred credentials{};
  socklen_t length = sizeof credentials;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) {
    return fail(cannot("ask who is at the other end of", "a connection", errno));
  }
  auto groups = groups_of(fd);
  if (!groups) return fail(groups.error());
  return Peer{credentials.uid, credentials.gid, credentials.pid, std::move(*groups)};
}

bool may_control(const Peer& peer, std::optional<gid_t> group) {
  if (peer.uid == 0 || peer.uid == ::geteuid()) return true;
  if (!group) return false;
  return peer.gid == *group || std::find(peer.groups.begin(), peer.groups.end(), *group) != peer.groups.end();
}

std::optional<gid_t> group_id(const system::Files& files, std::string_view name) {
  const auto text = files.read("/etc/group");
  if (!text) return std::nullopt;
  for (const std::string_view line : lines(*text)) {
    const auto fields = split(line, ':');
    if (fields.size() >= 3 && fields[0] == name) return to_number<gid_t>(fields[2]);
  }
  return std::nullopt;
}

}  // namespace fettle::serve
