// The grammar is that of VariableSetStmt and VariableResetStmt. Words such as SESSION, LOCAL, TIME, NAMES and
// ROLE are also possible names of settings; what follows them decides.
#include "protocol/sql_set.hpp"

#include "protocol/sql_cursor.hpp"
#include "protocol/sql_set_value.hpp"

namespace pgweir {

namespace {

// Whether the word at the cursor is the name of a setting: SET time = 1, SET role TO x, SET local.y = 2, SET
// z FROM CURRENT.
bool names_setting(const Token& following) {
  return following.kind == TokenKind::dot || (following.kind == TokenKind::op && following.text == "=") ||
         is_word(following, "to") || is_word(following, "from");
}
bool at_form(const SqlCursor& cursor, std::string_view word) {
  return cursor.at_word(word) && !names_setting(cursor.following());
}

// Reads a word that is not all ASCII, which the server folds and cuts by its encoding. In UTF-8 only what is
// ASCII in it is folded, and a short one is not cut.
bool other_name(const Token& token, std::string& out) {
  if (token.kind != TokenKind::word || token.text.size() > identifier_size_max) return false;
  out = token.text;
  return true;
}

// Reads name or a.b.c in lower case: PostgreSQL compares the names of settings without regard to case, quoted
// or not.
bool read_setting_name(SqlCursor& cursor, std::string& out) {
  std::string part;
  do {
    if (!identifier_name(cursor.current(), part) && !other_name(cursor.current(), part)) return false;
    if (!out.empty()) out.push_back('.');
    out += ascii_lower(part);
    cursor.advance();
  } while (cursor.accept(TokenKind::dot));
  if (out == "sort_mem") out = "work_mem";
  if (out == "vacuum_mem") out = "maintenance_work_mem";
  return true;
}

bool read_setting(SqlCursor& cursor, SetStatement& out) {
  if (!read_setting_name(cursor, out.name)) return false;
  if (cursor.accept_word("from")) return cursor.skip_statement();  // FROM CURRENT
  const bool assigns =
      cursor.accept_word("to") ||
      (cursor.at(TokenKind::op) && cursor.current().text == "=" && cursor.accept(TokenKind::op));
  return assigns && read_set_value(cursor, out);
}

bool set_to(SqlCursor& cursor, SetStatement& out, std::string_view name) {
  out.name = name;
  return read_set_value(cursor, out);
}

bool read_transaction(SqlCursor& cursor, SetStatement& out) {
  out.scope = SetScope::transaction;
  return cursor.skip_statement();
}

// One mode of SET SESSION CHARACTERISTICS AS TRANSACTION.
bool read_mode(SqlCursor& cursor, SetStatement& out) {
  if (cursor.accept_word("isolation")) {
    out.name = "default_transaction_isolation";
    if (!cursor.accept_word("level")) return false;
    if (cursor.accept_word("serializable")) {
      out.value = "serializable";
    } else if (cursor.accept_word("repeatable")) {
      out.value = "repeatable read";
      return cursor.accept_word("read");
    } else if (cursor.accept_word("read")) {
      out.value = cursor.at_word("committed") ? "read committed" : "read uncommitted";
      return cursor.accept_word("committed") || cursor.accept_word("uncommitted");
    }
    return out.value.has_value();
  }
  if (cursor.accept_word("read")) {
    out.name = "default_transaction_read_only";
    out.value = cursor.at_word("only") ? "on" : "off";
    return cursor.accept_word("only") || cursor.accept_word("write");
  }
  out.name = "default_transaction_deferrable";
  out.value = cursor.accept_word("not") ? "off" : "on";
  return cursor.accept_word("deferrable");
}

bool read_characteristics(SqlCursor& cursor, SetStatement& out) {
  if (!cursor.accept_word("as") || !cursor.accept_word("transaction") || !read_mode(cursor, out))
    return false;
  if (cursor.at_statement_end()) return cursor.finish();
  out.name.clear();
  out.value.reset();
  return cursor.skip_statement();
}

bool read_time_zone(SqlCursor& cursor, SetStatement& out) {
  out.name = "timezone";
  if (!cursor.accept_word("zone")) return false;
  if (!cursor.accept_word("local")) return read_set_value(cursor, out);
  out.action = SetAction::set_default;
  return cursor.finish();
}

bool read_names(SqlCursor& cursor, SetStatement& out) {
  if (!cursor.at_statement_end()) return set_to(cursor, out, "client_encoding");
  out.name = "client_encoding";
  out.action = SetAction::set_default;
  return cursor.finish();
}

bool read_xml_option(SqlCursor& cursor, SetStatement& out) {
  if (!cursor.accept_word("option")) return false;
  if (!cursor.at_word("document") && !cursor.at_word("content")) return false;
  return set_to(cursor, out, "xmloption");
}

bool read_set(SqlCursor& cursor, SetStatement& out) {
  if (at_form(cursor, "constraints")) return read_transaction(cursor, out);
  if (at_form(cursor, "local")) {
    out.scope = SetScope::local;
    cursor.advance();
  } else if (at_form(cursor, "session") && !is_word(cursor.following(), "authorization") &&
             !is_word(cursor.following(), "characteristics")) {
    cursor.advance();
  }
  if (at_form(cursor, "transaction")) return read_transaction(cursor, out);
  if (at_form(cursor, "session")) {
    cursor.advance();
    if (cursor.accept_word("authorization")) return set_to(cursor, out, "session_authorization");
    // SET SESSION characteristics.x = 1 is a custom setting.
    if (!at_form(cursor, "characteristics")) return read_setting(cursor, out);
    cursor.advance();
    return read_characteristics(cursor, out);
  }
  const bool time = at_form(cursor, "time");
  const bool names = at_form(cursor, "names");
  const bool role = at_form(cursor, "role");
  const bool schema = at_form(cursor, "schema");
  const bool xml = at_form(cursor, "xml");
  if (!time && !names && !role && !schema && !xml) return read_setting(cursor, out);
  cursor.advance();
  if (time) return read_time_zone(cursor, out);
  if (names) return read_names(cursor, out);
  if (xml) return read_xml_option(cursor, out);
  out.name = role ? "role" : "search_path";
  // DEFAULT, which other settings take, is a syntax error here, so that nothing is reset.
  return cursor.at_word("default") ? cursor.skip_statement() : read_set_value(cursor, out);
}

bool read_reset(SqlCursor& cursor, SetStatement& out) {
  out.action = SetAction::reset;
  if (cursor.accept_word("all")) {
    out.action = SetAction::reset_all;
    return cursor.finish();
  }
  if (cursor.at_word("time") && is_word(cursor.following(), "zone")) {
    cursor.advance();
    cursor.advance();
    out.name = "timezone";
    return cursor.finish();
  }
  if (cursor.at_word("session") && is_word(cursor.following(), "authorization")) {
    cursor.advance();
    cursor.advance();
    out.name = "session_authorization";
    return cursor.finish();
  }
  if (cursor.at_word("transaction") && is_word(cursor.following(), "isolation")) {
    out.name = "transaction_isolation";
    return cursor.skip_statement();
  }
  return read_setting_name(cursor, out.name) && cursor.finish();
}

bool is_transaction_setting(std::string_view name) {
  return name == "transaction_isolation" || name == "transaction_read_only" ||
         name == "transaction_deferrable";
}

}  // namespace

std::optional<SetStatement> parse_set(std::string_view text, SqlDialect dialect) {
  SqlCursor cursor(text, dialect);
  SetStatement out;
  bool understood = false;
  if (cursor.accept_word("set")) {
    understood = read_set(cursor, out);
  } else if (cursor.accept_word("reset")) {
    understood = read_reset(cursor, out);
  }
  if (!understood) return std::nullopt;
  if (is_transaction_setting(out.name)) out.scope = SetScope::transaction;
  return out;
}

}  // namespace pgweir
