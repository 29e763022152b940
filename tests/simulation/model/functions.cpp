#include "tests/simulation/model/functions.hpp"

#include "protocol/sql_tokenizer.hpp"
#include "tests/simulation/model/advisory.hpp"
#include "tests/simulation/model/channels.hpp"
#include "tests/simulation/model/cluster.hpp"
#include "tests/simulation/model/sequences.hpp"
#include "tests/simulation/model/setting_commands.hpp"

namespace pgweir::simulation {
namespace {

using Arguments = const std::vector<Value>&;

Value current_setting(SessionState& s, Arguments arguments, Replay& /*replay*/) {
  const bool missing_ok = arguments.size() > 1 && *arguments[1] == "t";
  std::optional<std::string> shown = SettingCommands(s).shown(*arguments[0]);
  if (!shown && !missing_ok) fail("42704", "unrecognized configuration parameter \"" + *arguments[0] + '"');
  return shown;
}

Value set_config(SessionState& s, Arguments arguments, Replay& /*replay*/) {
  if (!arguments[0]) fail("22004", "SET requires parameter name");
  const bool local = arguments[2] && *arguments[2] == "t";
  SettingCommands(s).set_config(*arguments[0], arguments[1], local);
  return SettingCommands(s).shown(*arguments[0]);
}

Value strpos(SessionState& /*s*/, Arguments arguments, Replay& /*replay*/) {
  if (!arguments[0] || !arguments[1]) return std::nullopt;
  const std::size_t place = arguments[0]->find(*arguments[1]);
  return std::to_string(place == std::string::npos ? 0 : place + 1);
}

Value pg_backend_pid(SessionState& s, Arguments /*arguments*/, Replay& /*replay*/) {
  return std::to_string(s.pid);
}

// The moment of its end is remembered; each time it is begun again it looks whether that has come.
Value pg_sleep(SessionState& s, Arguments arguments, Replay& replay) {
  const Value end = replay.once([&]() -> Value {
    const auto length = std::chrono::duration<double>(std::stod(*arguments[0]));
    const Time until = s.now + std::chrono::duration_cast<Time::duration>(length);
    return std::to_string(until.time_since_epoch().count());
  });
  const Time until{Time::duration(std::stoll(*end))};
  if (s.now < until) throw Blocked{false, until};
  return std::string();
}

Value pg_notify(SessionState& s, Arguments arguments, Replay& /*replay*/) {
  Channels(s).notify(arguments[0].value_or(""), arguments[1].value_or(""));
  return std::string();
}

Value pg_is_in_recovery(SessionState& s, Arguments /*arguments*/, Replay& /*replay*/) {
  return s.cluster.in_recovery ? "t" : "f";
}

// It waits until that is done.
Value pg_promote(SessionState& s, Arguments /*arguments*/, Replay& /*replay*/) {
  if (!s.cluster.in_recovery)
    throw SqlError{.code = "55000",
                   .message = "recovery is not in progress",
                   .hint = "Recovery control functions can only be executed during recovery."};
  s.cluster.in_recovery = false;
  return "t";
}

Value current_database(SessionState& s, Arguments /*arguments*/, Replay& /*replay*/) {
  return s.database;
}

Value decode(SessionState& /*s*/, Arguments arguments, Replay& /*replay*/) {
  if (*arguments[1] != "hex") not_understood("decode() of " + *arguments[1]);
  std::string bytes;
  for (std::size_t i = 0; i + 1 < arguments[0]->size(); i += 2)
    bytes += static_cast<char>(std::stoi(arguments[0]->substr(i, 2), nullptr, 16));
  return bytes;
}

Value convert_from(SessionState& /*s*/, Arguments arguments, Replay& /*replay*/) {
  return arguments[0];
}

Value upper(SessionState& /*s*/, Arguments arguments, Replay& /*replay*/) {
  std::string text = *arguments[0];
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

Value lower(SessionState& /*s*/, Arguments arguments, Replay& /*replay*/) {
  return ascii_lower(*arguments[0]);
}

// Advisory locks have one number of 64 bits, or two of 32.
template <LockMode mode, bool of_session, bool waits>
Value take_lock(SessionState& s, Arguments arguments, Replay& /*replay*/) {
  const bool taken = AdvisoryLocks(s).take(arguments, mode, of_session, waits);
  if (waits) return std::string();
  return taken ? "t" : "f";
}

template <LockMode mode>
Value release_lock(SessionState& s, Arguments arguments, Replay& /*replay*/) {
  return AdvisoryLocks(s).release(arguments, mode) ? "t" : "f";
}

Value release_locks(SessionState& s, Arguments /*arguments*/, Replay& /*replay*/) {
  AdvisoryLocks(s).release_all();
  return std::string();
}

Value nextval(SessionState& s, Arguments arguments, Replay& /*replay*/) {
  return Sequences(s).next(*arguments[0]);
}
Value currval(SessionState& s, Arguments arguments, Replay& /*replay*/) {
  return Sequences(s).current(*arguments[0]);
}
Value lastval(SessionState& s, Arguments /*arguments*/, Replay& /*replay*/) {
  return Sequences(s).last();
}
Value setval(SessionState& s, Arguments arguments, Replay& /*replay*/) {
  return Sequences(s).set(*arguments[0], *arguments[1]);
}

void add_lock_functions(std::vector<FunctionDefinition>& all, const std::vector<Oid>& key) {
  constexpr LockMode shared = LockMode::shared;
  constexpr LockMode exclusive = LockMode::exclusive;
  const auto add = [&](std::string_view name, Oid result, auto* run) {
    all.push_back({name, key, result, true, true, run});
  };
  add("pg_advisory_lock", type::void_, take_lock<exclusive, true, true>);
  add("pg_advisory_lock_shared", type::void_, take_lock<shared, true, true>);
  add("pg_advisory_xact_lock", type::void_, take_lock<exclusive, false, true>);
  add("pg_advisory_xact_lock_shared", type::void_, take_lock<shared, false, true>);
  add("pg_try_advisory_lock", type::boolean, take_lock<exclusive, true, false>);
  add("pg_try_advisory_lock_shared", type::boolean, take_lock<shared, true, false>);
  add("pg_try_advisory_xact_lock", type::boolean, take_lock<exclusive, false, false>);
  add("pg_try_advisory_xact_lock_shared", type::boolean, take_lock<shared, false, false>);
  add("pg_advisory_unlock", type::boolean, release_lock<exclusive>);
  add("pg_advisory_unlock_shared", type::boolean, release_lock<shared>);
}

std::vector<FunctionDefinition> make_functions() {
  using namespace type;
  std::vector<FunctionDefinition> all = {
      {"current_setting", {text}, text, true, false, current_setting},
      {"current_setting", {text, boolean}, text, true, false, current_setting},
      {"set_config", {text, text, boolean}, text, false, true, set_config},
      {"strpos", {text, text}, int4, true, false, strpos},
      {"pg_backend_pid", {}, int4, true, false, pg_backend_pid},
      {"pg_sleep", {float8}, void_, true, false, pg_sleep},
      {"pg_notify", {text, text}, void_, false, true, pg_notify},
      {"pg_is_in_recovery", {}, boolean, true, false, pg_is_in_recovery},
      {"pg_promote", {}, boolean, true, true, pg_promote},
      {"current_database", {}, name, true, false, current_database},
      {"decode", {text, text}, bytea, true, false, decode},
      {"convert_from", {bytea, text}, text, true, false, convert_from},
      {"upper", {text}, text, true, false, upper},
      {"lower", {text}, text, true, false, lower},
      {"pg_advisory_unlock_all", {}, void_, true, true, release_locks},
      {"nextval", {text}, int8, true, true, nextval},
      {"currval", {text}, int8, true, false, currval},
      {"lastval", {}, int8, true, false, lastval},
      {"setval", {text, int8}, int8, true, true, setval},
  };
  add_lock_functions(all, {int8});
  add_lock_functions(all, {int4, int4});
  return all;
}

}  // namespace

std::span<const FunctionDefinition> function_definitions() {
  static const std::vector<FunctionDefinition> definitions = make_functions();
  return definitions;
}

}  // namespace pgweir::simulation
