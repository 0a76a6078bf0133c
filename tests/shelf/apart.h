// Apart: a part of a test in a child with mounts of its own, gone with it.
#pragma once

#include <doctest/doctest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>

namespace fettle::test {

// Gives what `part` gives: 0 when all was right. 77 when this user may not have mounts of its own.
inline int apart(const std::function<int()>& part) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const bool may = ::unshare(::geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
                     ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    ::_exit(may ? part() : 77);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

// Inside of apart(): a file system in memory of this size over the directory.
inline bool mount_small(const std::string& directory, const std::string& size) {
  return ::mount("tmpfs", directory.c_str(), "tmpfs", 0, ("mode=2775," + size).c_str()) == 0;
}

}  // namespace fettle::test
