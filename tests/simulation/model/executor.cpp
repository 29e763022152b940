#include "tests/simulation/model/executor.hpp"

#include "tests/simulation/model/analysis.hpp"
#include "tests/simulation/model/prepared.hpp"
#include "tests/simulation/model/select_rows.hpp"
#include "tests/simulation/model/setting_commands.hpp"
#include "tests/simulation/model/state_answers.hpp"
#include "tests/simulation/model/transaction.hpp"

namespace pgweir::simulation {
namespace {

using Strategy = Portal::Strategy;

Strategy strategy_of(const Statement& statement, bool returns_rows) {
  if (statement.as<Select>() || statement.as<StateQuestion>() || statement.as<FixedQuestion>())
    return Strategy::select;
  return returns_rows ? Strategy::utility_rows : Strategy::command;
}

[[noreturn]] void cannot_be_run(const SessionState& state, const Portal& portal) {
  std::string name;
  for (const auto& [key, one] : state.portals) {
    if (one.get() == &portal) name = key;
  }
  fail("55000", "portal \"" + name + "\" cannot be run");
}

// PlannedStmtRequiresSnapshot()
bool needs_snapshot(const Statement& statement) {
  return !(statement.as<TransactionCommand>() || statement.as<SetCommand>() ||
           statement.as<SetTransaction>() || statement.as<Show>() || statement.as<Fetch>() ||
           statement.as<Listen>() || statement.as<Unlisten>() || statement.as<Notify>());
}

// While it runs, CLOSE ALL leaves the portal alone.
class Active {
 public:
  Active(SessionState& state, const Portal& portal) : state_(state), before_(state.active) {
    state_.active = &portal;
  }
  ~Active() { state_.active = before_; }
  Active(const Active&) = delete;
  Active& operator=(const Active&) = delete;

 private:
  SessionState& state_;
  const Portal* before_;
};

}  // namespace

bool ends_transaction(const Statement& statement) {
  using Verb = TransactionCommand::Verb;
  const auto* const command = statement.as<TransactionCommand>();
  return command != nullptr && (command->verb == Verb::commit || command->verb == Verb::rollback ||
                                command->verb == Verb::rollback_to);
}

void Executor::start(Portal& portal, bool with_known_parameters) {
  Statement& statement = *portal.statement;
  portal.level = s_.transaction.level();
  portal.strategy = strategy_of(statement, !portal.columns.empty() || statement.as<Select>() != nullptr);
  if (auto* const select = std::get_if<Select>(&statement.node)) {
    plan_select(s_, *select, portal.parameters, with_known_parameters);
    portal.rows = std::make_unique<SelectRows>(s_, *select, portal.parameters, portal.replay);
  } else if (const auto* const state = statement.as<StateQuestion>()) {
    portal.rows = std::make_unique<StoredRows>(answer_state(s_, *state, portal.parameters, portal.replay));
  } else if (const auto* const fixed = statement.as<FixedQuestion>()) {
    portal.rows = std::make_unique<StoredRows>(answer_fixed(s_, *fixed));
  } else if (auto* const insert = std::get_if<Insert>(&statement.node)) {
    for (auto& row : insert->values) {
      for (ExpressionPtr& value : row) fold_constants(s_, *value, portal.parameters, with_known_parameters);
    }
    if (insert->select) plan_select(s_, *insert->select, portal.parameters, with_known_parameters);
  } else if (auto* const remove = std::get_if<Delete>(&statement.node)) {
    if (remove->where) fold_constants(s_, *remove->where, portal.parameters, with_known_parameters);
  }
}

bool Executor::run(Portal& portal, std::size_t limit, Describe describe, std::string& tag) {
  if (portal.state != Portal::State::ready) cannot_be_run(s_, portal);
  const Active active(s_, portal);
  try {
    if (needs_snapshot(*portal.statement)) TransactionControl(s_).snapshot();
    if (portal.strategy == Strategy::command) {
      tag = command(portal);
      portal.state = Portal::State::done;
      return true;
    }
    if (portal.strategy == Strategy::utility_rows && !portal.rows) fill(portal);
    if (describe == Describe::yes && !portal.is_described) {
      write_row_description(s_.out, portal.columns, portal.formats);
      portal.is_described = true;
    }
    Row row;
    while ((limit == 0 || portal.sent < limit) && !portal.at_end) {
      if (!portal.rows->next(row)) {
        portal.at_end = true;
        break;
      }
      write_data_row(s_.out, row, portal.columns, portal.formats);
      ++portal.sent;
    }
  } catch (const SqlError&) {
    portal.state = Portal::State::failed;
    throw;
  }
  // A count in the tag is that of this run.
  const bool counts = portal.tag != "SHOW";
  const std::string word = portal.tag.empty() ? "SELECT" : portal.tag.substr(0, portal.tag.find(' '));
  tag = counts ? word + ' ' + std::to_string(portal.sent) : word;
  portal.sent = 0;
  return portal.at_end;
}

// A utility's rows are all there before the first is sent.
void Executor::fill(Portal& portal) {
  const Statement& statement = *portal.statement;
  if (const auto* const show = statement.as<Show>()) {
    const std::optional<std::string> value = SettingCommands(s_).shown(show->name);
    if (!value) fail("42704", "unrecognized configuration parameter \"" + show->name + '"');
    portal.collected = {{*value}};
    portal.tag = "SHOW";
  } else if (const auto* const fetch_command = statement.as<Fetch>()) {
    fetch(portal, *fetch_command);
  } else if (const auto* const execute_command = statement.as<Execute>()) {
    execute(portal, *execute_command);
  } else {
    not_understood(statement.text);
  }
  portal.rows = std::make_unique<StoredRows>(std::move(portal.collected));
}

void Executor::fetch(Portal& portal, const Fetch& fetch) {
  const auto found = s_.portals.find(fetch.name);
  if (found == s_.portals.end()) fail("34000", "cursor \"" + fetch.name + "\" does not exist");
  const std::shared_ptr<Portal> cursor = found->second;
  if (cursor->state != Portal::State::ready) cannot_be_run(s_, *cursor);
  if (cursor->strategy != Strategy::select) not_understood("FETCH from such a portal");
  const Active active(s_, *cursor);
  try {
    Row row;
    while (!cursor->at_end && (!fetch.count || portal.collected.size() < *fetch.count)) {
      if (!cursor->rows->next(row)) {
        cursor->at_end = true;
        break;
      }
      portal.collected.push_back(row);
    }
  } catch (const SqlError&) {
    cursor->state = Portal::State::failed;
    throw;
  }
  portal.tag = (fetch.move ? "MOVE " : "FETCH ") + std::to_string(portal.collected.size());
}

void Executor::execute(Portal& portal, const Execute& execute) {
  PreparedStatement& prepared = PreparedStatements(s_).find(execute.name);
  if (!portal.inner) {
    const std::size_t wanted = prepared.types.size();
    if (wanted > 0 && execute.arguments.size() != wanted) {
      throw SqlError{.code = "42601",
                     .message = "wrong number of parameters for prepared statement \"" + execute.name + '"',
                     .detail = "Expected " + std::to_string(wanted) + " parameters but got " +
                               std::to_string(execute.arguments.size()) + '.'};
    }
    auto inner = std::make_shared<Portal>();
    ParameterTypes none;
    portal.replay.rewind();
    for (std::size_t i = 0; i < wanted; ++i) {
      Expression& argument = *execute.arguments[i];
      Analyser(s_, none).analyse_value(argument, prepared.types[i], "parameter $" + std::to_string(i + 1));
      Value value = Evaluator(s_, portal.parameters, portal.replay).evaluate(argument);
      if (value) value = read_value(prepared.types[i], *value);
      inner->parameters.push_back(std::move(value));
    }
    inner->statement = PreparedStatements(s_).revalidate(prepared);
    inner->columns = prepared.columns;
    start(*inner, prepared.uses++ < 5);
    portal.inner = std::move(inner);
  }
  Portal& inner = *portal.inner;
  if (inner.strategy == Strategy::command) {
    portal.tag = command(inner);
    return;
  }
  Row row;
  while (inner.rows->next(row)) portal.collected.push_back(row);
  portal.tag = "SELECT " + std::to_string(portal.collected.size());
}

std::shared_ptr<Portal> Executor::open_select(const StatementPtr& statement) {
  auto portal = std::make_shared<Portal>();
  ParameterTypes none;
  portal->columns = Analyser(s_, none).analyse(*statement).columns;
  portal->statement = statement;
  start(*portal);
  return portal;
}

}  // namespace pgweir::simulation
