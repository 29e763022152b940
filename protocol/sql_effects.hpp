// What the text of one statement, or of a whole query string, tells about its effects on the session: all
// that pgweir reads out of it, in one value. Pure; any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "protocol/sql_facts.hpp"
#include "protocol/sql_verb.hpp"

namespace pgweir {

enum class StatementNames : std::uint8_t {
  none,
  by_code,  // code that the text runs, or is given, may run or drop some
  listed,   // the text names the view of them all, or its function
};

struct SqlEffects {
  Verb verb = Verb::empty;  // of the first statement
  VerbSet verbs;            // of all of them
  bool single = true;       // at most one statement
  bool may_set = false;     // may change a setting without a SET or RESET tag, in a way that the text shows
  SqlFacts facts;
  bool reads_sequence = false;  // currval, lastval; also named in a string, if that may be run as code
  // What it has to do with the session's prepared statements, by their own names, where the server looks for them.
  StatementNames statement_names = StatementNames::none;

  bool sets() const { return single && verbs.intersects({Verb::set, Verb::reset}); }
  // Whether it is not known what the text does.
  bool is_unreadable() const { return verbs.contains(Verb::undecided) || facts.contains(SqlFact::undecided); }
  // Whether the text runs code that it does not show, or shows as a string: a function of the user's, DO,
  // CALL.
  bool runs_code() const { return is_unreadable() || facts.contains(SqlFact::calls_unknown_function); }
  // Whether the text leaves nothing behind as far as it shows; a trigger that it fires may.
  bool is_quiet() const {
    return !may_set && facts.empty() && !runs_code() &&
           !verbs.intersects({Verb::set, Verb::reset, Verb::create, Verb::execute, Verb::explain});
  }
  // Whether the text may fire a trigger, or take the next value of a sequence as a column's default.
  bool writes() const {
    return verbs.intersects({Verb::insert_, Verb::update, Verb::delete_, Verb::merge, Verb::copy, Verb::with,
                             Verb::explain, Verb::execute, Verb::truncate});
  }
};

SqlEffects effects_of(std::string_view text, SqlDialect dialect = {});
// The same for a caller that has asked may_have_facts() already.
SqlEffects effects_of(std::string_view text, bool has_facts, SqlDialect dialect);

// Whether the text names both UPDATE and the view pg_settings: an update of that view is a SET without its
// tag.
bool may_update_settings(std::string_view text);

// Whether the text names currval or lastval anywhere.
bool mentions_sequence_value(std::string_view text);

// Whether the text names the view pg_prepared_statements or its function, anywhere.
bool mentions_statement_list(std::string_view text);

// The effects that must be assumed of a text that cannot be read.
SqlEffects effects_of_anything();

}  // namespace pgweir
