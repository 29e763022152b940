#include "tests/simulation/model/extended_query.hpp"

#include "protocol/frontend.hpp"
#include "tests/simulation/model/executor.hpp"
#include "tests/simulation/model/parser.hpp"
#include "tests/simulation/model/prepared.hpp"
#include "tests/simulation/model/transaction.hpp"

namespace pgweir::simulation {
namespace {

void must(Errc errc) {
  if (errc != Errc::ok) fail("08P01", "invalid message format");
}

std::vector<std::uint16_t> read_codes(Reader& reader) {
  std::uint16_t count = 0;
  must(reader.u16(count));
  std::vector<std::uint16_t> codes(count);
  for (std::uint16_t& code : codes) must(reader.u16(code));
  return codes;
}

bool may_end_transaction(const PreparedStatement& prepared) {
  if (prepared.text.empty()) return false;
  const std::vector<StatementPtr> statements = parse_statements(prepared.text, prepared.dialect);
  return ends_transaction(*statements.front());
}

}  // namespace

void ExtendedQuery::refuse_if_failed(bool allowed) const {
  if (s_.transaction.block == Block::failed && !allowed)
    fail("25P02", "current transaction is aborted, commands ignored until end of transaction block");
}

void ExtendedQuery::parse(ByteView body) {
  ParseView view;
  must(parse_parse(body, view));
  TransactionControl(s_).start_command();
  if (view.name.empty()) s_.prepared.erase("");
  std::vector<Oid> types;
  Reader reader(view.parameter_types);
  std::uint16_t count = 0;
  must(reader.u16(count));
  for (std::uint16_t i = 0; i < count; ++i) {
    std::uint32_t oid = 0;
    must(reader.u32(oid));
    types.push_back(oid == 0 ? type::unknown : oid);
  }
  const std::vector<StatementPtr> statements = parse_statements(view.text, dialect_of(s_));
  if (statements.size() > 1) fail("42601", "cannot insert multiple commands into a prepared statement");
  Statement* const statement = statements.empty() ? nullptr : statements.front().get();
  if (statement != nullptr) refuse_if_failed(ends_transaction(*statement));
  PreparedStatements(s_).add(std::string(truncate_identifier(view.name)), statement, std::move(types), false);
  write_empty(s_.out, BackendType::ParseComplete);
}

std::vector<Value> ExtendedQuery::read_values(Reader& reader, const PreparedStatement& prepared,
                                              const std::string& name, const std::string& portal) {
  const std::vector<std::uint16_t> formats = read_codes(reader);
  std::uint16_t count = 0;
  must(reader.u16(count));
  if (formats.size() > 1 && formats.size() != count) {
    fail("08P01", "bind message has " + std::to_string(formats.size()) + " parameter formats but " +
                      std::to_string(count) + " parameters");
  }
  if (count != prepared.types.size()) {
    fail("08P01", "bind message supplies " + std::to_string(count) +
                      " parameters, but prepared statement \"" + name + "\" requires " +
                      std::to_string(prepared.types.size()));
  }
  refuse_if_failed(may_end_transaction(prepared) && count == 0);
  if (!portal.empty() && s_.portals.contains(portal))
    fail("42P03", "cursor \"" + portal + "\" already exists");
  // Where the Bind fails from here on, a portal without a statement is left in the failed transaction.
  auto undefined = std::make_shared<Portal>();
  undefined->level = s_.transaction.level();
  s_.portals[portal] = std::move(undefined);
  std::vector<Value> values;
  for (std::uint16_t i = 0; i < count; ++i) {
    std::uint32_t size = 0;
    must(reader.u32(size));
    if (size == 0xffffffff) {
      values.emplace_back();
      continue;
    }
    ByteView bytes;
    must(reader.bytes(size, bytes));
    const std::string text(as_text(bytes));
    const Oid type = prepared.types[i];
    try {
      values.emplace_back(format_of(formats, i) == 1 ? from_binary(type, text) : read_value(type, text));
    } catch (SqlError& error) {
      const std::string owner = portal.empty() ? "unnamed portal" : "portal \"" + portal + '"';
      error.context = owner + " parameter $" + std::to_string(i + 1) + " = '...'";
      throw;
    }
  }
  return values;
}

void ExtendedQuery::bind(ByteView body) {
  BindView view;
  must(parse_bind(body, view));
  const std::string name(truncate_identifier(view.statement));
  const std::string portal_name(truncate_identifier(view.portal));
  PreparedStatement& prepared = PreparedStatements(s_).find(name);
  TransactionControl(s_).start_command();
  Reader reader(view.rest);
  auto portal = std::make_shared<Portal>();
  portal->parameters = read_values(reader, prepared, name, portal_name);
  try {
    define(*portal, prepared, reader);
  } catch (const Blocked&) {
    s_.portals.erase(portal_name);
    throw;
  }
  s_.portals[portal_name] = std::move(portal);
  write_empty(s_.out, BackendType::BindComplete);
}

void ExtendedQuery::define(Portal& portal, PreparedStatement& prepared, Reader& reader) {
  portal.formats = read_codes(reader);
  portal.level = s_.transaction.level();
  portal.statement = PreparedStatements(s_).revalidate(prepared);
  if (portal.statement) {
    const bool is_utility = portal.statement->as<Execute>() || portal.statement->as<Fetch>();
    portal.columns = is_utility ? PreparedStatements(s_).columns_now(*portal.statement) : prepared.columns;
    Executor(s_).start(portal, prepared.uses++ < 5);
    if (portal.formats.size() > 1 && portal.formats.size() != portal.columns.size()) {
      fail("08P01", "bind message has " + std::to_string(portal.formats.size()) +
                        " result formats but query has " + std::to_string(portal.columns.size()) +
                        " columns");
    }
  }
}

std::shared_ptr<Portal> ExtendedQuery::find_portal(const std::string& name) const {
  const auto found = s_.portals.find(name);
  if (found == s_.portals.end()) fail("34000", "portal \"" + name + "\" does not exist");
  return found->second;
}

void ExtendedQuery::describe(ByteView body) {
  TargetView target;
  must(parse_target(body, target));
  const std::string name(truncate_identifier(target.name));
  TransactionControl(s_).start_command();
  if (target.kind == 'S') return describe_statement(name);
  describe_portal(name);
}

// The parameters are told before it is found that the statement cannot be planned any more.
void ExtendedQuery::describe_statement(const std::string& name) {
  PreparedStatement& prepared = PreparedStatements(s_).find(name);
  refuse_if_failed(!prepared.returns_rows);
  StatementPtr fresh;
  std::optional<SqlError> changed;
  try {
    if (prepared.returns_rows) fresh = PreparedStatements(s_).revalidate(prepared);
  } catch (const SqlError& error) {
    changed = error;
  }
  write_parameter_description(s_.out, prepared.types);
  if (changed) throw SqlError(*changed);
  if (!prepared.returns_rows) return write_empty(s_.out, BackendType::NoData);
  write_row_description(s_.out, prepared.columns, {});
}

void ExtendedQuery::describe_portal(const std::string& name) {
  const std::shared_ptr<Portal> portal = find_portal(name);
  const bool has_rows = portal->statement && portal->strategy != Portal::Strategy::command;
  refuse_if_failed(!has_rows);
  if (!has_rows) return write_empty(s_.out, BackendType::NoData);
  write_row_description(s_.out, portal->columns, portal->formats);
}

CopyIn* ExtendedQuery::copy_in(ByteView execute_body) const {
  ExecuteView view;
  if (parse_execute(execute_body, view) != Errc::ok) return nullptr;
  const auto found = s_.portals.find(std::string(truncate_identifier(view.portal)));
  return found == s_.portals.end() ? nullptr : found->second->copy_in.get();
}

void ExtendedQuery::execute(ByteView body) {
  ExecuteView view;
  must(parse_execute(body, view));
  const std::shared_ptr<Portal> portal = find_portal(std::string(truncate_identifier(view.portal)));
  if (!portal->statement) return write_empty(s_.out, BackendType::EmptyQueryResponse);
  TransactionControl control(s_);
  control.start_command();
  refuse_if_failed(ends_transaction(*portal->statement));
  std::string tag;
  const bool complete = Executor(s_).run(*portal, view.row_limit, Executor::Describe::no, tag);
  if (!complete) {
    s_.transaction.in_pipeline = true;
    return write_empty(s_.out, BackendType::PortalSuspended);
  }
  const bool ends =
      portal->statement->as<TransactionCommand>() != nullptr || s_.transaction.commits_immediately;
  if (ends) {
    control.finish_command();
  } else {
    s_.transaction.in_pipeline = true;
    s_.statement_deadline.reset();
  }
  write_tag(s_.out, tag);
}

void ExtendedQuery::close(ByteView body) {
  TargetView target;
  must(parse_target(body, target));
  const std::string name(truncate_identifier(target.name));
  if (target.kind == 'S') {
    s_.prepared.erase(name);
  } else {
    s_.portals.erase(name);
  }
  write_empty(s_.out, BackendType::CloseComplete);
}

void ExtendedQuery::sync() {
  TransactionControl control(s_);
  control.end_implicit();
  control.finish_command();
}

}  // namespace pgweir::simulation
