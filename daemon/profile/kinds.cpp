#include "profile/kinds.h"

#include <array>

#include "profile/documents.h"

namespace fettle::profile {
namespace {

constexpr std::array kinds{
    Kind{"configuration",
         [](Reading& reading, const Node& root) { ConfigurationReader().read(reading, root); }},
    Kind{"profile",
         [](Reading& reading, const Node& root) {
           Profile out;
           read_profile(reading, root, out);
         }},
    Kind{"shelf",
         [](Reading& reading, const Node& root) {
           Shelf out;
           read_shelf(reading, root, out);
         }},
    Kind{"images",
         [](Reading& reading, const Node& root) {
           ImageList out;
           read_images(reading, root, out);
         }},
    Kind{"compatibility",
         [](Reading& reading, const Node& root) {
           Compat out;
           read_compatibility(reading, root, out);
         }},
    Kind{"gpus",
         [](Reading& reading, const Node& root) {
           GpuTable out;
           read_gpus(reading, root, out);
         }},
    Kind{"kernel-log",
         [](Reading& reading, const Node& root) {
           KernelLogTable out;
           read_kernel_log(reading, root, out);
         }},
    Kind{"models",
         [](Reading& reading, const Node& root) {
           std::vector<ModelFacts> out;
           read_models(reading, root, out);
         }},
    Kind{"model-rules",
         [](Reading& reading, const Node& root) {
           ModelRules out;
           read_model_rules(reading, root, out);
         }},
};

// The row of the file's kind, or nothing and a complaint.
const Kind* kind_of(Reading& reading, const Node& root) {
  if (root.kind == Node::Kind::skipped || !is_map(reading, root, "the file")) return nullptr;
  const Node* const schema = root.find("schema");
  if (schema != nullptr && schema->kind != Node::Kind::skipped && (!schema->plain || schema->text != "1")) {
    reading.complain(schema->place, "'schema' must be 1", "this fettle knows no other");
  }
  const Node* const kind = root.find("kind");
  if (kind == nullptr) {
    detail::complain_missing(reading, root, "kind");
    return nullptr;
  }
  std::string known;
  for (const Kind& row : kinds) {
    if (kind->kind == Node::Kind::text && row.name == kind->text) return &row;
    known.append(known.empty() ? "" : ", ").append(row.name);
  }
  if (is_text(reading, *kind, "'kind'")) {
    reading.complain(kind->place, "'kind' cannot be '" + shown(kind->text) + "'", "one of: " + known);
  }
  return nullptr;
}

}  // namespace

Document open_document(Reading& reading, std::string_view text) {
  Document document;
  Parsed parsed = parse(text, reading.file());
  const bool whole = parsed.root.kind != Node::Kind::null || parsed.complaints.empty();
  reading.add(std::move(parsed.complaints));
  if (!whole) return document;
  document.root = std::move(parsed.root);
  document.kind = kind_of(reading, document.root);
  return document;
}

Document open_prepared(Reading& reading, Node root) {
  reading.was_checked();
  Document document;
  document.root = std::move(root);
  document.kind = kind_of(reading, document.root);
  return document;
}

}  // namespace fettle::profile
