#include "proxy/console/command.hpp"

#include <catch2/catch.hpp>

namespace pgweir {
namespace {

ConsoleCommand command(std::string_view text) {
  const ParsedCommand parsed = parse_console_command(text);
  INFO(text << ": " << parsed.problem);
  REQUIRE(parsed.problem.empty());
  return parsed.command;
}

TEST_CASE("console commands are read in any case, with or without a semicolon") {
  CHECK(command("SHOW POOLS;") == ConsoleCommand{ConsoleVerb::show, "pools", ""});
  CHECK(command("  show\tStats_Totals ; ;") == ConsoleCommand{ConsoleVerb::show, "stats_totals", ""});
  CHECK(command("select 1") == ConsoleCommand{ConsoleVerb::show, "1", ""});
  CHECK(command("SHOW TIME ZONE") == ConsoleCommand{ConsoleVerb::show, "time zone", ""});
  CHECK(command("") == ConsoleCommand{});
  CHECK(command(" ; ") == ConsoleCommand{});
}

TEST_CASE("a database keeps its spelling, quoted or not") {
  CHECK(command("pause App") == ConsoleCommand{ConsoleVerb::pause, "App", ""});
  CHECK(command("PAUSE \"a \"\"b\"\"; c\"") == ConsoleCommand{ConsoleVerb::pause, "a \"b\"; c", ""});
  CHECK(command("PAUSE") == ConsoleCommand{ConsoleVerb::pause, "", ""});
}

TEST_CASE("SET takes a key and a value, with = or TO or neither") {
  const ConsoleCommand expected{ConsoleVerb::set, "pool.max_size", "30"};
  for (const auto* text : {"set pool.max_size = 30", "SET pool.max_size='30'", "SET POOL.MAX_SIZE to 30",
                           "set pool.max_size 30;", "set pool.max_size=30"}) {
    CHECK(command(text) == expected);
  }
  CHECK(command("set timezone to 'Europe/Berlin'").value == "Europe/Berlin");
}

TEST_CASE("what is wrong with a command is said") {
  const auto problem = [](std::string_view text) { return parse_console_command(text).problem; };
  CHECK(problem("VACUUM").find("invalid command 'VACUUM'") == 0);
  CHECK(problem("'show' pools").find("invalid command") == 0);
  CHECK(problem("SHOW POOLS; SHOW LISTS") == "one command at a time");
  CHECK(problem("PAUSE a b").find("takes less") != std::string::npos);
  CHECK(problem("DISABLE").find("needs an argument: DISABLE database") != std::string::npos);
  CHECK(problem("RELOAD now") == "RELOAD takes no argument");
  CHECK(problem("PAUSE 'x") == "a quote is not closed");
  CHECK(problem("SET x =").find("needs a key and a value") != std::string::npos);
  CHECK(problem("SET").find("needs a key and a value") != std::string::npos);
}

TEST_CASE("only SHOW is for those who may look") {
  for (const CommandSyntax& syntax : console_commands()) {
    const std::string text = std::string(syntax.name) + (syntax.argument == Argument::none ? "" : " x y");
    const bool looks = syntax.verb == ConsoleVerb::show;
    CHECK((syntax.permission == Permission::look) == looks);
    if (syntax.verb == ConsoleVerb::set || looks)
      CHECK(parse_console_command(text).permission == syntax.permission);
  }
}

}  // namespace
}  // namespace pgweir
