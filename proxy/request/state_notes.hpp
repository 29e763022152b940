// Collects what a statement may do to its session, as far as its text and the code that it calls tell, until
// the transaction is over. Keeps nothing itself: works on the session's Exchange. Thread rule: the session's
// worker.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "protocol/sql_effects.hpp"
#include "protocol/sql_set.hpp"
#include "proxy/code/definition_words.hpp"
#include "proxy/code/unseen_code.hpp"
#include "proxy/exchange/exchange.hpp"

namespace pgweir {

class StateNotes final {
 public:
  explicit StateNotes(Exchange& exchange) : x_(exchange) {}

  // What the statement does to settings is collected in the step of the message in hand, and in its `set` if
  // the statement is one SET or RESET. `values`: those of a Bind, or null.
  void note(const SqlEffects& effects, std::string_view text, const BoundValues* values = nullptr);
  void doubt_portals();
  void note_use(Verb verb, const Statement& statement, std::string_view by);
  void note_set(std::string_view text);
  void note_prepare(const SqlEffects& effects, std::string_view text);
  void keep_bound(Portals::Bound portal);
  void note_portal(std::string_view portal, const StatementRef& statement, ByteView values);
  bool may_run_unknown(const SqlEffects& effects, std::string_view text) const;
  // Notes what the functions that the transaction has called may have done.
  void note_code(const FunctionEffects& code, std::string_view text);
  // Whether it may leave anything, for all that is known: see pool.unknown_code.
  bool distrusts(const FunctionEffects& code) const;
  // Notes that the code that the transaction has called cannot be read, or has been replaced since.
  void note_opaque_code(std::string_view text);
  // Notes that code which may set what it is told has been given this value.
  void guess_name(std::string_view value);

 private:
  void remember_if_custom(const std::string& name);
  void note_named(const Statement& statement);
  void note_arguments(std::string_view by);
  bool may_be_another(const Statement& statement) const;
  bool is_plain_query(const SqlEffects& effects) const;
  void note_settings(const SqlEffects& effects, std::string_view text, const BoundValues* values);
  void note_string(std::string_view text);
  void note_commit(const SqlEffects& effects, std::string_view text);
  void doubt_names();
  void note_order(const SqlEffects& effects, std::size_t from_names, std::size_t from_text);
  void note_config(const SetConfigUse& use, std::string_view text, const BoundValues* values);
  void note_names(std::string_view text, bool bound);
  void note_set(std::shared_ptr<const SetStatement> set, std::string_view text);
  // Whether the text is the whole text of the message in hand, which was read.
  bool was_read(std::string_view text) const;
  bool path_may_be_temporary() const;
  void judge_code(std::string_view text, const BoundValues* values = nullptr);
  void note_triggers(std::string_view text);
  void note_definitions(std::string_view text);
  void note_unknown_code(FunctionEffects code, std::string_view text);
  void note_unread_code(FunctionEffects code, std::string_view text);
  void note_free_code(const UnseenCode& code);
  void note_definition_words(const DefinitionWords& words);

  Exchange& x_;
};

}  // namespace pgweir
