#include "proxy/request/request_path.hpp"

#include <algorithm>
#include <array>

#include "protocol/frontend.hpp"
#include "protocol/sql_scan.hpp"
#include "proxy/exchange/server_stream.hpp"
#include "proxy/pool/pool_commons.hpp"
#include "proxy/request/extended_path.hpp"
#include "proxy/request/listen_follower.hpp"
#include "proxy/request/own_names.hpp"
#include "proxy/request/sequence_guard.hpp"
#include "proxy/request/sql_names.hpp"
#include "proxy/request/startup_restorer.hpp"
#include "proxy/request/state_notes.hpp"
#include "proxy/request/statement_provider.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

// The most messages of one client that its backend has not answered. More would not make a pipeline faster;
// but what a client leaves behind when it vanishes has to be worked off before the backend is free again, and
// a cancel ends only one query.
constexpr std::size_t outstanding_max = 256;
constexpr std::size_t queries_max = 16;

bool is_copy_message(FrontendType t) {
  return t == FrontendType::CopyData || t == FrontendType::CopyDone || t == FrontendType::CopyFail;
}

// pg_proc: lo_create, lo_open, lo_close, loread, lowrite, lo_lseek, lo_creat, lo_tell, lo_unlink,
// lo_truncate, lo_lseek64, lo_tell64, lo_truncate64. What they leave behind ends with the transaction.
constexpr std::array<std::uint32_t, 13> large_object_functions = {715, 952, 953,  954,  955,  956, 957,
                                                                  958, 964, 1004, 3170, 3171, 3172};

bool is_large_object_call(ByteView body) {
  if (body.size() < sizeof(std::uint32_t)) return false;
  const std::uint32_t oid = load_u32(body.data());
  return std::find(large_object_functions.begin(), large_object_functions.end(), oid) !=
         large_object_functions.end();
}

// Whether the text has DISCARD ALL or DEALLOCATE ALL: what the client's names stand for afterwards is known
// with the answer.
bool clears_names(std::string_view text) {
  StatementSplitter statements(text);
  for (SqlStatement part; statements.next(part);) {
    if (part.verb == Verb::discard && parse_discard(part.text) == DiscardTarget::all) return true;
    const std::optional<NamedStatement> named =
        part.verb == Verb::deallocate ? parse_named(part.text) : std::nullopt;
    if (named && named->verb == NamedVerb::deallocate_all) return true;
  }
  return false;
}

}  // namespace

RequestDisposition RequestPath::take(const Piece& piece) {
  if (!piece.first) return take_rest(piece);
  x_.hand.is_looked_at = true;
  x_.hand.step.clear();
  x_.hand.set.reset();
  x_.hand.text = nullptr;
  const RequestDisposition disposition = take_first(piece);
  x_.hand.is_looked_at = false;
  return disposition;
}

RequestDisposition RequestPath::take_first(const Piece& piece) {
  const auto type = static_cast<FrontendType>(piece.type);
  discarding_rest_ = false;
  if (type == FrontendType::Terminate)
    return owes_answers() ? RequestDisposition::hold : RequestDisposition::terminate;
  if (x_.tracker.fencing() || x_.tracker.needs_fence() || x_.naming) return RequestDisposition::hold;
  if (is_copy_message(type)) return take_copy(piece);
  if (type == FrontendType::Flush) {
    if (x_.backend == nullptr) return RequestDisposition::taken;
    ServerStream(x_).forward_bytes(piece);
    x_.tracker.flush();
    return RequestDisposition::taken;
  }
  if (x_.restore_due && StartupRestorer(x_).restore_after_discard(type) == Progress::hold)
    return RequestDisposition::hold;
  if (type == FrontendType::Sync) return take_sync(piece);
  if (x_.tracker.skipping()) {
    discarding_rest_ = true;
    if (x_.listen) x_.listen->forget_offer();
    return RequestDisposition::taken;
  }
  if (x_.tracker.copy_in()) return RequestDisposition::copy_violation;
  if (x_.tracker.copy_possible() || x_.tracker.outstanding() >= outstanding_max)
    return RequestDisposition::hold;
  if (x_.backend == nullptr) return RequestDisposition::needs_backend;
  if (x_.listen && x_.only_own_queries_left()) x_.listen->begin();
  const bool runs_text = type == FrontendType::Query || type == FrontendType::FunctionCall;
  if (runs_text && !x_.portals.empty()) StateNotes(x_).doubt_portals();
  if (x_.backend->statements.is_over() && x_.tracker.may_insert_group()) StatementProvider(x_).trim(0);
  switch (type) {
    case FrontendType::Query:
      return x_.tracker.outstanding() < queries_max ? take_query(piece) : RequestDisposition::hold;
    case FrontendType::Parse:
      return counted(ExtendedPath(x_).take_parse(piece), &PoolCounters::client_parses);
    case FrontendType::Bind:
      return counted(ExtendedPath(x_).take_bind(piece), &PoolCounters::binds);
    case FrontendType::Describe:
      return ExtendedPath(x_).take_describe(piece);
    case FrontendType::Close:
      return ExtendedPath(x_).take_close(piece);
    case FrontendType::Execute:
      return ExtendedPath(x_).take_execute(piece);
    default:
      return take_function_call(piece);
  }
}

RequestDisposition RequestPath::counted(RequestDisposition disposition, Counter PoolCounters::*counter) {
  if (disposition == RequestDisposition::taken) (x_.commons->counters(x_.worker).*counter).add();
  return disposition;
}

// The server works off what came before a Terminate; what came after the last Sync is rolled back. A
// Terminate within the data of a COPY IN is a violation.
bool RequestPath::owes_answers() const {
  return x_.backend != nullptr && !x_.tracker.copy_in() && x_.tracker.awaits_ready() &&
         x_.tracker.outstanding() > x_.own.size();
}

RequestDisposition RequestPath::take_rest(const Piece& piece) {
  if (!discarding_rest_ && x_.backend != nullptr) ServerStream(x_).forward_bytes(piece);
  return RequestDisposition::taken;
}

// Outside of COPY IN the server ignores these messages, so they are not sent.
RequestDisposition RequestPath::take_copy(const Piece& piece) {
  if (!x_.tracker.copy_possible()) {
    discarding_rest_ = true;
    return RequestDisposition::taken;
  }
  ServerStream(x_).forward_bytes(piece);
  if (piece.type != static_cast<char>(FrontendType::CopyData)) x_.expect({.reply = Reply::copy_end});
  return RequestDisposition::taken;
}

RequestDisposition RequestPath::take_sync(const Piece& piece) {
  if (x_.backend == nullptr) return RequestDisposition::needs_backend;
  if (!x_.portals.empty()) StateNotes(x_).doubt_portals();
  return ServerStream(x_).forward(piece, {.reply = Reply::sync});
}

// A client that works on large objects calls one function after the other; any other function may do
// anything.
RequestDisposition RequestPath::take_function_call(const Piece& piece) {
  if (!is_large_object_call(piece.body())) {
    const SqlEffects anything = effects_of_anything();
    if (SequenceGuard(x_).guard(anything, {}) == Progress::hold) return RequestDisposition::hold;
    StateNotes(x_).note(anything, {});
    // The arguments are laid out like those of a Bind.
    BindValues arguments(piece.body().subspan(std::min(piece.body().size(), sizeof(std::uint32_t))));
    for (std::string_view value; arguments.next(value);) StateNotes(x_).guess_name(value);
  }
  if (x_.listen) x_.listen->note_may_notify();
  return ServerStream(x_).forward(piece, {.reply = Reply::function_call});
}

RequestDisposition RequestPath::take_query(const Piece& piece) {
  QueryView query;
  const bool understood = piece.whole() && parse_query(piece.body(), query) == Errc::ok;
  // A text that cannot be read may do anything.
  const bool readable = understood && !x_.client.is_opaque(query.text);
  const bool has_facts = readable && may_have_facts(query.text);
  x_.hand.text = x_.worker.text_memo().read(query.text, has_facts);
  const SqlEffects effects = x_.hand.text != nullptr ? x_.hand.text->effects
                             : readable              ? effects_of(query.text, has_facts, {})
                                                     : effects_of_anything();
  if (OwnNames(x_).provide_for(effects, query.text) == Progress::hold) return RequestDisposition::hold;
  if (SequenceGuard(x_).guard(effects, query.text) == Progress::hold) return RequestDisposition::hold;
  Expected expected{.reply = Reply::query};
  expected.may_copy = effects.verbs.intersects({Verb::copy, Verb::undecided});
  const bool may_listen = x_.listen || effects.facts.contains(SqlFact::listens);
  if (may_listen && ListenFollower(x_).follow_query(understood ? query.text : std::string_view{}, understood,
                                                    effects, expected) == Progress::hold)
    return RequestDisposition::hold;
  if (understood && SqlNames(x_).may_name_statement(query.text, effects)) {
    const std::optional<RequestDisposition> renamed =
        SqlNames(x_).rewrite_named_query(query.text, effects, expected);
    if (renamed) {
      if (*renamed == RequestDisposition::taken && !effects.single)
        StateNotes(x_).note_prepare(effects, query.text);
      return *renamed;
    }
    if (StateNotes(x_).may_run_unknown(effects, query.text))
      StateNotes(x_).note(effects_of_anything(), query.text);
  }
  if (effects.verbs.intersects({Verb::discard, Verb::deallocate}) && clears_names(query.text))
    x_.begin_naming(expected);
  StateNotes(x_).note(effects, query.text);
  StateNotes(x_).note_prepare(effects, query.text);
  ServerStream(x_).note_query_sent(expected);
  const bool resets = effects.single && StartupRestorer(x_).loses_startup(effects.verb, query.text);
  const SetStatement* const set = x_.hand.set.get();
  const bool resets_every_setting = !set || set->action == SetAction::reset_all;
  if (resets) expected.resets_setting = resets_every_setting ? resets_all : StatementMap::hash_of(set->name);
  ServerStream(x_).forward(piece, std::move(expected));
  if (resets) StartupRestorer(x_).restore();
  return RequestDisposition::taken;
}

}  // namespace pgweir
