#include "base/error.h"

#include <cerrno>
#include <system_error>

namespace fettle {

std::string_view to_text(Why why) {
  switch (why) {
    case Why::missing:
      return "missing";
    case Why::denied:
      return "denied";
    case Why::malformed:
      return "malformed";
    case Why::refused:
      return "refused";
    case Why::timed_out:
      return "timed_out";
    case Why::failed:
      return "failed";
  }
  return "failed";
}

Why why_of(int err) {
  switch (err) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
      return Why::missing;
    case EACCES:
    case EPERM:
    case EROFS:
      return Why::denied;
    case ETIMEDOUT:
      return Why::timed_out;
    case EBUSY:
    case EEXIST:
      return Why::refused;
    default:
      return Why::failed;
  }
}

std::string system_text(int err) {
  return std::generic_category().message(err);
}

Error cannot(std::string_view doing, std::string_view path, int err, std::string hint) {
  std::string said = "cannot ";
  said.append(doing).append(" '").append(path).append("': ").append(system_text(err));
  return {why_of(err), std::move(said), std::move(hint)};
}

Error while_doing(std::string_view doing, Error error) {
  error.said = "cannot " + std::string(doing) + ": " + error.said;
  return error;
}

std::string to_text(const Error& error) {
  return error.hint.empty() ? error.said : error.said + "\n  hint: " + error.hint;
}

}  // namespace fettle
