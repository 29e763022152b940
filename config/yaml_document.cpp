#include "config/yaml_document.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <utility>

#include "config/load.hpp"
#include "config/text_check.hpp"

namespace pgweir::config {

namespace {

Location location_of(const YAML::Mark& mark) {
  if (mark.is_null()) return {};
  return {mark.line + 1, mark.column + 1};
}

// Builds the tree bottom-up: a node is moved into its parent when it ends, so no pointer into a growing
// vector is ever held. Limits are enforced by throwing the parser's own exception through it, which unwinds
// it.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(std::string_view file, std::vector<Problem>& problems) : file_(file), problems_(problems) {}

  std::optional<Node> take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (started_) throw YAML::ParserException(mark, "a second document; a configuration is one document");
    started_ = true;
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { add(leaf(mark, Node::Kind::null)); }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    report(mark, "YAML aliases are not supported; write the value out");
    add(leaf(mark, Node::Kind::null));
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& value) override {
    check_tag(mark, tag);
    Node node = leaf(mark, Node::Kind::scalar);
    node.text = value;
    add(std::move(node));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, Node::Kind::sequence);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, Node::Kind::mapping);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    Node node;
    bool has_key = false;  // of a mapping: the next node is the value of `key`
    std::string key;
    Location key_location;
  };

  Node leaf(const YAML::Mark& mark, Node::Kind kind) {
    if (++count_ > yaml_nodes_max) throw YAML::ParserException(mark, "too many values for a configuration");
    Node node;
    node.kind = kind;
    node.location = location_of(mark);
    return node;
  }

  void open(const YAML::Mark& mark, const std::string& tag, Node::Kind kind) {
    check_tag(mark, tag);
    if (open_.size() == yaml_nesting_max) {
      throw YAML::ParserException(mark, "nested deeper than " + std::to_string(yaml_nesting_max) + " levels");
    }
    open_.push_back({leaf(mark, kind), false, {}, {}});
  }

  void close() {
    Node node = std::move(open_.back().node);
    open_.pop_back();
    add(std::move(node));
  }

  void add(Node node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& parent = open_.back();
    if (parent.node.kind == Node::Kind::mapping && !parent.has_key) return add_key(parent, std::move(node));
    node.key = std::move(parent.key);
    node.key_location = parent.key_location;
    parent.has_key = false;
    parent.node.children.push_back(std::move(node));
  }

  void add_key(Frame& parent, Node node) {
    parent.has_key = true;
    parent.key_location = node.location;
    parent.key.clear();
    if (node.kind == Node::Kind::scalar) {
      parent.key = std::move(node.text);
      return;
    }
    report(node.location, "a key must be text");
  }

  // yaml-cpp gives "?" to plain and "!" to quoted scalars, "?" to untagged collections.
  void check_tag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    report(mark, "YAML tags are not supported; quote the value if it must be text");
  }

  void report(const YAML::Mark& mark, std::string message) { report(location_of(mark), std::move(message)); }
  void report(Location where, std::string message) {
    problems_.push_back({file_, where.line, where.column, {}, std::move(message), Severity::error});
  }

  std::string file_;
  std::vector<Problem>& problems_;
  std::vector<Frame> open_;
  std::optional<Node> root_;
  std::size_t count_ = 0;
  bool started_ = false;
};

// What yaml-cpp says, without what it quotes from the document: after ": " it may repeat an anchor's name,
// and `password: *secret` is one.
std::string syntax_message(const YAML::ParserException& error) {
  return "YAML syntax: " + printable(error.msg.substr(0, error.msg.find(": ")), 160);
}

// The line of the first tab that indents, down to the one where the parser has given up or the next; 0: none.
// Its own words for one say nothing of tabs.
int indented_by_tab(std::string_view text, int last_line) {
  for (int line = 1; line <= last_line + 1 && !text.empty(); ++line) {
    const std::string_view whole = text.substr(0, text.find('\n'));
    if (whole.substr(0, whole.find_first_not_of(" \t")).find('\t') != std::string_view::npos) return line;
    text.remove_prefix(std::min(whole.size() + 1, text.size()));
  }
  return 0;
}

}  // namespace

std::optional<Node> parse_yaml(std::string_view text, std::string_view file, std::vector<Problem>& problems) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  if (auto problem = check_text(text, file)) {
    problems.push_back(std::move(*problem));
    return std::nullopt;
  }
  TreeBuilder builder(file, problems);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    // The second call finds whatever follows the first document.
    while (parser.HandleNextDocument(builder)) continue;
  } catch (const YAML::ParserException& error) {
    const Location where = location_of(error.mark);
    if (const int line = indented_by_tab(text, where.line); line > 0) {
      problems.push_back({std::string(file), line, 1, {}, "YAML syntax: tabs cannot indent; use spaces"});
      return std::nullopt;
    }
    problems.push_back(
        {std::string(file), where.line, where.column, {}, syntax_message(error), Severity::error});
    return std::nullopt;
  }
  return builder.take();
}

}  // namespace pgweir::config
