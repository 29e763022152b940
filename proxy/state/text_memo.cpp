#include "proxy/state/text_memo.hpp"

namespace pgweir {
namespace {

// As nearly all clients write it.
bool begins_with_set(std::string_view text) {
  return folded_equals(text.substr(0, 4), "set ");
}

}  // namespace

const ReadText* TextMemo::read(std::string_view text, bool has_facts) {
  if ((!has_facts && !begins_with_set(text)) || text.size() > text_max) return nullptr;
  if (const auto found = texts_.find(text); found != texts_.end()) return &found->second;
  if (texts_.size() >= entries_max) texts_.clear();
  ReadText read;
  read.effects = effects_of(text, has_facts, {});
  if (read.effects.may_set) read.set_config = find_set_config(text);
  if (read.effects.single && read.effects.sets()) {
    if (auto set = parse_set(text)) read.set = std::make_shared<const SetStatement>(*std::move(set));
  }
  const auto kept = texts_.emplace(std::string(text), std::move(read)).first;
  kept->second.text = kept->first;
  return &kept->second;
}

}  // namespace pgweir
