#include "proxy/code/setting_wrapper.hpp"

#include <charconv>
#include <string>

#include "protocol/sql_cursor.hpp"

namespace pgweir {
namespace {

using ArgumentKind = ConfigArgument::Kind;

// The most statements of a wrapper; a longer body is something else.
constexpr std::size_t wrapper_calls_max = 16;

enum class ParameterType : std::uint8_t { text, boolean, other };

struct Parameter {
  std::string name;
  ParameterType type = ParameterType::other;
};

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t at = std::min(text.find(separator), text.size());
    parts.push_back(text.substr(0, at));
    text.remove_prefix(std::min(at + 1, text.size()));
  }
  return parts;
}

// OIDs of pg_type: text, varchar, bool.
ParameterType type_of(std::string_view oid) {
  if (oid == "25" || oid == "1043") return ParameterType::text;
  return oid == "16" ? ParameterType::boolean : ParameterType::other;
}

// FunctionSource::arguments: the names, a bar, the types' OIDs. False: not only plain arguments.
bool read_parameters(std::string_view arguments, std::vector<Parameter>& out) {
  const std::size_t bar = arguments.find('|');
  if (bar == std::string_view::npos) return false;
  const std::vector<std::string_view> names = split(arguments.substr(0, bar), ',');
  for (const std::string_view oid : split(arguments.substr(bar + 1), ' '))
    out.push_back({std::string(), type_of(oid)});
  for (std::size_t i = 0; i < out.size() && i < names.size(); ++i) out[i].name = names[i];
  return names.empty() || names.size() == out.size();
}

// An argument of set_config() in the body: a literal, or one of the wrapper's own arguments. False: anything
// else.
bool resolve(ConfigArgument& argument, const std::vector<Parameter>& parameters, ParameterType wanted) {
  // The text here is not the whole one.
  if (argument.text.find(not_ascii) != std::string::npos) return false;
  if (argument.kind == ArgumentKind::literal) return true;
  if (argument.kind == ArgumentKind::name) {
    for (argument.number = 1; argument.number <= parameters.size(); ++argument.number) {
      if (parameters[argument.number - 1].name == argument.text) break;
    }
    argument.kind = ArgumentKind::parameter;
  }
  const bool is_one =
      argument.kind == ArgumentKind::parameter && argument.number > 0 && argument.number <= parameters.size();
  return is_one && parameters[argument.number - 1].type == wanted;
}

bool add_calls(std::string_view statement, const std::vector<Parameter>& parameters, SettingWrapper& out) {
  SetConfigUse use = find_set_config(statement);
  if (!use.is_plain) return false;
  for (SetConfigCall& call : use.calls) {
    if (!resolve(call.name, parameters, ParameterType::text) ||
        !resolve(call.value, parameters, ParameterType::text) ||
        !resolve(call.is_local, parameters, ParameterType::boolean))
      return false;
    out.calls.push_back(std::move(call));
  }
  return out.calls.size() <= wrapper_calls_max;
}

// Returns the text up to the next semicolon, and moves the cursor after that.
std::string_view take_statement(SqlCursor& cursor, std::string_view body) {
  const std::size_t start = cursor.current().offset;
  while (!cursor.at(TokenKind::semicolon) && !cursor.at(TokenKind::end)) cursor.advance();
  const std::size_t end = cursor.at(TokenKind::end) ? body.size() : cursor.current().offset;
  cursor.accept(TokenKind::semicolon);
  return body.substr(start, end - start);
}

// BEGIN PERFORM set_config(...); ... [RETURN value;] END
bool read_plpgsql(std::string_view body, const std::vector<Parameter>& parameters, SettingWrapper& out) {
  SqlCursor cursor(body, {});
  if (!cursor.accept_word("begin")) return false;
  while (cursor.accept_word("perform")) {
    if (!add_calls("select " + std::string(take_statement(cursor, body)), parameters, out)) return false;
  }
  // The returned value calls nothing.
  if (cursor.accept_word("return") && take_statement(cursor, body).find('(') != std::string_view::npos)
    return false;
  return cursor.accept_word("end") && cursor.finish();
}

}  // namespace

std::shared_ptr<const SettingWrapper> read_wrapper(const FunctionSource& source) {
  std::vector<Parameter> parameters;
  if (!read_parameters(source.arguments, parameters)) return nullptr;
  // Backslashes in a body are read in two ways.
  if (source.body.find('\\') != std::string::npos) return nullptr;
  auto wrapper = std::make_shared<SettingWrapper>();
  wrapper->parameters = parameters.size();
  const bool read = source.language == "sql"       ? add_calls(source.body, parameters, *wrapper)
                    : source.language == "plpgsql" ? read_plpgsql(source.body, parameters, *wrapper)
                                                   : false;
  if (!read || wrapper->calls.empty()) return nullptr;
  return wrapper;
}

std::optional<SetConfigUse> unwrap(const SettingWrapper& wrapper, const PlainCall& call) {
  if (call.arguments.size() != wrapper.parameters) return std::nullopt;
  for (const ConfigArgument& argument : call.arguments) {
    if (argument.kind != ArgumentKind::literal && argument.kind != ArgumentKind::parameter)
      return std::nullopt;
  }
  SetConfigUse use;
  use.is_plain = true;
  const auto given = [&](const ConfigArgument& argument) {
    return argument.kind == ArgumentKind::parameter ? call.arguments[argument.number - 1] : argument;
  };
  for (const SetConfigCall& inner : wrapper.calls)
    use.calls.push_back({given(inner.name), given(inner.value), given(inner.is_local)});
  return use;
}

}  // namespace pgweir
