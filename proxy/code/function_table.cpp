#include "proxy/code/function_table.hpp"

#include <algorithm>

#include "proxy/code/builtin_functions.hpp"
#include "proxy/code/function_call.hpp"
#include "proxy/code/function_judge.hpp"

namespace pgweir {
namespace {

bool starts_statement(const Token& previous) {
  return previous.kind == TokenKind::end || previous.kind == TokenKind::semicolon;
}

}  // namespace

// Most statements are sent again and again, above all prepared ones, and are harmless.
FunctionEffects FunctionTable::judge(std::string_view text, FunctionQuestion& question, SqlDialect dialect) {
  if (text.size() > text_size_max || !dialect.standard_conforming_strings)
    return read(text, question, dialect);
  std::uint64_t changes = 0;
  {
    const std::lock_guard lock(mutex_);
    if (harmless_texts_.contains(text)) return {};
    changes = changes_;
  }
  FunctionEffects effects = read(text, question, dialect);
  if (!effects.is_free()) return effects;
  const std::lock_guard lock(mutex_);
  if (changes != changes_) return effects;
  if (harmless_texts_.size() >= texts_max) harmless_texts_.clear();
  harmless_texts_.emplace(text);
  return effects;
}

FunctionEffects FunctionTable::read(std::string_view text, FunctionQuestion& question, SqlDialect dialect) {
  FunctionEffects effects;
  SqlTokenizer tokens(text, dialect);
  CallTracker tracker;
  for (Token token = tokens.next(); token.kind != TokenKind::end; token = tokens.next()) {
    if (token.kind == TokenKind::undecided) effects.add_opaque();
    if (is_word(token, "do") && starts_statement(tracker.previous())) {
      std::vector<std::string> calls;
      effects.add(judge_do(tokens, calls));
      for (const std::string& name : calls) look_up(name, effects, question);
    }
    switch (tracker.note(token)) {
      case CallKind::none:
      case CallKind::fact:
        break;
      case CallKind::known:
        find_builtin(tracker.name(), effects);
        break;
      case CallKind::unreadable:
        effects.add_opaque();
        break;
      case CallKind::other:
        look_up(tracker.name(), effects, question);
        break;
    }
  }
  return effects;
}

void FunctionTable::look_up(std::string_view name, FunctionEffects& effects, FunctionQuestion& question) {
  const std::lock_guard lock(mutex_);
  const auto it = known_.find(name);
  if (it != known_.end() && it->second.settled) return effects.add(it->second.effects);
  if (it != known_.end()) return resolve(*it, effects, question);
  if (const auto old = old_statement_users_.find(name); old != old_statement_users_.end())
    effects.add(old->second);
  effects.add(FunctionVerdict::unknown);
  effects.add(CodeKnowledge::unread);
  effects.all_named = false;
  ask(name, question);
}

// Walks through all functions that this one reaches. With everything known, the result is kept.
void FunctionTable::resolve(Functions::value_type& function, FunctionEffects& effects,
                            FunctionQuestion& question) {
  FunctionEffects reached;
  std::vector<Functions::value_type*> path{&function};
  std::unordered_set<std::string_view> seen{function.first};
  bool complete = true;
  for (std::size_t at = 0; at < path.size(); ++at) {
    const Known& known = path[at]->second;
    reached.add(known.effects);
    for (const std::string& name : known.calls) {
      if (!seen.insert(name).second) continue;
      const auto it = known_.find(name);
      if (it != known_.end()) {
        path.push_back(&*it);
      } else {
        complete = false;
        ask(name, question);
      }
    }
  }
  if (!complete) {
    reached.add(FunctionVerdict::unknown);
    reached.add(CodeKnowledge::unread);
    reached.all_named = false;
  } else if (reached.is_free()) {
    for (Functions::value_type* each : path) each->second = {{}, {}, true};
  } else {
    function.second = {reached, {}, true, std::move(function.second.wrapper)};
  }
  effects.add(reached);
}

void FunctionTable::ask(std::string_view name, FunctionQuestion& question) const {
  std::vector<std::string>& names = question.names;
  if (names.size() >= names_max || std::find(names.begin(), names.end(), name) != names.end()) return;
  if (names.empty()) question.generation = generation_;
  names.emplace_back(name);
}

FunctionQuestion FunctionTable::learn(const FunctionQuestion& asked,
                                      const std::vector<FunctionSource>& sources) {
  // Reading the bodies takes a while, so not under the mutex.
  Functions learned;
  for (const std::string& name : asked.names) learned.try_emplace(name);
  std::unordered_map<std::string_view, unsigned> rows;
  for (const FunctionSource& source : sources) {
    const auto it = learned.find(source.name);
    if (it == learned.end()) continue;
    it->second.effects.add(judge_body(source, it->second.calls));
    // With several functions of the name, it is not certain which one is called.
    it->second.wrapper = ++rows[source.name] == 1 ? read_wrapper(source) : nullptr;
  }
  FunctionQuestion next;
  const bool stored = store(asked, std::move(learned));
  next.round = asked.round + 1;
  if (next.round >= rounds_max) return next;
  if (!stored) {
    const std::lock_guard lock(mutex_);
    next.generation = generation_;
    next.names = asked.names;
    return next;
  }
  FunctionEffects effects;
  for (const std::string& name : asked.names) look_up(name, effects, next);
  // The table was emptied in between: what was just answered would be asked again.
  if (next.generation != asked.generation) next.names.clear();
  return next;
}

std::optional<SetConfigUse> FunctionTable::unwrap(std::string_view text, SqlDialect dialect) const {
  if (text.size() > text_size_max) return std::nullopt;
  const std::optional<PlainCall> call = read_plain_call(text, dialect);
  if (!call) return std::nullopt;
  std::shared_ptr<const SettingWrapper> wrapper;
  {
    const std::lock_guard lock(mutex_);
    const auto it = known_.find(call->name);
    if (it != known_.end()) wrapper = it->second.wrapper;
  }
  return wrapper ? pgweir::unwrap(*wrapper, *call) : std::nullopt;
}

// False: the answer may be older than the last change.
bool FunctionTable::store(const FunctionQuestion& asked, Functions&& learned) {
  const std::lock_guard lock(mutex_);
  if (asked.generation != generation_) return false;
  if (known_.size() + learned.size() > functions_max) known_.clear();
  for (auto& [name, known] : learned) {
    old_statement_users_.erase(name);
    if (known.effects.statement_names != StatementNames::none)
      knows_statement_users_.store(true, std::memory_order_relaxed);
    known_.insert_or_assign(name, std::move(known));
  }
  harmless_texts_.clear();
  ++changes_;
  return true;
}

void FunctionTable::forget_all() {
  const std::lock_guard lock(mutex_);
  if (old_statement_users_.size() >= functions_max) old_statement_users_.clear();
  for (const auto& [name, known] : known_) {
    if (known.effects.statement_names != StatementNames::none)
      old_statement_users_.insert_or_assign(name, known.effects.statement_names);
  }
  known_.clear();
  knows_statement_users_.store(!old_statement_users_.empty(), std::memory_order_relaxed);
  harmless_texts_.clear();
  ++generation_;
  ++changes_;
}

std::size_t FunctionTable::size() const {
  const std::lock_guard lock(mutex_);
  return known_.size();
}

}  // namespace pgweir
