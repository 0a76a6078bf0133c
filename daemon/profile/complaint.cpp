#include "profile/complaint.h"

namespace fettle::profile {

std::string to_text(const Complaint& complaint) {
  std::string text = complaint.file;
  if (complaint.line > 0) {
    text += ":" + std::to_string(complaint.line) + ":" + std::to_string(complaint.column);
  }
  text += "  " + complaint.what;
  return complaint.allowed.empty() ? text : text + "  " + complaint.allowed;
}

}  // namespace fettle::profile
