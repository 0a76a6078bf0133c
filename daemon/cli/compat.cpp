// fettle compat: the compatibility table around this node, and "what if" questions to it.
#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cctype>
#include <ostream>

#include "base/json.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/verdict.h"
#include "cli/words.h"
#include "facts/readers.h"
#include "health/compat_around.h"
#include "health/question.h"
#include "profile/load.h"

namespace fettle::cli {
namespace {

namespace json = boost::json;
using health::Answer;
using health::Question;

struct Wish {
  std::string os;
  std::string kernel;
  std::string rocm;
  std::string driver;
  std::string gpu;
  bool only_newest = false;
};

// What is printed: a question, and its answer by the table or the reason why the table could not be asked.
struct Judged {
  Question question;
  std::string verdict;
  Status status = Status::unknown;
  std::string why;
  std::string advice;
};

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

Error bad(const std::string& option, const std::string& value, const std::string& wanted) {
  return {Why::malformed, "cannot understand " + option + " '" + value + "'", wanted};
}

// "ubuntu-24.04.3", "Ubuntu 24.04.3" or "24.04.3".
Result<void> read_os(const std::string& text, Question& question) {
  const auto cut = text.find_first_of("- :");
  const bool has_name = std::isdigit(static_cast<unsigned char>(text.front())) == 0;
  if (has_name && cut == std::string::npos)
    return tl::unexpected(bad("--os", text, "such as ubuntu-24.04.3, with the point release"));
  question.os_id = has_name ? lower(text.substr(0, cut)) : "ubuntu";
  question.os_release = has_name ? text.substr(cut + 1) : text;
  if (!parse_version(question.os_release))
    return tl::unexpected(bad("--os", text, "such as ubuntu-24.04.3, with the point release"));
  return {};
}

Result<void> read_kernel(const std::string& text, Question& question) {
  const facts::Kernel kernel = facts::parse_kernel_release(text);
  if (kernel.series.empty())
    return tl::unexpected(bad("--kernel", text, "what `uname -r` says, such as 6.14.0-32-generic, or 6.14"));
  question.kernel_series = kernel.series;
  question.kernel_flavour = kernel.flavour;
  return {};
}

// A release (30.10.2), the whole version of the package amdgpu-dkms, or the module's version (6.14.14): where
// the table does not know a number as a release but as a module, it is one.
Result<void> read_driver(const std::string& text, const profile::Compat& table, Question& question) {
  question.driver_release.clear();
  question.driver_module.clear();
  if (text.find('-') != std::string::npos) {
    const auto package = facts::parse_driver_package(text);
    if (!package) return tl::unexpected(package.error());
    question.driver_release = package->release;
    return {};
  }
  if (!parse_version(text))
    return tl::unexpected(bad("--driver", text, "a release such as 30.10.2, or a module such as 6.14.14"));
  const bool is_release = health::judge_driver(text, table).verdict == health::Verdict::supported;
  const bool is_module = !is_release && !health::releases_of_module(text, table).empty();
  (is_module ? question.driver_module : question.driver_release) = text;
  return {};
}

// The family that a name or PCI id stands for. The table speaks of MI300X only.
Result<std::string> family_of(const std::string& text, const profile::Profile& profile) {
  std::string known;
  const auto id = text.starts_with("0x") ? to_number<unsigned>(text, 16) : std::nullopt;
  for (const profile::GpuModel& model : profile.gpu_models) {
    if (id == model.pci_device || lower(model.name) == lower(text) || lower(model.family) == lower(text))
      return model.family;
    if (known.find(model.family) == std::string::npos) known += (known.empty() ? "" : ", ") + model.family;
  }
  return tl::unexpected(bad("--gpu", text, "known are " + known + ", or a PCI id such as 0x74a1"));
}

// Of other GPUs nothing is known here; that is not the same as "not supported".
std::optional<Judged> other_gpu(const Wish& wish, const profile::Profile& profile, Result<void>& problem) {
  if (wish.gpu.empty()) return std::nullopt;
  const auto family = family_of(wish.gpu, profile);
  if (!family) {
    problem = tl::unexpected(family.error());
    return std::nullopt;
  }
  if (*family == "MI300X") return std::nullopt;
  return Judged{{},
                "unknown",
                Status::unknown,
                "the table speaks of MI300X only, not of " + *family,
                "see the vendor's compatibility matrix for " + *family};
}

Judged ask(const Question& question, const profile::Compat& table) {
  const Answer answer = health::judge(question, table);
  return {question, std::string(to_text(answer.verdict)), status_of(answer.verdict), answer.why, answer.hint};
}

Judged ask_of(const health::Asked& asked, const profile::Compat& table) {
  if (!asked.instead) return ask(asked.question, table);
  return {asked.question, "unknown", asked.instead->status, asked.instead->says, asked.instead->hint};
}

const profile::CompatSource* find_source(const std::string& key, const profile::Compat& table) {
  for (const profile::CompatSource& source : table.sources) {
    if (source.key == key) return &source;
  }
  return nullptr;
}

json::array sources_json(const std::vector<std::string>& keys, const profile::Compat& table) {
  json::array all;
  for (const std::string& key : keys) {
    const profile::CompatSource* const source = find_source(key, table);
    if (source == nullptr) continue;
    all.emplace_back(json::object{{"key", key},
                                  {"kind", source->kind},
                                  {"repo", source->repo},
                                  {"path", source->path},
                                  {"commit", source->commit},
                                  {"title", source->title},
                                  {"note", source->note}});
  }
  return all;
}

json::object question_json(const Question& question) {
  return {{"os", question.os_id + "-" + question.os_release},
          {"kernel", question.kernel_series},
          {"kernel_flavour", question.kernel_flavour},
          {"rocm", question.rocm},
          {"driver", question.driver_release},
          {"driver_module", question.driver_module}};
}

json::value newest_json(const std::optional<health::Newest>& newest, const profile::Compat& table) {
  if (!newest) return nullptr;
  return json::object{{"rocm", newest->rocm},
                      {"kernel", newest->kernel},
                      {"driver", newest->driver},
                      {"sources", sources_json(newest->sources, table)}};
}

json::array rows_json(const health::Around& around) {
  json::array rows;
  for (const health::AroundRow& row : around.rows) {
    json::object kernels;
    for (std::size_t i = 0; i < row.kernels.size(); ++i) kernels[around.kernels[i]] = row.kernels[i];
    rows.emplace_back(json::object{{"rocm", row.rocm},
                                   {"preview", row.is_preview},
                                   {"kernels", std::move(kernels)},
                                   {"verdict", to_text(row.verdict)},
                                   {"drivers", json::array(row.drivers.begin(), row.drivers.end())}});
  }
  return rows;
}

std::string driver_text(const Question& question) {
  if (!question.driver_release.empty()) return "driver " + question.driver_release;
  return question.driver_module.empty() ? "no driver" : "driver module " + question.driver_module;
}

std::string question_text(const Question& question) {
  std::string text = (question.os_id == "ubuntu" ? "Ubuntu" : question.os_id) + " " + question.os_release +
                     ", kernel " + question.kernel_series;
  if (!question.kernel_flavour.empty()) text += " (" + question.kernel_flavour + ")";
  return text + ", " + driver_text(question) +
         (question.rocm.empty() ? ", no ROCm on the host" : ", ROCm " + question.rocm);
}

std::string newest_text(const Question& question, const std::optional<health::Newest>& newest) {
  if (!newest) return "nothing in the table goes with this system";
  std::string text = "ROCm " + newest->rocm + ", kernel " + newest->kernel;
  if (!newest->driver.empty()) text += ", driver " + newest->driver;
  const bool keeps_kernel = newest->kernel.starts_with(question.kernel_series + " ");
  return text + (keeps_kernel ? "" : "; no release lists kernel " + question.kernel_series);
}

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(width, text.size()), ' ');
  return text;
}

// The newest ones; whoever needs all of them asks for JSON.
std::string some_of(const std::vector<std::string>& drivers) {
  constexpr std::size_t shown = 5;
  std::string text;
  for (std::size_t i = 0; i < std::min(shown, drivers.size()); ++i) text += (i == 0 ? "" : ", ") + drivers[i];
  if (drivers.size() > shown) text += ", older ones";
  return text.empty() ? "not stated" : text;
}

void print_table(std::ostream& out, const Question& question, const health::Around& around) {
  if (around.rows.empty()) return;
  out << "\nROCm releases that list Ubuntu " << question.os_release << ", and MI300X with each kernel\n";
  out << "  " << padded("ROCm", 10);
  for (const std::string& kernel : around.kernels) out << padded(kernel, 12);
  out << padded("as asked", 20) << "drivers\n";
  for (const health::AroundRow& row : around.rows) {
    const bool here = row.rocm == question.rocm;
    out << (here ? "> " : "  ") << padded(row.rocm + (row.is_preview ? " *" : ""), 10);
    for (const std::string& kernel : row.kernels) out << padded(kernel, 12);
    out << padded(std::string(to_text(row.verdict)), 20) << some_of(row.drivers) << '\n';
  }
  const bool has_preview = std::any_of(around.rows.begin(), around.rows.end(),
                                       [](const health::AroundRow& row) { return row.is_preview; });
  if (has_preview) out << "  * a preview, not for production\n";
}

void print_verdict(std::ostream& out, const Judged& judged, const profile::Compat& table) {
  out << "verdict   " << judged.verdict << ": " << judged.why << '\n';
  if (!judged.advice.empty()) out << "advice    " << judged.advice << '\n';
  if (const std::string remark = remark_on(judged.question, table); !remark.empty())
    out << "note      " << remark << '\n';
}

void print_sources(std::ostream& out, const std::vector<std::string>& keys, const profile::Compat& table) {
  if (keys.empty()) return;
  out << "\nread in (table of " << table.as_of << ")\n";
  for (const std::string& key : keys) {
    if (const auto* const source = find_source(key, table))
      out << "  " << padded(key, 4) << padded(source->kind, 10) << health::describe(*source) << '\n';
  }
}

void describe(Words& words, Wish& wish) {
  words.option("--os", wish.os, "Another system, with its point release: ubuntu-24.04.3");
  words.option("--kernel", wish.kernel, "What `uname -r` says there: 6.14.0-32-generic, or 6.14");
  words.option("--rocm", wish.rocm, "ROCm release: 7.0.2");
  words.option("--driver", wish.driver, "Driver release (30.10.2), package version, or module (6.14.14)");
  words.option("--gpu", wish.gpu, "GPU by name or PCI id; the table has MI300X");
  words.flag("--newest", wish.only_newest, "Print the newest set of the table that goes with the system");
}

// The parts that the command line names, over those that are there.
Result<void> put_wishes(const Wish& wish, const profile::Compat& table, Question& question) {
  if (!wish.os.empty()) {
    if (auto read = read_os(wish.os, question); !read) return read;
  }
  if (!wish.kernel.empty()) {
    if (auto read = read_kernel(wish.kernel, question); !read) return read;
  }
  if (!wish.rocm.empty()) {
    if (!parse_version(wish.rocm)) return tl::unexpected(bad("--rocm", wish.rocm, "such as 7.0.2"));
    question.rocm = wish.rocm;
  }
  return wish.driver.empty() ? Result<void>() : read_driver(wish.driver, table, question);
}

// With --os the question is of another machine; else what is not given is this node's, and what could not be
// read here and is not given either leaves the question without an answer.
Result<health::Asked> asked_by(const Wish& wish, const profile::Compat& table, const system::Files& files) {
  health::Asked asked;
  if (!wish.os.empty() && wish.kernel.empty()) {
    return tl::unexpected(Error{Why::malformed, "cannot judge another system without its kernel",
                                "add --kernel, what `uname -r` says there"});
  }
  if (wish.os.empty()) {
    asked = health::question_of(facts::gather(files));
    if (asked.instead && asked.instead->hint.empty())
      asked.instead->hint = "ask about another machine with --os and --kernel";
  }
  if (auto put = put_wishes(wish, table, asked.question); !put) return tl::unexpected(put.error());
  const Question& question = asked.question;
  const bool is_whole = !question.os_release.empty() && !question.kernel_series.empty() &&
                        !(question.driver_release.empty() && question.driver_module.empty()) &&
                        (asked.rocm_is_known || !wish.rocm.empty());
  if (is_whole) asked.instead.reset();
  return asked;
}

int print_newest(Context& context, const Question& question, const profile::Compat& table) {
  const auto newest = health::newest(question, table);
  if (context.format == Format::json) {
    context.out << pretty_json(json::object{
        {"asked", question_json(question)}, {"newest", newest_json(newest, table)}, {"table", table.as_of}});
  } else {
    context.out << newest_text(question, newest) << '\n';
    if (newest) print_sources(context.out, newest->sources, table);
  }
  return newest ? ok : failed;
}

}  // namespace

int run_compat(Context& context, const std::vector<std::string>& arguments) {
  Words words(
      "fettle compat",
      "Which system, kernel, driver and ROCm go together for MI300X: the table around this node, or an\n"
      "answer to \"what if\". Exit code: 0 listed, 1 nothing against it, 2 not listed, 3 cannot tell.");
  Wish wish;
  describe(words, wish);
  if (const auto code = words.read(context, arguments)) return *code;
  const profile::Loaded tables = profile::load_tables(context.system.files);
  if (!tables.profile) return report_complaints(context, tables.complaints);
  const profile::Compat& table = tables.profile->compat;
  const auto asked = asked_by(wish, table, context.system.files);
  if (!asked) return report(context, asked.error(), usage);
  Result<void> problem;
  const auto other = other_gpu(wish, *tables.profile, problem);
  if (!problem) return report(context, problem.error(), usage);
  if (wish.only_newest && !other) return print_newest(context, asked->question, table);

  const Judged judged = other ? *other : ask_of(*asked, table);
  const auto sources = other ? std::vector<std::string>() : sources_of(judged.question, table);
  const auto newest = other ? std::nullopt : health::newest(judged.question, table);
  const health::Around around = other ? health::Around{} : health::around(judged.question, table);
  if (context.format == Format::json) {
    json::object answer{{"verdict", judged.verdict},
                        {"why", judged.why},
                        {"advice", judged.advice},
                        {"sources", sources_json(sources, table)},
                        {"note", remark_on(judged.question, table)},
                        {"asked", question_json(judged.question)},
                        {"newest", newest_json(newest, table)},
                        {"rows", rows_json(around)},
                        {"table", table.as_of}};
    context.out << pretty_json(answer);
    return plugin_code(judged.status);
  }
  const bool is_known = !judged.question.os_release.empty() && !judged.question.kernel_series.empty();
  if (is_known)
    context.out << (wish.os.empty() ? "this node " : "asked     ") << question_text(judged.question) << '\n';
  print_verdict(context.out, judged, table);
  if (is_known) context.out << "newest    " << newest_text(judged.question, newest) << '\n';
  print_table(context.out, judged.question, around);
  print_sources(context.out, sources, table);
  return plugin_code(judged.status);
}

}  // namespace fettle::cli
