#include "proxy/code/session_globals.hpp"

#include <algorithm>
#include <array>

#include "protocol/sql_tokenizer.hpp"

namespace pgweir {
namespace {

constexpr std::size_t signs_max = 9;

struct Language {
  std::string_view beginning;  // plperl, plperlu; plpythonu, plpython3u
  // What begins or ends like a word has to do so in the code, too.
  std::array<std::string_view, signs_max> signs;
};

constexpr std::array<Language, 7> languages{{
    {"plperl", {"_SHARED", "our", "vars", "::"}},
    {"plpython", {"GD", "SD", "global", "globals", "builtins", "__builtins__", "setattr", "exec", "eval"}},
    {"pltcl", {"GD", "global", "upvar", "uplevel", "variable", "::", "proc", "namespace", "rename"}},
    {"plv8", {"globalThis", "this", "eval", "Function", "prototype", "plv8["}},
    {"plcoffee", {"globalThis", "this", "@", "eval", "::", "plv8["}},
    {"plls", {"globalThis", "this", "@", "eval", "::", "plv8["}},
    {"plrust", {"static", "thread_local", "OnceCell", "OnceLock", "LazyLock", "lazy_static"}},
}};

// What PL/v8 itself has put into the object that all functions share; anything else there is somebody's own.
constexpr std::array<std::string_view, 15> of_plv8{
    "cursor",         "elog",        "execute",  "find_function",  "get_window_object",
    "memory_usage",   "nullable",    "prepare",  "quote_ident",    "quote_literal",
    "quote_nullable", "return_next", "rollback", "subtransaction", "version"};

// In these languages a dollar is a mark in front of a name.
bool is_part(char c) {
  return is_word_part(c) && c != '$';
}

bool names(std::string_view body, std::string_view sign) {
  for (std::size_t at = body.find(sign); at != std::string_view::npos; at = body.find(sign, at + 1)) {
    const std::size_t end = at + sign.size();
    const bool begins = !is_part(sign.front()) || at == 0 || !is_part(body[at - 1]);
    const bool ends = !is_part(sign.back()) || end == body.size() || !is_part(body[end]);
    if (begins && ends) return true;
  }
  return false;
}

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// Whether a value is assigned to what ends here: not ==, =~ or =>.
bool is_assigned(std::string_view rest) {
  std::size_t at = 0;
  while (at < rest.size() && is_space(rest[at])) ++at;
  if (at + 1 >= rest.size() || rest[at] != '=') return false;
  return rest[at + 1] != '=' && rest[at + 1] != '~' && rest[at + 1] != '>';
}

std::string_view name_at(std::string_view body, std::size_t at) {
  const std::string_view rest = body.substr(at);
  const auto* const end = std::find_if_not(rest.begin(), rest.end(), is_part);
  return rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
}

// For the call alone.
bool ends_with_local(std::string_view text) {
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text.ends_with("local");
}

// *name = sub ..., and $, = ...: what all functions of the interpreter see.
bool changes_perl(std::string_view body) {
  constexpr std::string_view variables = ",/\\;\"&|.:^-=~%!@<>()[]0";
  for (std::size_t at = 0; at + 1 < body.size(); ++at) {
    const std::string_view name = body[at] == '*' ? name_at(body, at + 1) : std::string_view{};
    if (!name.empty() && is_assigned(body.substr(at + 1 + name.size()))) return true;
    const bool is_local = ends_with_local(body.substr(0, at));
    const bool is_special =
        !is_local && body[at] == '$' && variables.find(body[at + 1]) != std::string_view::npos;
    if (is_special && is_assigned(body.substr(at + 2))) return true;
  }
  return false;
}

// A module's attribute or item that is set, and not one of what the function is given: os.environ['a'] = ..., plpy.a = ...
bool changes_modules(std::string_view body) {
  for (std::size_t at = body.find('.'); at != std::string_view::npos; at = body.find('.', at + 1)) {
    std::size_t end = at + 1 + name_at(body, at + 1).size();
    if (end == at + 1) continue;
    for (int depth = 0; end < body.size() && (depth > 0 || body[end] == '[' || body[end] == '('); ++end) {
      if (body[end] == '[' || body[end] == '(') ++depth;
      if (body[end] == ']' || body[end] == ')') --depth;
    }
    if (is_assigned(body.substr(end))) return true;
  }
  return false;
}

// What of a language the words do not tell.
bool changes_interpreter(std::string_view language, std::string_view body) {
  if (language.starts_with("plperl")) return changes_perl(body);
  return language.starts_with("plpython") && changes_modules(body);
}

// plv8.anything_else
bool extends_plv8(std::string_view body) {
  constexpr std::string_view object = "plv8.";
  for (std::size_t at = body.find(object); at != std::string_view::npos; at = body.find(object, at + 1)) {
    const std::string_view name = name_at(body, at + object.size());
    if (std::find(of_plv8.begin(), of_plv8.end(), name) == of_plv8.end()) return true;
  }
  return false;
}

}  // namespace

bool may_keep_globals(std::string_view language, std::string_view body) {
  const auto* const found = std::find_if(languages.begin(), languages.end(), [&](const Language& each) {
    return language.starts_with(each.beginning);
  });
  if (found == languages.end()) return true;
  const bool named = std::any_of(found->signs.begin(), found->signs.end(),
                                 [&](std::string_view sign) { return !sign.empty() && names(body, sign); });
  return named || extends_plv8(body) || changes_interpreter(language, body);
}

}  // namespace pgweir
