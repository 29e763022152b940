#include "proxy/reply/plan_repair.hpp"

#include "protocol/sqlstate.hpp"
#include "proxy/exchange/analysis_context.hpp"
#include "proxy/pool/pool_commons.hpp"
#include "proxy/state/schema_version.hpp"

namespace pgweir {
namespace {

// Whether the error is "cached plan must not change result type", in whatever language.
bool is_stale_plan(const ErrorView& error) {
  return error.code() == sqlstate::feature_not_supported && error.field('R') == "RevalidateCachedQuery";
}

// Whether the server has lost the statement, or has another under its name. A function must have done that:
// the client's own statements cannot.
bool is_out_of_step(const ErrorView& error, const Expected& failed, const StatementRef& about) {
  if (!about || !about->server_name.starts_with(server_name_prefix)) return false;
  if (failed.reply == Reply::parse) return error.code() == sqlstate::duplicate_prepared_statement;
  if (error.code() != sqlstate::invalid_sql_statement_name) return false;
  // A string may name other statements, too, which nobody has.
  if (failed.reply == Reply::query) return error.message().find(about->server_name) != std::string_view::npos;
  return failed.reply == Reply::bind || failed.reply == Reply::describe_statement;
}

}  // namespace

// Whether the error can be mended unseen. Outside of a transaction, with nothing answered yet, a statement
// is parsed anew and the batch is sent again. A statement that has changed is mended only if the client does
// not rely on an earlier description: a driver that keeps one would read the rows by it.
PlanRepair::Kind PlanRepair::begin(const Expected& failed, const ErrorView& error, const StatementRef& about,
                                   std::string_view client_name) {
  if (about->has_client_name) return Kind::no;  // as on a direct connection
  const bool changed = failed.purpose == Purpose::meant_to_fail || is_stale_plan(error);
  if (!changed && !is_out_of_step(error, failed, about)) return Kind::no;
  const bool may = may_send_again(failed);
  // Code that nobody has judged may have changed the search_path, if it has run before this batch or in it.
  const bool by_ddl = is_in_its_context(x_, *about) && (may || analysis_context(x_).is_certain);
  if (!changed) {
    x_.backend->statements.doubt_all();
    return may ? Kind::parse_again : Kind::no;
  }
  // The statement was parsed under another search_path, and finds other tables under this one. Under its own
  // it goes on.
  if (is_in_another_context(x_, *about)) return Kind::no;
  // The server refuses this statement for ever. A client that parses the text again gets a new one.
  x_.commons->statements().forget(about);
  if (!by_ddl) return Kind::no;
  const ByteView batch = x_.backend->kept_batch;
  const bool counts = Batch::counts_columns(batch, client_name);
  const bool described =
      counts || x_.statements.is_described(client_name) || Batch::reads_binary(batch, client_name);
  // An EXECUTE of SQL describes its rows, but the client's next Bind of that name has rows by the old description.
  const bool is_told_again = failed.reply != Reply::query && Batch::describes(batch, client_name);
  const bool told = described && (counts || !is_told_again);
  if (may && !told) return Kind::renew;
  // The client gets the error. If it has no description of the statement, it gets a new one, and no second
  // error.
  if (!described && !about->server_name.empty() && x_.statements.find(client_name) == about)
    x_.statements.put(client_name,
                      x_.commons->statements().renew_for_holder(about, x_.commons->schema_version()->get()));
  return Kind::no;
}

bool PlanRepair::may_send_again(const Expected& failed) const {
  const Batch& batch = x_.batch;
  return batch.may_be_sent_again() && batch.again < Batch::again_max && !batch.stale &&
         failed.fate == Fate::forward && x_.tracker.status() == TransactionStatus::idle;
}

}  // namespace pgweir
