// Texts of simple queries that were read before. Most texts are read at a glance; those that call something or set
// something have to be scanned, and a client that sends the same text again should not pay for that again. Thread rule:
// the worker's thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "protocol/sql_effects.hpp"
#include "protocol/sql_facts.hpp"
#include "protocol/sql_set.hpp"
#include "protocol/sql_set_config.hpp"

namespace pgweir {

struct ReadText {
  std::string_view text;
  SqlEffects effects;
  SetConfigUse set_config;                  // where the text calls it
  std::shared_ptr<const SetStatement> set;  // where the text is one, and is understood
};

class TextMemo {
 public:
  // A full table is emptied: what is still in use is soon there again.
  static constexpr std::size_t entries_max = 512;
  // Longer texts are not kept.
  static constexpr std::size_t text_max = 1024;

  // Null: the text is read at a glance, or too long to be kept. Otherwise as effects_of(), find_set_config() and
  // parse_set() read it. The pointer holds until the next call.
  const ReadText* read(std::string_view text) { return read(text, may_have_facts(text)); }
  // The same for a caller that has asked may_have_facts() already.
  const ReadText* read(std::string_view text, bool has_facts);

  std::size_t size() const { return texts_.size(); }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  std::unordered_map<std::string, ReadText, Hash, std::equal_to<>> texts_;
};

}  // namespace pgweir
