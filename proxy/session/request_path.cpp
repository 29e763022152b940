#include "proxy/session/request_path.hpp"

#include <algorithm>
#include <array>

#include "protocol/frontend.hpp"
#include "protocol/sql_scan.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/state/custom_names.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

using Disposition = RequestPath::Disposition;

// Messages of one client that its backend has not answered. More would not make a pipeline faster, but what a
// client that vanishes leaves behind has to be worked off before the backend is free again, and a cancel ends
// one query only.
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

// DISCARD ALL, DEALLOCATE ALL: what the client's names stand for afterwards is known with the answer.
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

Disposition RequestPath::take(const Piece& piece) {
  if (!piece.first) return take_rest(piece);
  in_message_ = true;
  step_.clear();
  read_text_ = nullptr;
  const Disposition disposition = take_first(piece);
  in_message_ = false;
  return disposition;
}

Disposition RequestPath::take_first(const Piece& piece) {
  const auto type = static_cast<FrontendType>(piece.type);
  discarding_rest_ = false;
  if (type == FrontendType::Terminate) return owes_answers() ? Disposition::hold : Disposition::terminate;
  if (x_.tracker.fencing() || x_.tracker.needs_fence() || x_.naming) return Disposition::hold;
  if (is_copy_message(type)) return take_copy(piece);
  if (type == FrontendType::Flush) {
    if (x_.backend != nullptr) forward_bytes(piece);
    return Disposition::taken;
  }
  if (x_.restore_due && restore_behind_discard(type) == Progress::hold) return Disposition::hold;
  if (type == FrontendType::Sync) return take_sync(piece);
  if (x_.tracker.skipping()) {
    discarding_rest_ = true;
    if (x_.listen) x_.listen->forget_offer();
    return Disposition::taken;
  }
  if (x_.tracker.copy_in()) return Disposition::copy_violation;
  if (x_.tracker.copy_possible() || x_.tracker.outstanding() >= outstanding_max) return Disposition::hold;
  if (x_.backend == nullptr) return Disposition::needs_backend;
  if (x_.listen && x_.tracker.settled()) x_.listen->begin();
  if (x_.backend->statements.is_over() && x_.tracker.may_insert_group()) trim(0);
  switch (type) {
    case FrontendType::Query:
      return x_.tracker.outstanding() < queries_max ? take_query(piece) : Disposition::hold;
    case FrontendType::Parse:
      return counted(take_parse(piece), &PoolCounters::client_parses);
    case FrontendType::Bind:
      return counted(take_bind(piece), &PoolCounters::binds);
    case FrontendType::Describe:
      return take_describe(piece);
    case FrontendType::Close:
      return take_close(piece);
    case FrontendType::Execute:
      return take_execute(piece);
    default:
      return take_function_call(piece);
  }
}

Disposition RequestPath::counted(Disposition disposition, Counter PoolCounters::*counter) {
  if (disposition == Disposition::taken) (x_.pool->counters(x_.worker).*counter).add();
  return disposition;
}

// The server works off what came before a Terminate; after the last Sync that is rolled back. Within the
// data of a COPY IN it is a violation.
bool RequestPath::owes_answers() const {
  return x_.backend != nullptr && !x_.tracker.copy_in() && x_.tracker.awaits_ready() &&
         x_.tracker.outstanding() > x_.own.size();
}

Disposition RequestPath::take_rest(const Piece& piece) {
  if (!discarding_rest_ && x_.backend != nullptr) forward_bytes(piece);
  return Disposition::taken;
}

// Outside of COPY IN the server ignores them, so there they go nowhere.
Disposition RequestPath::take_copy(const Piece& piece) {
  if (!x_.tracker.copy_possible()) {
    discarding_rest_ = true;
    return Disposition::taken;
  }
  forward_bytes(piece);
  if (piece.type != static_cast<char>(FrontendType::CopyData))
    x_.tracker.expect({.reply = Reply::copy_end}, sink_);
  return Disposition::taken;
}

Disposition RequestPath::take_sync(const Piece& piece) {
  if (x_.backend == nullptr) return Disposition::needs_backend;
  return forward(piece, {.reply = Reply::sync});
}

void RequestPath::forward_bytes(const Piece& piece) {
  x_.forwarded = true;
  x_.worker.to_server().add_view(piece.bytes);
}

Disposition RequestPath::forward(const Piece& piece, Expected&& expected) {
  forward_bytes(piece);
  x_.tracker.expect(std::move(expected), sink_);
  return Disposition::taken;
}

// A client that works on large objects calls one function after the other; any other may do anything.
Disposition RequestPath::take_function_call(const Piece& piece) {
  if (!is_large_object_call(piece.body())) {
    const SqlEffects anything = effects_of_anything();
    if (guard_sequences(anything, {}) == Progress::hold) return Disposition::hold;
    note(anything, {});
    // The arguments are laid out like those of a Bind.
    BindValues arguments(piece.body().subspan(std::min(piece.body().size(), sizeof(std::uint32_t))));
    for (std::string_view value; arguments.next(value);) remember_bound_name(x_.custom_names, value);
  }
  if (x_.listen) x_.listen->note_may_notify();
  return forward(piece, {.reply = Reply::function_call});
}

// --- Simple query

Disposition RequestPath::take_query(const Piece& piece) {
  QueryView query;
  const bool understood = piece.whole() && parse_query(piece.body(), query) == Errc::ok;
  // What nobody can read may do anything.
  const bool readable = understood && !x_.is_opaque(query.text);
  const bool has_facts = readable && may_have_facts(query.text);
  read_text_ = x_.worker.text_memo().read(query.text, has_facts);
  const SqlEffects effects = read_text_ != nullptr ? read_text_->effects
                             : readable            ? effects_of(query.text, has_facts, {})
                                                   : effects_of_anything();
  if (guard_sequences(effects, query.text) == Progress::hold) return Disposition::hold;
  Expected expected{.reply = Reply::query};
  expected.may_copy = effects.verbs.intersects({Verb::copy, Verb::undecided});
  const bool may_listen = x_.listen || effects.facts.contains(SqlFact::listens);
  if (may_listen && follow_query(understood ? query.text : std::string_view{}, understood, effects,
                                 expected) == Progress::hold)
    return Disposition::hold;
  if (understood && may_name_statement(query.text, effects)) {
    const std::optional<Disposition> renamed = rewrite_named_query(query.text, effects, expected);
    if (renamed) {
      if (*renamed == Disposition::taken && !effects.single) note_prepare(effects, query.text);
      return *renamed;
    }
    if (may_run_unknown(effects, query.text)) note(effects_of_anything(), query.text);
  }
  if (effects.verbs.intersects({Verb::discard, Verb::deallocate}) && clears_names(query.text))
    x_.naming = true;
  note(effects, query.text);
  note_prepare(effects, query.text);
  begin_query(expected);
  const bool resets = effects.single && loses_startup(effects.verb, query.text);
  const bool all = !x_.watch.set || x_.watch.set->action == SetAction::reset_all;
  if (resets) expected.resets = all ? resets_all : StatementMap::hash_of(x_.watch.set->name);
  forward(piece, std::move(expected));
  if (resets) restore_startup();
  return Disposition::taken;
}

// A Query drops the unnamed statement, whatever becomes of it (exec_simple_query).
void RequestPath::begin_query(Expected& expected) {
  x_.mixed_protocols |= x_.tracker.unsynced();
  expected.holds = true;
  if (!step_.empty()) attach_step(expected);
  if (expected.listens) x_.listen->forwarded();
  x_.backend->statements.begin_unnamed(nullptr, x_.tracker.segment());
  if (x_.statements.find({}) == nullptr) return;
  x_.statements.begin_erase({}, x_.tracker.segment());
  expected.names = true;
}

}  // namespace pgweir
