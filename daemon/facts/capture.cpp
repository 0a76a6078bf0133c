#include "facts/capture.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <optional>
#include <set>

#include "archive/writer.h"
#include "base/json.h"
#include "base/text.h"
#include "base/utc.h"
#include "facts/collected_file.h"
#include "facts/readers.h"
#include "facts/scrub.h"
#include "system/recording.h"

namespace fettle::facts {
namespace {

namespace json = boost::json;
using system::Kind;

constexpr std::string_view contents_page = "/capture.json";
constexpr std::string_view dpkg_status = "/var/lib/dpkg/status";
constexpr std::string_view time_mark = "/run/systemd/timesync/synchronized";

// What is never taken, whoever looked at it.
struct Fence {
  std::string_view below;
  std::string_view why;
};
constexpr std::array fences{
    Fence{"/home/", "it belongs to a user"},
    Fence{"/root/", "it belongs to a user"},
    Fence{"/srv/", "it is on the cache"},
    Fence{"/mnt/", "it is data of somebody"},
    Fence{"/var/lib/fettle/", "it is the memory of this node, which no other may have"},
    Fence{"/etc/fettle/credentials/", "it holds secrets"},
    Fence{"/etc/shadow", "it holds secrets"},
    Fence{"/sys/class/kfd/kfd/proc/", "it belongs to a process"},
    Fence{"/run/fettle/collect/gpu-programs.json", "it holds variables of processes"},
    Fence{"/dev/kmsg",
          "its lines name what cannot be told apart; what was found in it is in "
          "/run/fettle/collect/kernel-log.json"},
};

std::optional<std::string_view> why_fenced(std::string_view path) {
  for (const Fence& fence : fences) {
    if (path.starts_with(fence.below) || path == fence.below.substr(0, fence.below.size() - 1))
      return fence.why;
  }
  // Of other processes nothing, not even their number.
  constexpr std::string_view processes = "/proc/";
  if (path.starts_with(processes) && path.size() > processes.size() && path[processes.size()] >= '0' &&
      path[processes.size()] <= '9') {
    return "it belongs to a process";
  }
  return std::nullopt;
}

std::string_view last_part(std::string_view path) {
  return path.substr(path.find_last_of('/') + 1);
}

// Files whose whole text is one name.
bool holds_a_serial(std::string_view path) {
  constexpr std::array<std::string_view, 17> names{
      "serial",         "serial_number",  "unique_id",    "fru_id",         "wwid",
      "uuid",           "nguid",          "eui",          "machine-id",     "boot_id",
      "product_uuid",   "product_serial", "board_serial", "chassis_serial", "xgmi_hive_id",
      "xgmi_device_id", "fabric_uuid"};
  return std::find(names.begin(), names.end(), last_part(path)) != names.end();
}

// What every machine of the same software has alike.
bool is_public(std::string_view path) {
  return path.starts_with("/usr/share/fettle/");
}

TextKind kind_of(std::string_view path) {
  constexpr std::array<std::string_view, 6> prose{
      "/proc/cmdline", "/proc/self/mountinfo", "/proc/swaps", "/etc/", "/run/", "/var/lib/dkms/"};
  if (path.starts_with("/etc/os-release") || path.starts_with("/etc/lsb-release")) return TextKind::value;
  return std::any_of(prose.begin(), prose.end(),
                     [&](std::string_view start) { return path.starts_with(start); })
             ? TextKind::prose
             : TextKind::value;
}

// Of all that is installed, what the checks ask for.
std::string packages_of_note(std::string_view status) {
  std::string out;
  for (std::size_t at = 0; at < status.size();) {
    const auto end = std::min(status.find("\n\n", at), status.size());
    const std::string_view stanza = status.substr(at, end - at);
    constexpr std::string_view key = "Package: ";
    if (stanza.starts_with(key)) {
      const std::string_view name = stanza.substr(key.size());
      for (const std::string_view start : {"amdgpu", "rocm", "amdrocm"}) {
        if (name.starts_with(start)) out += std::string(stanza) + "\n\n";
      }
    }
    at = end + 2;
  }
  return out;
}

struct Item {
  enum class Sort { file, directory, link } sort = Sort::file;
  std::string text;  // of a file; where a link leads
  mode_t mode = 0644;
};

class Capture {
 public:
  Capture(const system::Files& files, const Capturing& wanted) : files_(files), wanted_(wanted) {}

  void take(const std::map<std::string, system::Touched>& paths) {
    for (const auto& [path, touched] : paths) keep_link(path, touched);
    for (const auto& [path, touched] : paths) take_one(path, touched);
    for (const auto& [path, touched] : paths) {
      if (touched.names) take_names(path);
    }
    learn();
  }

  // As `settimeofday` and its like are asked and no file: the mark of timesyncd says the same.
  void note_time_sync(const Result<system::TimeSync>& time) {
    if (time && *time == system::TimeSync::synchronised) put(time_mark, {});
  }

  Result<Captured> write(const system::Clock& clock) {
    auto writer = archive::Writer::create(files_, wanted_.output, archive::compression_of(wanted_.output));
    if (!writer) return fail(writer.error());
    for (const auto& [path, item] : items_) {
      const auto added = add(*writer, path, item);
      if (!added && added.error().why != Why::malformed) return fail(added.error());
      if (!added) done_.left_out.push_back({path, added.error().said});
    }
    for (auto* const list : {&done_.left_out, &done_.unreadable}) {
      for (LeftOut& one : *list) {
        one.path = scrub_.text(one.path, TextKind::prose);
        one.why = scrub_.text(one.why, TextKind::prose);
      }
    }
    done_.replaced = scrub_.counts();
    const auto page = writer->add_text(contents_page.substr(1), pretty_json(contents(clock)));
    if (!page) return fail(page.error());
    if (const auto finished = writer->finish(); !finished) return fail(finished.error());
    // What root captured is nobody else's to read before root has looked through it.
    if (const auto closed = files_.set_mode(wanted_.output, 0600); !closed) return fail(closed.error());
    return done_;
  }

 private:
  // A link that somebody asked for as a link stays one; what lies behind it is kept where it leads.
  void keep_link(const std::string& path, const system::Touched& touched) {
    if (!touched.itself || why_fenced(path)) return;
    const auto info = files_.look(path);
    if (!info || info->kind != Kind::link) return;
    if (const auto target = files_.read_link(path)) links_[path] = *target;
  }

  // The path with the links that are kept followed.
  std::string place_of(std::string path) const {
    constexpr unsigned most_links = 16;
    for (unsigned count = 0; count < most_links; ++count) {
      bool changed = false;
      for (const auto& [link, target] : links_) {
        if (!path.starts_with(link + "/")) continue;
        const std::string rest = path.substr(link.size());
        const std::string start =
            target.starts_with('/') ? target : link.substr(0, link.find_last_of('/')) + "/" + target;
        path = without_dots(start) + rest;
        changed = true;
        break;
      }
      if (!changed) break;
    }
    return path;
  }

  // Where a kept link leads.
  std::string behind(const std::string& link) const {
    const std::string place = place_of(link + "/");
    return place.substr(0, place.size() - 1);
  }

  // The target as it is written, without the root in it: whoever unpacks the archive elsewhere follows it
  // inside.
  static std::string relative(const std::string& link, const std::string& target) {
    if (!target.starts_with('/')) return target;
    auto from = split(std::string_view(link).substr(1), '/');
    const std::string clean = without_dots(target);
    auto to = clean.empty() ? std::vector<std::string_view>() : split(std::string_view(clean).substr(1), '/');
    from.pop_back();
    std::size_t same = 0;
    while (same < from.size() && same + 1 < to.size() && from[same] == to[same]) ++same;
    std::string out;
    for (std::size_t at = same; at < from.size(); ++at) out += "../";
    for (std::size_t at = same; at < to.size(); ++at)
      out += std::string(to[at]) + (at + 1 < to.size() ? "/" : "");
    return out.empty() ? "." : out;
  }

  static std::string without_dots(const std::string& path) {
    std::vector<std::string_view> parts;
    for (const std::string_view part : split(path, '/')) {
      if (part.empty() || part == ".") continue;
      if (part == ".." && !parts.empty()) parts.pop_back();
      if (part != "..") parts.push_back(part);
    }
    std::string out;
    for (const std::string_view part : parts) out += "/" + std::string(part);
    return out;
  }

  void put(std::string_view path, Item item) {
    if (items_.size() >= wanted_.limits.entries) {
      if (!was_full_)
        done_.left_out.push_back({std::string(path), "and what comes after it: there are too many files"});
      was_full_ = true;
      return;
    }
    items_.insert_or_assign(std::string(path), std::move(item));
  }

  void take_one(const std::string& path, const system::Touched& touched) {
    if (path.empty() || path == "/" || !path.starts_with('/')) return;
    if (const auto why = why_fenced(path)) {
      const auto there = files_.exists(path);
      if (there && *there && (touched.content || touched.names || touched.opened))
        done_.left_out.push_back({path, std::string(*why)});
      return;
    }
    const auto link = links_.find(path);
    const std::string place = place_of(path);
    if (link != links_.end()) {
      put(place, {Item::Sort::link, relative(place, link->second), 0777});
      if (!touched.content) return;
      // Its text is wanted too, wherever it lies.
      if (auto text = read(path)) put(behind(path), std::move(*text));
      return;
    }
    if (touched.content || touched.opened) {
      if (auto text = read(path)) put(place, std::move(*text));
      return;
    }
    const auto info = files_.look_through(path);
    if (!info) {
      if (info.error().why != Why::missing) done_.unreadable.push_back({path, info.error().said});
      return;
    }
    if (info->kind == Kind::directory) {
      put(place, {Item::Sort::directory, {}, 0755});
    } else {
      put(place, {Item::Sort::file, {}, info->mode});  // it was only asked whether it is there, and its mode
    }
  }

  // The file's text, something unreadable in its place, or nothing where there is no file.
  std::optional<Item> read(const std::string& path) {
    const auto info = files_.look_through(path);
    if (!info && info.error().why == Why::missing) return std::nullopt;
    if (path.ends_with(".ko")) return Item{Item::Sort::file, signature_of(path), 0644};
    auto text = files_.read(path, path == dpkg_status ? 100_MiB : wanted_.limits.one_file);
    if (!text) {
      if (text.error().why == Why::missing) return std::nullopt;
      done_.unreadable.push_back({path, text.error().said});
      return Item{Item::Sort::directory, {}, 0755};
    }
    if (path == dpkg_status) *text = packages_of_note(*text);
    if (bytes_ + text->size() > wanted_.limits.all.count) {
      done_.left_out.push_back({path, "the capture would be larger than " + to_text(wanted_.limits.all)});
      return Item{Item::Sort::directory, {}, 0755};
    }
    bytes_ += text->size();
    return Item{Item::Sort::file, std::move(*text), info ? info->mode : 0644};
  }

  // Of a module the mark of its signature at its end, which is all that anybody reads.
  std::string signature_of(const std::string& path) {
    constexpr std::string_view mark = "~Module signature appended~\n";
    const auto text = files_.read(path, 256_MiB);
    return text && text->ends_with(mark) ? std::string(mark) : std::string("left out\n");
  }

  void take_names(const std::string& path) {
    if (why_fenced(path) || path == "/proc") return;
    const std::string place = links_.contains(path) ? behind(path) : place_of(path);
    const auto names = files_.list(path);
    if (!names) {
      if (names.error().why == Why::missing) return;
      done_.unreadable.push_back({path, names.error().said});
      if (!has_anything_below(place)) put(place, {});
      return;
    }
    if (!items_.contains(place) || items_[place].sort == Item::Sort::file)
      put(place, {Item::Sort::directory, {}, 0755});
    for (const std::string& name : *names) {
      const std::string child = place + "/" + name;
      if (items_.contains(child) || has_anything_below(child)) continue;
      const auto info = files_.look_through(path + "/" + name);
      const bool is_directory = info && info->kind == Kind::directory;
      put(child, {is_directory ? Item::Sort::directory : Item::Sort::file, {}, 0644});
    }
  }

  bool has_anything_below(const std::string& path) const {
    const auto at = items_.lower_bound(path + "/");
    return at != items_.end() && at->first.starts_with(path + "/");
  }

  void learn() {
    for (const std::string_view path : {"/etc/hostname", "/proc/sys/kernel/hostname"}) {
      if (const auto name = files_.read(path, 4_KiB)) scrub_.learn("host", *name);
    }
    for (const auto& [path, item] : items_) {
      if (item.sort != Item::Sort::file) continue;
      if (holds_a_serial(path)) scrub_.learn("serial", item.text);
      if (path.ends_with(".json")) scrub_.learn_json(item.text);
      if (!path.ends_with("/properties")) continue;
      for (const std::string_view line : lines(item.text)) {
        for (const std::string_view key : {"unique_id ", "hive_id "}) {
          if (line.starts_with(key)) scrub_.learn_number(line.substr(key.size()));
        }
      }
    }
  }

  std::string scrubbed(const std::string& path) { return scrub_.text(path, TextKind::value); }

  std::string scrubbed(const std::string& path, const std::string& text) {
    if (is_public(path) || text.find('\0') != std::string::npos) return text;
    if (path == "/etc/group") return scrubbed_group(text);
    return scrub_.text(text, kind_of(path));
  }

  // "render:x:993:alice,bob": who is in it matters only as a number of somebodies.
  std::string scrubbed_group(const std::string& text) {
    std::string out;
    for (const std::string_view line : lines(text)) {
      const auto colon = line.find_last_of(':');
      if (colon == std::string_view::npos) continue;
      out += line.substr(0, colon + 1);
      bool first = true;
      for (const std::string_view member : split(line.substr(colon + 1), ',')) {
        if (!member.empty()) out += (first ? "" : ",") + scrub_.alias("user", member);
        first = false;
      }
      out += '\n';
    }
    return out;
  }

  Result<void> add(archive::Writer& writer, const std::string& path, const Item& item) {
    const std::string name = scrubbed(path).substr(1);
    switch (item.sort) {
      case Item::Sort::directory:
        if (has_anything_below(path)) return {};
        return writer.add_directory(name);
      case Item::Sort::link:
        return writer.add_link(name, scrub_.text(item.text, TextKind::value));
      case Item::Sort::file:
        break;
    }
    if (has_anything_below(path)) return {};
    ++done_.files;
    const std::string text = scrubbed(path, item.text);
    done_.size += Bytes{text.size()};
    return writer.add_text(name, text, item.mode | 0400U);
  }

  json::object contents(const system::Clock& clock) {
    const auto list_of = [](const std::vector<LeftOut>& all) {
      json::array list;
      for (const LeftOut& one : all) list.push_back({{"path", one.path}, {"why", one.why}});
      return list;
    };
    json::object replaced;
    for (const auto& [sort, count] : done_.replaced) replaced[sort] = count;
    json::object page{{"format", 1}, {"captured_at", utc_text(clock.now())}, {"files", done_.files}};
    page["left_out"] = list_of(done_.left_out);
    page["unreadable"] = list_of(done_.unreadable);
    page["replaced"] = std::move(replaced);
    return page;
  }

  const system::Files& files_;
  const Capturing& wanted_;
  std::map<std::string, std::string> links_;
  std::map<std::string, Item> items_;
  Scrub scrub_;
  Captured done_;
  std::uint64_t bytes_ = 0;
  bool was_full_ = false;
};

}  // namespace

Result<Captured> capture(const system::Files& files, const system::Clock& clock, const Capturing& wanted) {
  std::map<std::string, system::Touched> paths;
  {
    const system::Recording recording;
    wanted.look();
    paths = recording.paths();
  }
  Capture capture(files, wanted);
  capture.take(paths);
  capture.note_time_sync(read_time_sync(files, read_uptime(files)));
  return capture.write(clock);
}

}  // namespace fettle::facts
