#include "proxy/listen/listen_state.hpp"

#include <algorithm>
#include <utility>

#include "proxy/state/sql_quote.hpp"

namespace pgweir {
namespace {

// Verbs that cannot run NOTIFY, as long as they call nothing that does.
constexpr VerbSet quiet_verbs{Verb::empty,    Verb::abort,     Verb::begin,      Verb::close,   Verb::commit,
                              Verb::declare,  Verb::discard,   Verb::end,        Verb::fetch,   Verb::listen,
                              Verb::move,     Verb::prepare,   Verb::deallocate, Verb::release, Verb::reset,
                              Verb::rollback, Verb::savepoint, Verb::select,     Verb::set,     Verb::show,
                              Verb::start,    Verb::table,     Verb::unlisten,   Verb::values};

constexpr VerbSet followed_verbs{Verb::undecided, Verb::listen,  Verb::unlisten, Verb::discard,
                                 Verb::savepoint, Verb::release, Verb::commit,   Verb::end,
                                 Verb::rollback,  Verb::abort};

bool has_verb(const ListenSteps& steps, ListenVerb verb) {
  return steps && std::any_of(steps->begin(), steps->end(),
                              [verb](const ListenStep& step) { return step.verb == verb; });
}

void take_effect(const ListenStep& step, ChannelNames& channels) {
  switch (step.verb) {
    case ListenVerb::listen:
      channels.insert(step.name);
      return;
    case ListenVerb::unlisten:
      channels.erase(step.name);
      return;
    case ListenVerb::unlisten_all:
      return channels.clear();
    default:
      return;
  }
}

}  // namespace

bool ListenState::concerns(VerbSet verbs) {
  return verbs.intersects(followed_verbs);
}

bool ListenState::may_notify(const SqlEffects& effects, std::string_view text) {
  return !effects.verbs.within(quiet_verbs) || effects.runs_code() || folded_find(text, "pg_notify");
}

// --- The hub

void ListenState::ask(Asked what, ListenChange change) {
  asked_.push_back(what);
  ask_(std::move(change));
}

void ListenState::answered(ListenOutcome outcome) {
  if (asked_.empty()) return;
  const Asked what = asked_.front();
  asked_.erase(asked_.begin());
  if (asked_.empty()) ready_.resume();
  const bool done = outcome == ListenOutcome::done;
  switch (what) {
    case Asked::nobody_waits:
      return;
    case Asked::early:
      // What has come by now is the client's, even if the transaction ends with UNLISTEN.
      held_.confirm(channels_);
      return ready_.came_back();
    case Asked::late:
      return ready_.came_back();
    case Asked::plain:
      held_.confirm(channels_);
      // At once: what comes after the answer is the client's already.
      if (done) take_effect(plain_, channels_);
      if (done && plain_.verb == ListenVerb::listen) registered_.insert(plain_.name);
      if (done) registered_ = channels_;
      break;
    case Asked::candidates:
      // What was committed before the client has asked is not for it.
      held_.drop_others(channels_);
      if (done && offer_ == Offer::abandoned) give_back_wanted();
      if (done && offer_ != Offer::abandoned) registered_.insert(wanted_.begin(), wanted_.end());
      ready_.note_answer();
      break;
  }
  const bool is_wanted = offer_ != Offer::abandoned;
  offer_ = !is_wanted ? Offer::none : done ? Offer::done : Offer::failed;
}

void ListenState::moved(std::string encoding) {
  encoding_ = std::move(encoding);
  ready_.resume();
}

// Gives up channels that the hub serves and the client does not listen to.
void ListenState::drop_unused() {
  ListenChange change;
  std::set_difference(registered_.begin(), registered_.end(), channels_.begin(), channels_.end(),
                      std::back_inserter(change.unlisten));
  if (change.unlisten.empty()) return;
  registered_ = channels_;
  ask(Asked::nobody_waits, std::move(change));
}

// The hub serves channels for statements that never went out, as one before them has failed.
void ListenState::give_back_wanted() {
  ListenChange change;
  for (const std::string& name : wanted_) {
    if (!registered_.contains(name)) change.unlisten.push_back(name);
  }
  if (!change.unlisten.empty()) ask(Asked::nobody_waits, std::move(change));
}

// --- Without a backend

ListenState::Plain ListenState::take_plain(const ListenStep& step) {
  switch (offer_) {
    case Offer::waits:
    case Offer::abandoned:
      return Plain::wait;
    case Offer::failed:
      return Plain::no;  // until it has been forwarded
    case Offer::done:
      offer_ = Offer::none;
      take_effect(step, channels_);  // it may have been asked for on its way to a backend
      return Plain::done;
    case Offer::none:
      break;
  }
  const bool listens = step.verb == ListenVerb::listen;
  if (listens ? channels_.contains(step.name) : channels_.empty()) return Plain::done;
  if (step.verb == ListenVerb::unlisten && !channels_.contains(step.name)) return Plain::done;
  if (!asked_.empty()) return Plain::wait;
  ListenChange change;
  change.unlisten_all = step.verb == ListenVerb::unlisten_all;
  if (listens) change.listen.push_back(step.name);
  if (step.verb == ListenVerb::unlisten) change.unlisten.push_back(step.name);
  plain_ = step;
  offer_ = Offer::waits;
  ask(Asked::plain, std::move(change));
  return Plain::wait;
}

// --- Through a backend

// The channels that the hub has to serve from before these statements are run.
std::vector<std::string> ListenState::wanted_by(const ListenSteps& steps, TransactionStatus status) const {
  std::vector<std::string> names;
  if (!steps) return names;
  const auto add_from = [&names](const ListenSteps& some) {
    if (!some) return;
    for (const ListenStep& step : *some) {
      if (step.verb == ListenVerb::listen) names.push_back(step.name);
    }
  };
  const bool commits = has_verb(steps, ListenVerb::commit);
  const bool ends = commits || has_verb(steps, ListenVerb::rollback);
  // Inside a transaction a LISTEN is only an intention.
  if (ends || status == TransactionStatus::idle) add_from(steps);
  if (!commits) return names;
  for (std::string& name : pending_.candidates()) names.push_back(std::move(name));
  for (const Followed& followed : followed_) add_from(followed.steps);
  return names;
}

bool ListenState::may_forward(const ListenSteps& steps, TransactionStatus status, bool status_is_known) {
  if (offer_ == Offer::waits || offer_ == Offer::abandoned) return false;
  if (offer_ != Offer::none) return true;
  const bool unlistens = has_verb(steps, ListenVerb::unlisten) || has_verb(steps, ListenVerb::unlisten_all);
  const bool commits = !steps || has_verb(steps, ListenVerb::commit);
  const bool ends_listening =
      unlistens ? commits || status == TransactionStatus::idle : commits && pending_.unlistens();
  // What was committed before is the client's, but not what this transaction itself has sent.
  if (ends_listening && !asked_.empty()) return false;
  // Nor what the client sends behind an UNLISTEN: no older ReadyForQuery brings it.
  const bool matters =
      unlistens || has_verb(steps, ListenVerb::listen) || has_verb(steps, ListenVerb::commit);
  if (matters && !status_is_known) return false;
  std::vector<std::string> names = wanted_by(steps, status);
  if (std::all_of(names.begin(), names.end(),
                  [this](const auto& name) { return channels_.contains(name); })) {
    return true;
  }
  if (!asked_.empty()) return false;
  wanted_ = names;
  offer_ = Offer::waits;
  ask(Asked::candidates, {false, {}, std::move(names)});
  return false;
}

void ListenState::forwarded() {
  offer_ = Offer::none;
  followed_.push_back({std::move(next_)});
}

void ListenState::forget_offer() {
  const bool waits = offer_ == Offer::waits || offer_ == Offer::abandoned;
  if (!waits) offer_ = Offer::none;
  if (waits && asked_.back() == Asked::candidates) offer_ = Offer::abandoned;
}

void ListenState::bind(std::string_view portal, const SqlEffects& effects, ListenSteps steps) {
  if (concerns(effects.verbs)) {
    portals_.insert_or_assign(std::string(portal), std::move(steps));
  } else {
    unbind(portal);
  }
}

void ListenState::unbind(std::string_view portal) {
  if (const auto it = portals_.find(portal); it != portals_.end()) portals_.erase(it);
}

const ListenSteps* ListenState::portal(std::string_view name) const {
  const auto it = portals_.find(name);
  return it == portals_.end() ? nullptr : &it->second;
}

void ListenState::completed(std::string_view tag) {
  if (followed_.empty()) return;
  Followed& front = followed_.front();
  if (!front.steps) return pending_.lose_track();
  if (front.next < front.steps->size()) pending_.completed((*front.steps)[front.next++], tag);
}

void ListenState::failed() {
  pending_.failed();
}

void ListenState::ended() {
  if (!followed_.empty()) followed_.erase(followed_.begin());
}

void ListenState::settle(TransactionStatus status, bool more_follows) {
  const bool lost_track = pending_.lost_track();
  for (const ListenStep& step : pending_.settle(status)) {
    // A change that is not certain stays on the backend; a channel that it may have given up is delivered all
    // the same.
    if (lost_track) break;
    // The hub does not serve this channel.
    if (step.verb == ListenVerb::listen && !serves(step.name)) continue;
    take_effect(step, channels_);
    if (step.verb == ListenVerb::listen) on_backend_.insert(step.name);
  }
  ready_.settle(status == TransactionStatus::idle);
  if (status != TransactionStatus::idle) return;
  if (!more_follows) portals_.clear();
  if (offer_ == Offer::none && followed_.empty()) drop_unused();
}

// --- The backend

void ListenState::note_shown() {
  shown_ = true;
  on_backend_.insert(channels_.begin(), channels_.end());
}

std::string ListenState::take_unlisten() {
  shown_ = false;
  std::string sql;
  for (const std::string& name : std::exchange(on_backend_, {})) {
    sql += (sql.empty() ? "UNLISTEN " : ";UNLISTEN ") + quote_identifier(name);
  }
  return sql;
}

void ListenState::backend_lost() {
  shown_ = false;
  on_backend_.clear();
  portals_.clear();
  followed_.clear();
}

// --- Ready

void ListenState::begin() {
  if (!registered_.empty() && ready_.begin_transaction()) ask(Asked::early, {});
}

bool ListenState::may_be_ready() {
  if (registered_.empty()) return true;
  if (ready_.needs_round_trip()) ask(Asked::late, {});
  return ready_.may_pass();
}

}  // namespace pgweir
