#include "proxy/state/text_memo.hpp"

namespace pgweir {

const ReadText* TextMemo::read(std::string_view text, bool has_facts) {
  if (!has_facts || text.size() > text_max) return nullptr;
  if (const auto found = texts_.find(text); found != texts_.end()) return &found->second;
  if (texts_.size() >= entries_max) texts_.clear();
  ReadText read;
  read.effects = effects_of(text, has_facts, {});
  if (read.effects.may_set) read.set_config = find_set_config(text);
  const auto kept = texts_.emplace(std::string(text), std::move(read)).first;
  kept->second.text = kept->first;
  return &kept->second;
}

}  // namespace pgweir
