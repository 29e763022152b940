#include "tests/simulation/model/simple_query.hpp"

#include "tests/simulation/model/analysis.hpp"
#include "tests/simulation/model/executor.hpp"
#include "tests/simulation/model/parser.hpp"
#include "tests/simulation/model/prepared.hpp"
#include "tests/simulation/model/transaction.hpp"

namespace pgweir::simulation {

void SimpleQuery::run() {
  if (!begun_) begin();
  while (at_ < statements_.size()) run_statement();
}

void SimpleQuery::begin() {
  TransactionControl control(s_);
  control.start_command();
  s_.prepared.erase("");
  statements_ = parse_statements(text_, dialect_of(s_));
  begun_ = true;
  if (!statements_.empty()) return;
  control.finish_command();
  write_empty(s_.out, BackendType::EmptyQueryResponse);
}

void SimpleQuery::open(const StatementPtr& statement) {
  TransactionControl control(s_);
  if (s_.transaction.block == Block::failed && !ends_transaction(*statement))
    fail("25P02", "current transaction is aborted, commands ignored until end of transaction block");
  control.start_command();
  if (statements_.size() > 1) control.begin_implicit();
  auto portal = std::make_shared<Portal>();
  ParameterTypes none;
  portal->columns = Analyser(s_, none).analyse(*statement).columns;
  portal->statement = statement;
  Executor(s_).start(*portal);
  s_.portals[""] = portal;
  portal_ = std::move(portal);
}

// The commit comes before the tag, because it may fail.
void SimpleQuery::run_statement() {
  const StatementPtr statement = statements_[at_];
  const bool is_last = at_ + 1 == statements_.size();
  if (!portal_) open(statement);
  std::string tag;
  Executor(s_).run(*portal_, 0, Executor::Describe::yes, tag);
  if (const auto open = s_.portals.find(""); open != s_.portals.end() && open->second == portal_)
    s_.portals.erase(open);
  portal_.reset();
  TransactionControl control(s_);
  if (is_last && statements_.size() > 1) control.end_implicit();
  if (is_last || statement->as<TransactionCommand>() != nullptr) {
    control.finish_command();
  } else {
    s_.statement_deadline.reset();
  }
  write_tag(s_.out, tag);
  ++at_;
}

}  // namespace pgweir::simulation
