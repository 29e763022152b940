#include "proxy/console/console.hpp"

#include <algorithm>
#include <charconv>

#include "config/problem.hpp"
#include "protocol/error_response.hpp"
#include "protocol/sqlstate.hpp"
#include "proxy/base/log.hpp"
#include "proxy/console/aliases.hpp"
#include "proxy/console/show.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/pool/pool_registry.hpp"
#include "proxy/report/inventory.hpp"
#include "proxy/report/sources.hpp"
#include "proxy/session/session_directory.hpp"

namespace pgweir {
namespace {

// Drivers set these on any server when they connect.
constexpr std::array<std::string_view, 6> driver_parameters{
    "application_name",   "client_encoding",
    "datestyle",          "default_transaction_isolation",
    "extra_float_digits", "standard_conforming_strings"};

bool is_drivers(std::string_view key) {
  return std::find(driver_parameters.begin(), driver_parameters.end(), key) != driver_parameters.end();
}

bool is_changeable(std::string_view path) {
  constexpr std::string_view prefixes[] = {"pool.", "timeouts.", "log.level", "listen.max_clients"};
  if (std::any_of(std::begin(prefixes), std::end(prefixes),
                  [&](std::string_view prefix) { return path.starts_with(prefix); }))
    return true;
  return path.starts_with("databases.") && path.find(".pool.") != std::string_view::npos;
}

}  // namespace

void Console::take(const ConsoleRequest& request) {
  const ParsedCommand parsed = parse_console_command(request.sql);
  if (!parsed.problem.empty()) return refuse(request, sqlstate::syntax_error, parsed.problem);
  const bool harmless = parsed.command.verb == ConsoleVerb::set && is_drivers(parsed.command.subject);
  if (parsed.permission == Permission::operate && !harmless) {
    if (!request.may_operate) {
      return refuse(
          request, sqlstate::insufficient_privilege,
          "admin access needed: user \"" + request.user + "\" is not listed in admin.console_users");
    }
    log::info("console_command", {{"user", request.user}, {"peer", request.peer}, {"command", request.sql}});
  }
  carry_out(request, parsed.command);
}

void Console::carry_out(const ConsoleRequest& request, const ConsoleCommand& command) {
  const bool is_for_database = command.verb >= ConsoleVerb::pause && command.verb <= ConsoleVerb::wait_close;
  if (is_for_database && !command.subject.empty() && !knows(command.subject))
    return refuse(request, sqlstate::invalid_catalog_name, "no such database: " + command.subject);
  switch (command.verb) {
    case ConsoleVerb::nothing:
      return done(request, {});
    case ConsoleVerb::show:
      return show(request, command.subject);
    case ConsoleVerb::pause:
      return pause(request, command.subject);
    case ConsoleVerb::resume:
      return resume(request, command.subject);
    case ConsoleVerb::disable:
      sources_.pools.disable(command.subject, true);
      return done(request, "DISABLE");
    case ConsoleVerb::enable:
      sources_.pools.disable(command.subject, false);
      return done(request, "ENABLE");
    case ConsoleVerb::reconnect:
      sources_.pools.reconnect(command.subject);
      return done(request, "RECONNECT");
    case ConsoleVerb::kill:
      return kill(request, command.subject);
    case ConsoleVerb::wait_close:
      return wait_close(request, command.subject);
    case ConsoleVerb::kill_client:
      return kill_client(request, command.subject);
    case ConsoleVerb::set:
      return set(request, command);
    case ConsoleVerb::shutdown:
      return shut_down(request, command.subject);
    case ConsoleVerb::reload:
      break;
  }
  const std::string problem = administration_.reload_file();
  if (!problem.empty()) return refuse(request, sqlstate::invalid_parameter_value, problem);
  done(request, "RELOAD");
}

bool Console::knows(const std::string& database) const {
  return administration_.settings().databases.contains(database) || !sources_.pools.of(database).empty();
}

// --- Looking

void Console::show(const ConsoleRequest& request, const std::string& what) {
  if (what == "help") return help(request);
  if (const auto parameter = show_parameter(what)) return answer(request, *parameter);
  const auto words = show_words();
  if (std::find(words.begin(), words.end(), what) == words.end()) {
    return refuse(request, sqlstate::undefined_object,
                  "invalid command 'SHOW " + config::printable(what) + "', use SHOW HELP;");
  }
  gather_inventory(sources_, clients_for(what), [this, request, what](const Inventory& inventory) {
    show_table(request, what, inventory);
  });
}

void Console::show_table(const ConsoleRequest& request, const std::string& what, const Inventory& inventory) {
  statistics_.observe(inventory.pools, inventory.now);
  const auto table = pgweir::show(what, {inventory, administration_.settings(), sources_.pools, statistics_,
                                         shutting_down_, sources_.pools.is_paused({})});
  answer(request, *table);
}

void Console::help(const ConsoleRequest& request) {
  std::string text;
  std::string words;
  for (const std::string_view word : show_words()) words += (words.empty() ? "" : ", ") + std::string(word);
  for (const CommandSyntax& syntax : console_commands()) {
    if (syntax.help.empty()) continue;
    text += "\n\t" + std::string(syntax.help);
    if (syntax.permission == Permission::operate) text += "   (admin.console_users)";
    if (syntax.verb == ConsoleVerb::show) text += ": help, " + words;
  }
  ByteBuffer reply;
  ErrorFields notice;
  notice.severity = "NOTICE";
  notice.code = sqlstate::successful_completion;
  notice.message = "Console usage";
  notice.detail = text;
  write_notice_response(reply, notice);
  write_done(reply, "SHOW");
  answer(request, std::move(reply));
}

// --- Operating

void Console::set(const ConsoleRequest& request, const ConsoleCommand& command) {
  if (is_drivers(command.subject)) return done(request, "SET");
  const Alias* const alias = find_alias(command.subject);
  const std::string path = alias != nullptr ? std::string(alias->path) : command.subject;
  if (!is_changeable(path)) {
    return refuse(
        request, sqlstate::undefined_object,
        "cannot set \"" + config::printable(command.subject) +
            "\": pool.*, databases.NAME.pool.*, timeouts.*, log.level and listen.max_clients can be "
            "changed here, the rest in the file");
  }
  const std::string value = alias != nullptr ? from_pgbouncer(*alias, command.value) : command.value;
  const std::string problem = administration_.override_setting(path, value);
  if (!problem.empty()) return refuse(request, sqlstate::invalid_parameter_value, problem);
  done(request, "SET");
}

// Clients may still connect and send queries, but the queries wait. All server connections end with the
// transaction that they are in.
void Console::pause(const ConsoleRequest& request, const std::string& database) {
  if (sources_.pools.is_paused(database))
    return refuse(request, sqlstate::object_not_in_prerequisite_state, "already paused");
  sources_.pools.pause(database);
  answer_later(request, "PAUSE", [this, database] {
    const auto pools = sources_.pools.of(database);
    const bool empty =
        std::all_of(pools.begin(), pools.end(), [](const auto& pool) { return pool->counts().total() == 0; });
    return empty || !sources_.pools.is_paused(database);
  });
}

// An operator who believes that clients go on must be told when they do not. The words are PgBouncer's where
// it has some.
void Console::resume(const ConsoleRequest& request, const std::string& database) {
  switch (sources_.pools.resume(database)) {
    case PoolRegistry::Resumed::done:
      return done(request, "RESUME");
    case PoolRegistry::Resumed::all_are_paused:
      return refuse(request, sqlstate::object_not_in_prerequisite_state,
                    "all databases are paused: RESUME without a name ends that");
    case PoolRegistry::Resumed::not_paused:
      break;
  }
  refuse(request, sqlstate::object_not_in_prerequisite_state,
         database.empty() ? "pooler is not paused/suspended" : "database " + database + " is not paused");
}

// A client that comes back waits for RESUME.
void Console::kill(const ConsoleRequest& request, const std::string& database) {
  sources_.pools.pause(database);
  for (const auto& each : sources_.sessions.all()) each->kill_all(database);
  done(request, "KILL");
}

void Console::kill_client(const ConsoleRequest& request, const std::string& id) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number);
  if (error != std::errc{} || end != id.data() + id.size())
    return refuse(request, sqlstate::syntax_error, "KILL_CLIENT needs the id of SHOW CLIENTS");
  sources_.sessions.of(static_cast<unsigned>(number % sources_.sessions.all().size()))
      .kill(number, [this, request](bool exists) {
        sources_.post_to_main([this, request, exists] {
          if (exists) return done(request, "KILL_CLIENT");
          refuse(request, sqlstate::undefined_object, "no such client");
        });
      });
}

void Console::wait_close(const ConsoleRequest& request, const std::string& database) {
  answer_later(request, "WAIT_CLOSE", [this, database] {
    const auto pools = sources_.pools.of(database);
    return std::none_of(pools.begin(), pools.end(), [](const auto& pool) { return pool->has_outdated(); });
  });
}

void Console::shut_down(const ConsoleRequest& request, const std::string& how) {
  if (how != "" && how != "wait_for_servers" && how != "wait_for_clients")
    return refuse(request, sqlstate::syntax_error, "SHUTDOWN [WAIT_FOR_SERVERS | WAIT_FOR_CLIENTS]");
  shutting_down_ = true;
  done(request, "SHUTDOWN");
  administration_.shut_down(how.empty()                 ? Shutdown::at_once
                            : how == "wait_for_servers" ? Shutdown::when_released
                                                        : Shutdown::when_clients_gone);
}

// --- Answers

void Console::answer(const ConsoleRequest& request, const ConsoleTable& table) {
  ByteBuffer reply;
  write_table(reply, table, "SHOW");
  answer(request, std::move(reply));
}

void Console::answer(const ConsoleRequest& request, ByteBuffer reply) {
  sources_.sessions.of(request.from.worker).answer_console(request.from.session, std::move(reply));
}

void Console::done(const ConsoleRequest& request, std::string_view tag) {
  ByteBuffer reply;
  write_done(reply, tag);
  answer(request, std::move(reply));
}

void Console::refuse(const ConsoleRequest& request, std::string_view sqlstate, std::string_view problem) {
  ByteBuffer reply;
  write_problem(reply, sqlstate, problem);
  answer(request, std::move(reply));
}

void Console::answer_later(const ConsoleRequest& request, std::string tag, std::function<bool()> is_over) {
  const bool first = waiting_.empty();
  waiting_.push_back({request.from, std::move(tag), std::move(is_over)});
  if (first) look_at_waiting();
}

void Console::look_at_waiting() {
  std::erase_if(waiting_, [this](const Waiting& each) {
    if (!each.is_over()) return false;
    ByteBuffer reply;
    write_done(reply, each.tag);
    sources_.sessions.of(each.from.worker).answer_console(each.from.session, std::move(reply));
    return true;
  });
  if (waiting_.empty()) return;
  timer_.expires_after(wait_poll);
  timer_.async_wait([this](boost::system::error_code ec) {
    if (!ec) look_at_waiting();
  });
}

}  // namespace pgweir
