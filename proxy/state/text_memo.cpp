#include "proxy/state/text_memo.hpp"

#include "protocol/sql_facts.hpp"

namespace pgweir {

const ReadText* TextMemo::read(std::string_view text) {
  if (text.size() > text_max || !may_have_facts(text)) return nullptr;
  if (const auto found = texts_.find(text); found != texts_.end()) return &found->second;
  if (texts_.size() >= entries_max) texts_.clear();
  ReadText read;
  read.effects = effects_of(text);
  if (read.effects.may_set) read.set_config = find_set_config(text);
  const auto kept = texts_.emplace(std::string(text), std::move(read)).first;
  kept->second.text = kept->first;
  return &kept->second;
}

}  // namespace pgweir
