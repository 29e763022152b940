// The text of a console command, understood: PgBouncer's language (its documentation, "Admin console"), with
// PINS and WAITERS beside it. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace pgweir {

enum class ConsoleVerb : std::uint8_t {
  nothing,  // an empty text
  show,     // subject: what is shown, in lower case
  pause,    // subject: the database, or empty for all; so with the next ones
  resume,
  disable,
  enable,
  reconnect,
  kill,
  wait_close,
  kill_client,  // subject: the client's id
  reload,
  set,       // subject: the key; value
  shutdown,  // subject: empty, "wait_for_servers" or "wait_for_clients"
};

struct ConsoleCommand {
  ConsoleVerb verb = ConsoleVerb::nothing;
  std::string subject;
  std::string value;
  bool operator==(const ConsoleCommand&) const = default;
};

enum class Permission : std::uint8_t { look, operate };
enum class Argument : std::uint8_t { none, optional, required };

struct CommandSyntax {
  std::string_view name;
  ConsoleVerb verb;
  Permission permission;
  Argument argument;
  std::string_view help;  // with its argument
};
// Every command. SELECT is SHOW by another name.
std::span<const CommandSyntax> console_commands();

struct ParsedCommand {
  ConsoleCommand command;
  Permission permission = Permission::look;
  std::string problem;  // not empty: it cannot be understood, for this reason
};
ParsedCommand parse_console_command(std::string_view text);

}  // namespace pgweir
