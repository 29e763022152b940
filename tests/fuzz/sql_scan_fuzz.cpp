// Every statement must lie inside the text and in order, and the other readers of statement text must survive
// any bytes. Input: one byte of options, one that is not used, then the text.
#include <cstdlib>

#include "protocol/sql_facts.hpp"
#include "protocol/sql_listen.hpp"
#include "protocol/sql_named.hpp"
#include "protocol/sql_scan.hpp"
#include "protocol/sql_set.hpp"

using namespace pgweir;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

// The verbs of the whole text; checks the statements on the way.
VerbSet check_statements(std::string_view sql, SqlDialect dialect) {
  VerbSet verbs;
  const char* end = sql.data();
  std::size_t count = 0;
  std::size_t first = 0;  // where the first statement begins
  StatementSplitter splitter(sql, dialect);
  for (SqlStatement statement; splitter.next(statement); ++count) {
    require(!statement.text.empty() && statement.text.data() >= end);
    end = statement.text.data() + statement.text.size();
    require(end <= sql.data() + sql.size());
    if (count == 0) {
      first = static_cast<std::size_t>(statement.text.data() - sql.data());
      require(statement.verb == leading_verb(sql));
    }
    verbs.insert(statement.verb);
    (void)parse_set(statement.text, dialect);
    (void)parse_discard(statement.text, dialect);
    (void)executes_named(statement.text, dialect);
    if (const auto step = parse_listen(statement.text, dialect)) {
      require(!step->name.empty() || step->verb == ListenVerb::unlisten_all);
      require(step->name.size() <= identifier_size_max);
    }
    if (const auto named = parse_named(statement.text, dialect)) {
      require(named->name_offset + named->name_size <= statement.text.size());
      require(named->name.size() <= identifier_size_max);
    }
  }
  // Text that cannot be followed counts as one more statement, also where no semicolon could end the first.
  const bool followed = !verbs.contains(Verb::undecided);
  const auto steps = listen_steps(sql, dialect);
  require(!steps || (followed && steps->size() == count));
  // A string with a semicolon in front of its statement does not begin with it.
  const bool is_alone = count == 0 || (count == 1 && sql.substr(0, first).find(';') == sql.npos);
  require(!followed || is_single_statement(sql, dialect) == is_alone);
  return verbs;
}

// Facts that no verb tells of.
bool shows_more_than_verbs(SqlFacts facts) {
  using enum SqlFact;
  for (const SqlFact fact :
       {set_config, session_advisory_lock, advisory_unlock, sequence_value, nextval_or_setval,
        creates_temporary, declares_cursor_with_hold, keeps_hidden_state, selects_into}) {
    if (facts.contains(fact)) return true;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const SqlDialect dialect{.standard_conforming_strings = (data[0] & 1) == 0};
  const std::string_view sql = as_text({data + 2, size - 2});
  const VerbSet verbs = check_statements(sql, dialect);
  require(verbs == verbs_of(sql, dialect));
  const SqlFacts facts = scan_facts(sql, dialect);
  if (verbs.contains(Verb::undecided)) require(facts.contains(SqlFact::undecided));
  if (verbs.contains(Verb::listen)) require(facts.contains(SqlFact::listens));
  require(may_have_facts(sql) || !shows_more_than_verbs(facts));
  const bool calls_unknown = facts.contains(SqlFact::calls_unknown_function) && !verbs.contains(Verb::do_);
  require(may_have_facts(sql) || !calls_unknown);
  return 0;
}
