#include "config/load.hpp"

#include <algorithm>
#include <exception>
#include <tuple>

#include "config/section.hpp"
#include "config/settings_reader.hpp"
#include "config/validate.hpp"
#include "config/yaml_document.hpp"

namespace pgweir::config {

namespace {

// A contradiction at a key that was misread is noise: the key has its own problem already.
void add_new_places(std::vector<Problem>& problems, std::vector<Problem> more) {
  std::set<std::string> taken;
  for (const Problem& problem : problems) taken.insert(problem.path);
  for (Problem& problem : more) {
    if (!taken.contains(problem.path)) problems.push_back(std::move(problem));
  }
}

void sort_by_place(std::vector<Problem>& problems) {
  std::stable_sort(problems.begin(), problems.end(), [](const Problem& a, const Problem& b) {
    return std::tie(a.line, a.column) < std::tie(b.line, b.column);
  });
}

// The key may be absent from the file, and so may the mappings that lead to it.
void apply(const Override& override, Node& root) {
  Node* node = &root;
  std::string_view rest = override.path;
  while (!rest.empty()) {
    const std::size_t dot = std::min(rest.find('.'), rest.size());
    const std::string_view key = rest.substr(0, dot);
    rest.remove_prefix(std::min(dot + 1, rest.size()));
    if (node->kind != Node::Kind::mapping) {
      node->kind = Node::Kind::mapping;
      node->children.clear();
    }
    auto child = std::find_if(node->children.begin(), node->children.end(),
                              [&](const Node& each) { return each.key == key; });
    if (child == node->children.end()) {
      Node made;
      made.key = key;
      child = node->children.insert(child, std::move(made));
    }
    node = &*child;
  }
  node->kind = Node::Kind::scalar;
  node->children.clear();
  node->text = override.value;
}

void read(Walk& walk, std::string_view yaml, const Overrides& overrides,
          std::shared_ptr<const Settings>& settings) {
  std::optional<Node> root = parse_yaml(yaml, walk.locations.file, walk.problems);
  if (!root || root->kind == Node::Kind::null) {
    if (walk.problems.empty()) walk.report({}, {}, "the document is empty");
    return;
  }
  for (const Override& each : overrides) apply(each, *root);
  auto built = std::make_shared<Settings>(read_settings(walk, *root));
  add_new_places(walk.problems, validate(*built, walk.locations));
  settings = std::move(built);
}

Problem no_document(const std::string& path, const std::string& error) {
  return {path, 0, 0, {}, "cannot read the file: " + error, Severity::error};
}

}  // namespace

LoadResult load_text(std::string_view yaml, std::string_view file_name, const Environment& environment,
                     const Overrides& overrides) {
  LoadResult result;
  Walk walk{environment, {}, {std::string(file_name), {}}};
  try {
    read(walk, yaml, overrides, result.settings);
    sort_by_place(walk.problems);
  } catch (const std::exception&) {
    // yaml-cpp's exceptions are handled where they arise. What is left is a lack of memory, and defects here
    // or in yaml-cpp, whose text might quote the document.
    walk.report({}, {}, "cannot be read: internal error or out of memory");
  } catch (...) {
    walk.report({}, {}, "cannot be read: internal error");
  }
  if (has_error(walk.problems)) result.settings.reset();
  result.problems = std::move(walk.problems);
  result.locations = std::move(walk.locations);
  return result;
}

LoadResult load_file(const std::string& path, const Overrides& overrides) {
  const Environment environment = process_environment();
  const FileContent content = environment.read_file(path, document_bytes_max);
  if (content.error.empty()) return load_text(content.text, path, environment, overrides);
  LoadResult result;
  result.locations.file = path;
  result.problems.push_back(no_document(path, content.error));
  return result;
}

AdminResult load_admin_text(std::string_view yaml, std::string_view file_name,
                            const Environment& environment) {
  AdminResult result;
  Walk walk{environment, {}, {std::string(file_name), {}}};
  try {
    const std::optional<Node> root = parse_yaml(yaml, walk.locations.file, walk.problems);
    if (root && root->kind != Node::Kind::null) {
      result.admin = read_admin_alone(walk, *root);
    } else if (walk.problems.empty()) {
      walk.report({}, {}, "the document is empty");
    }
  } catch (const std::exception&) {
    walk.report({}, {}, "cannot be read: internal error or out of memory");
  }
  if (has_error(walk.problems)) result.admin.reset();
  result.problems = std::move(walk.problems);
  return result;
}

AdminResult load_admin(const std::string& path) {
  const Environment environment = process_environment();
  const FileContent content = environment.read_file(path, document_bytes_max);
  if (content.error.empty()) return load_admin_text(content.text, path, environment);
  return {std::nullopt, {no_document(path, content.error)}};
}

}  // namespace pgweir::config
