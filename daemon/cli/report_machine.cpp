#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/json.h"
#include "base/text.h"
#include "cli/report_sections.h"
#include "cli/status_page.h"

namespace fettle::cli {
namespace {

namespace json = boost::json;

constexpr std::string_view not_seen = "not seen";

// The field of the facts, or why it has nothing.
struct Fact {
  const json::value* value = nullptr;
  bool is_seen = false;
};

Fact fact_of(const Answers& answers, std::string_view key) {
  const json::value* const facts = part_of(answers.facts, "facts");
  const json::value* const value = facts == nullptr ? nullptr : json_field(*facts, key);
  return {value, value != nullptr && !value->is_null() && !why_unknown(value)};
}

template <class Say>
std::string said_of(const Answers& answers, std::string_view key, const Say& say) {
  const Fact fact = fact_of(answers, key);
  return fact.is_seen ? say(*fact.value) : std::string(not_seen);
}

std::string joined(const std::vector<std::string>& parts, std::string_view separator) {
  std::string text;
  for (const std::string& part : parts) {
    if (part.empty()) continue;
    if (!text.empty()) text += separator;
    text += part;
  }
  return text;
}

const json::array& items_of(const json::value& value) {
  static const json::array none;
  return value.is_array() ? value.get_array() : none;
}

std::string product_text(const json::value& hardware) {
  const json::value* const is_virtual = json_field(hardware, "is_virtual");
  const bool is_guest = is_virtual != nullptr && is_virtual->is_bool() && is_virtual->get_bool();
  const std::string text = joined({json_text(hardware, "vendor"), json_text(hardware, "product")}, ", ");
  return (text.empty() ? "no name" : text) + (is_guest ? " (virtual machine)" : "");
}

std::string gpus_text(const json::value& gpus) {
  if (items_of(gpus).empty()) return "none";
  std::vector<std::string> places;
  std::vector<std::string> devices;
  for (const json::value& gpu : items_of(gpus)) {
    places.push_back(json_text(gpu, "pci_address"));
    const std::string device = json_text(gpu, "pci_device");
    if (std::find(devices.begin(), devices.end(), device) == devices.end()) devices.push_back(device);
  }
  return std::to_string(places.size()) + ", PCI device " + joined(devices, ", ") + ", at " +
         joined(places, ", ");
}

std::string ports_text(const json::value& ports) {
  std::vector<std::string> texts;
  for (const json::value& port : items_of(ports)) {
    texts.push_back(json_text(port, "device") + " port " + std::to_string(json_count(port, "port")) + " " +
                    json_text(port, "state") + ", " + std::to_string(json_count(port, "rate_gbit")) +
                    " Gb/s");
  }
  return texts.empty() ? "none" : joined(texts, "; ");
}

void add_hardware(Html& html, const Answers& answers) {
  html.markup("<section>\n<h2>Hardware</h2>\n");
  add_pairs(html, {{"Machine", said_of(answers, "hardware", &product_text)},
                   {"Processors", said_of(answers, "cpus",
                                          [](const json::value& cpus) {
                                            return count_of(json_count(cpus, "sockets"), "socket") + ", " +
                                                   count_of(json_count(cpus, "cores"), "core") + ", " +
                                                   count_of(json_count(cpus, "threads"), "thread");
                                          })},
                   {"Memory", said_of(answers, "memory_bytes",
                                      [](const json::value& bytes) {
                                        const json::value wrapped = {{"size", bytes}};
                                        return size_text(wrapped, "size");
                                      })},
                   {"GPUs on PCI", said_of(answers, "gpus_on_pci", &gpus_text)},
                   {"GPUs in the driver", said_of(answers, "gpus_in_kfd",
                                                  [](const json::value& count) {
                                                    const json::value wrapped = {{"count", count}};
                                                    return std::to_string(json_count(wrapped, "count"));
                                                  })},
                   {"InfiniBand ports", said_of(answers, "infiniband", &ports_text)},
                   {"Up for", said_of(answers, "uptime_seconds", [](const json::value& seconds) {
                      const json::value wrapped = {{"seconds", seconds}};
                      return time_text(std::chrono::seconds(json_count(wrapped, "seconds")));
                    })}});
  html.markup("</section>\n");
}

std::string driver_text(const json::value& driver) {
  const json::value* const loaded = json_field(driver, "loaded");
  if (loaded == nullptr || !loaded->is_bool() || !loaded->get_bool()) return "not loaded";
  const std::string version = json_text(driver, "module_version");
  return version.empty() ? "the kernel's own" : version;
}

std::string package_text(const json::value& package) {
  const json::value* const installed = json_field(package, "installed");
  if (installed == nullptr || !installed->is_bool() || !installed->get_bool()) return "not installed";
  return joined({json_text(package, "release"), json_text(package, "version")}, ", package ");
}

std::string rocm_text(const json::value& releases) {
  std::vector<std::string> texts;
  for (const json::value& rocm : items_of(releases))
    texts.push_back(json_text(rocm, "version") + " in " + json_text(rocm, "path"));
  return texts.empty() ? "none on the host" : joined(texts, "; ");
}

// A part of the software, what was read of it, and what the table says.
Row software_row(const Answers& answers, std::string part, std::string found, std::string_view check) {
  const json::value* const finding = finding_of(answers, check);
  return {Cell(std::move(part)), Cell(std::move(found)),
          Cell(finding == nullptr ? "unknown" : json_text(*finding, "status")),
          Cell(finding == nullptr ? "not judged" : json_text(*finding, "says"))};
}

void add_software(Html& html, const Answers& answers) {
  html.markup("<section>\n<h2>Software</h2>\n");
  if (const json::value* const together = finding_of(answers, "compat.stack")) {
    html.markup("<p>The set as a whole: ");
    add_status(html, json_text(*together, "status"));
    html.around(". ", json_text(*together, "says"), "</p>\n");
    if (const std::string hint = json_text(*together, "hint"); !hint.empty())
      html.around("<p class=\"note\">What to do: ", hint, "</p>\n");
  } else {
    html.markup("<p>The set as a whole was not judged.</p>\n");
  }
  const auto text_in = [](std::string_view key) {
    return [key](const json::value& value) { return json_text(value, key); };
  };
  add_table(
      html, {{"part"}, {"found"}, {"verdict", Kind::status}, {"the table says"}},
      {software_row(answers, "Operating system", said_of(answers, "os", text_in("pretty")), "os.release"),
       software_row(answers, "Kernel", said_of(answers, "kernel", text_in("release")), "os.kernel"),
       software_row(answers, "amdgpu module", said_of(answers, "driver", &driver_text), "driver.amdgpu"),
       software_row(answers, "Driver release", said_of(answers, "driver_package", &package_text),
                    "driver.release"),
       software_row(answers, "ROCm", said_of(answers, "rocm", &rocm_text), "rocm.version"),
       software_row(answers, "Kernel of the next boot", said_of(answers, "next_boot", text_in("kernel")),
                    "driver.next_boot")});
  html.markup("</section>\n");
}

}  // namespace

void add_machine(Html& html, const Answers& answers) {
  add_hardware(html, answers);
  add_software(html, answers);
}

}  // namespace fettle::cli
