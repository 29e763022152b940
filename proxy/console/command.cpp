#include "proxy/console/command.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

namespace pgweir {
namespace {

constexpr std::array<CommandSyntax, 13> commands{{
    {"SHOW", ConsoleVerb::show, Permission::look, Argument::required, "SHOW what"},
    {"SELECT", ConsoleVerb::show, Permission::look, Argument::required, ""},
    {"PAUSE", ConsoleVerb::pause, Permission::operate, Argument::optional, "PAUSE [database]"},
    {"RESUME", ConsoleVerb::resume, Permission::operate, Argument::optional, "RESUME [database]"},
    {"DISABLE", ConsoleVerb::disable, Permission::operate, Argument::required, "DISABLE database"},
    {"ENABLE", ConsoleVerb::enable, Permission::operate, Argument::required, "ENABLE database"},
    {"RECONNECT", ConsoleVerb::reconnect, Permission::operate, Argument::optional, "RECONNECT [database]"},
    {"KILL", ConsoleVerb::kill, Permission::operate, Argument::optional, "KILL [database]"},
    {"KILL_CLIENT", ConsoleVerb::kill_client, Permission::operate, Argument::required, "KILL_CLIENT id"},
    {"WAIT_CLOSE", ConsoleVerb::wait_close, Permission::operate, Argument::optional, "WAIT_CLOSE [database]"},
    {"RELOAD", ConsoleVerb::reload, Permission::operate, Argument::none, "RELOAD"},
    {"SET", ConsoleVerb::set, Permission::operate, Argument::required, "SET key = value"},
    {"SHUTDOWN", ConsoleVerb::shutdown, Permission::operate, Argument::optional,
     "SHUTDOWN [WAIT_FOR_SERVERS | WAIT_FOR_CLIENTS]"},
}};

struct Word {
  std::string text;
  bool quoted = false;
};

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}
std::string lowered(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), lower);
  return text;
}
bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

// Splits a text into words as they stand, 'strings' and "names" without their quotes, and = and ; alone.
// nullopt: a quote is not closed.
std::optional<std::vector<Word>> words_of(std::string_view text) {
  std::vector<Word> words;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (is_space(c)) {
      ++i;
    } else if (c == '\'' || c == '"') {
      Word word{{}, true};
      for (++i;; ++i) {
        if (i >= text.size()) return std::nullopt;
        if (text[i] == c && (i + 1 >= text.size() || text[i + 1] != c)) break;
        if (text[i] == c) ++i;
        word.text += text[i];
      }
      ++i;
      words.push_back(std::move(word));
    } else if (c == '=' || c == ';') {
      words.push_back({std::string(1, c), false});
      ++i;
    } else {
      Word word;
      while (i < text.size() && !is_space(text[i]) && text[i] != '=' && text[i] != ';')
        word.text += text[i++];
      words.push_back(std::move(word));
    }
  }
  return words;
}

bool is(const Word& word, std::string_view text) {
  return !word.quoted && word.text == text;
}

ParsedCommand failed(std::string problem) {
  ParsedCommand parsed;
  parsed.problem = std::move(problem);
  return parsed;
}

// key = value, key TO value, key value
ParsedCommand parse_set(ParsedCommand parsed, const std::vector<Word>& words) {
  const bool between =
      words.size() > 2 && (is(words[2], "=") || (words.size() > 3 && lowered(words[2].text) == "to"));
  const std::size_t at = between ? 3 : 2;
  if (words.size() <= at) return failed("SET needs a key and a value: SET key = value");
  parsed.command.subject = lowered(words[1].text);
  for (std::size_t i = at; i < words.size(); ++i) parsed.command.value += (i > at ? " " : "") + words[i].text;
  return parsed;
}

}  // namespace

std::span<const CommandSyntax> console_commands() {
  return commands;
}

ParsedCommand parse_console_command(std::string_view text) {
  std::optional<std::vector<Word>> found = words_of(text);
  if (!found) return failed("a quote is not closed");
  std::vector<Word>& words = *found;
  while (!words.empty() && is(words.back(), ";")) words.pop_back();
  ParsedCommand parsed;
  if (words.empty()) return parsed;
  if (std::any_of(words.begin(), words.end(), [](const Word& word) { return is(word, ";"); }))
    return failed("one command at a time");
  const std::string name = lowered(words[0].text);
  const auto syntax = std::find_if(commands.begin(), commands.end(), [&](const CommandSyntax& each) {
    return lowered(std::string(each.name)) == name;
  });
  if (syntax == commands.end() || words[0].quoted)
    return failed("invalid command '" + std::string(text.substr(0, 60)) + "', use SHOW HELP;");
  parsed.command.verb = syntax->verb;
  parsed.permission = syntax->permission;
  if (syntax->verb == ConsoleVerb::set) return parse_set(std::move(parsed), words);
  if (words.size() > 2 && syntax->verb != ConsoleVerb::show)
    return failed(std::string(syntax->name) + " takes less: " + std::string(syntax->help));
  if (words.size() > 1 && syntax->argument == Argument::none)
    return failed(std::string(syntax->name) + " takes no argument");
  if (words.size() < 2 && syntax->argument == Argument::required)
    return failed(std::string(syntax->name) + " needs an argument: " + std::string(syntax->help));
  for (std::size_t i = 1; i < words.size(); ++i) parsed.command.subject += (i > 1 ? " " : "") + words[i].text;
  if (syntax->verb == ConsoleVerb::show || syntax->verb == ConsoleVerb::shutdown)
    parsed.command.subject = lowered(std::move(parsed.command.subject));
  return parsed;
}

}  // namespace pgweir
