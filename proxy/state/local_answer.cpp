#include "proxy/state/local_answer.hpp"

#include <algorithm>

#include "protocol/message.hpp"
#include "protocol/sql_cursor.hpp"
#include "proxy/state/settings_draft.hpp"

namespace pgweir {
namespace {

// Drivers' batches have less than 200 bytes.
constexpr std::size_t text_size_max = 1024;

// Whether the text starts with the word in any case. `word` has lower-case letters, and only one bit is
// different in the capital ones.
bool starts_with(std::string_view text, std::string_view word) {
  if (text.size() < word.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if ((text[i] | 0x20) != word[i]) return false;
  }
  return true;
}

// Skips also what is a space only to some versions: the tokenizer decides later.
std::string_view skip_spaces(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size() && (text[at] == ' ' || (text[at] >= '\t' && text[at] <= '\r'))) ++at;
  return text.substr(at);
}

// Whether the tokenizer reads the text as the server would. It cannot in an encoding in which bytes have
// other meanings (those of ASCII are the same in all of them), nor with a comment that may lack its end,
// which is an error.
bool is_plain(std::string_view text) {
  if (text.size() > text_size_max || text.find("/*") != std::string_view::npos) return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

struct Column {
  std::string_view name;
  std::uint32_t type;
  std::uint16_t size;
};
constexpr std::uint32_t answer_type_oid = 25;
constexpr std::uint32_t void_oid = 2278;
constexpr std::uint16_t any_size = 0xffff;

void write_row_description(ByteBuffer& out, const Column& column) {
  Writer writer(out);
  writer.begin_message(static_cast<char>(BackendType::RowDescription)).u16(1).cstring(column.name);
  writer.u32(0).u16(0).u32(column.type).u16(column.size).u32(0xffffffff).u16(0).end_message();
}

void write_row(ByteBuffer& out, std::string_view value) {
  Writer writer(out);
  writer.begin_message(static_cast<char>(BackendType::DataRow)).u16(1);
  writer.u32(static_cast<std::uint32_t>(value.size())).text(value).end_message();
}

void write_tag(ByteBuffer& out, std::string_view tag) {
  Writer(out).begin_message(static_cast<char>(BackendType::CommandComplete)).cstring(tag).end_message();
}

// Reads a text statement by statement, and stops at the first one that the server has to answer.
class Answerer {
 public:
  explicit Answerer(const SessionFacts& facts)
      : facts_(facts), settings_(*facts.startup, *facts.desired, *facts.view) {}

  std::optional<LocalAnswer> answer(std::string_view text);

 private:
  bool take_statement(SqlCursor& cursor, std::string_view text);
  bool take_close(SqlCursor& cursor);
  bool take_deallocate(SqlCursor& cursor);
  bool take_discard(SqlCursor& cursor);
  bool take_select(SqlCursor& cursor);
  bool take_set_or_reset(SqlCursor& cursor, std::string_view text);
  bool take_show(SqlCursor& cursor);
  bool take_unlisten(SqlCursor& cursor);
  bool complete(std::string_view tag);

  const SessionFacts& facts_;
  SettingsDraft settings_;
  LocalAnswer answer_;
  unsigned statements_ = 0;
  bool must_be_alone_ = false;  // DISCARD ALL, which is an error beside other statements
};

std::optional<LocalAnswer> Answerer::answer(std::string_view text) {
  SqlCursor cursor(text, SqlDialect{.standard_conforming_strings = settings_.standard_conforming_strings()});
  for (;;) {
    while (cursor.accept(TokenKind::semicolon)) {
    }
    if (cursor.at(TokenKind::end)) break;
    if (!take_statement(cursor, text) || !cursor.at_statement_end()) return std::nullopt;
    ++statements_;
  }
  if (statements_ == 0 || (must_be_alone_ && statements_ > 1) || settings_.hears_debug_messages())
    return std::nullopt;
  answer_.desired = settings_.take_result();
  return std::move(answer_);
}

// Leaves the cursor after the statement, or returns false.
bool Answerer::take_statement(SqlCursor& cursor, std::string_view text) {
  if (cursor.at_word("set") || cursor.at_word("reset")) return take_set_or_reset(cursor, text);
  if (cursor.accept_word("select")) return take_select(cursor);
  if (cursor.accept_word("close")) return take_close(cursor);
  if (cursor.accept_word("unlisten")) return take_unlisten(cursor);
  if (cursor.accept_word("discard")) return take_discard(cursor);
  if (cursor.accept_word("deallocate")) return take_deallocate(cursor);
  return cursor.accept_word("show") && take_show(cursor);
}

bool Answerer::complete(std::string_view tag) {
  write_tag(answer_.replies, tag);
  return true;
}

// A cursor outlives its transaction only WITH HOLD, and then the session is pinned.
bool Answerer::take_close(SqlCursor& cursor) {
  return cursor.accept_word("all") && complete("CLOSE CURSOR ALL");
}

bool Answerer::take_deallocate(SqlCursor& cursor) {
  cursor.accept_word("prepare");
  return cursor.accept_word("all") && !facts_.has_named_statements && complete("DEALLOCATE ALL");
}

bool Answerer::take_discard(SqlCursor& cursor) {
  if (cursor.accept_word("temp") || cursor.accept_word("temporary")) return complete("DISCARD TEMP");
  if (cursor.accept_word("sequences")) return !facts_.has_sequence_values && complete("DISCARD SEQUENCES");
  // Without statements of its own, the session has no plan that would have been made anew.
  if (cursor.accept_word("plans")) return !facts_.has_named_statements && complete("DISCARD PLANS");
  must_be_alone_ = true;
  return cursor.accept_word("all") && !facts_.has_named_statements && !facts_.has_sequence_values &&
         !facts_.listens && settings_.identity_is_default() && settings_.reset_all() &&
         complete("DISCARD ALL");
}

// A session that holds a session lock is pinned.
bool Answerer::take_select(SqlCursor& cursor) {
  constexpr std::string_view unlock_all = "pg_advisory_unlock_all";
  const bool qualified = cursor.accept_word("pg_catalog");
  if (qualified ? !cursor.accept(TokenKind::dot) : !settings_.searches_catalog_first()) return false;
  if (!cursor.accept_word(unlock_all) || !cursor.accept(TokenKind::open_paren) ||
      !cursor.accept(TokenKind::close_paren)) {
    return false;
  }
  write_row_description(answer_.replies, {unlock_all, void_oid, 4});
  write_row(answer_.replies, {});
  return complete("SELECT 1");
}

bool Answerer::take_set_or_reset(SqlCursor& cursor, std::string_view text) {
  const bool set = cursor.at_word("set");
  const std::size_t start = cursor.current().offset;
  if (set && !skip_strict_set(cursor)) return false;
  while (!set && !cursor.at_statement_end()) cursor.advance();
  const std::string_view statement = text.substr(start, cursor.current().offset - start);
  return settings_.take(statement) && complete(set ? "SET" : "RESET");
}

bool Answerer::take_show(SqlCursor& cursor) {
  const bool time_zone = cursor.at_word("time") && is_word(cursor.following(), "zone");
  std::string name = "timezone";
  if (time_zone) {
    cursor.advance();
  } else if (!identifier_name(cursor.current(), name)) {
    return false;
  }
  cursor.advance();
  const ParameterMap::value_type* const shown = settings_.shown(ascii_lower(name));
  if (shown == nullptr) return false;
  write_row_description(answer_.replies, {shown->first, answer_type_oid, any_size});
  write_row(answer_.replies, shown->second);
  return complete("SHOW");
}

// Words are not answered here: not every one may name a channel.
bool Answerer::take_unlisten(SqlCursor& cursor) {
  const Token& channel = cursor.current();
  const bool every = channel.kind == TokenKind::op && channel.text == "*";
  const bool quoted = channel.kind == TokenKind::quoted_identifier && channel.text.size() > 2 &&
                      channel.text.size() <= identifier_size_max + 2;
  if (!every && !quoted) return false;
  cursor.advance();
  return !facts_.listens && complete("UNLISTEN");
}

}  // namespace

// Every query passes here. Most are told apart by one or two bytes, SELECTs by what they select.
bool may_be_answered_locally(std::string_view text) {
  text = skip_spaces(text);
  if (text.empty()) return false;
  switch (text.front() | 0x20) {
    case 'c':
      return starts_with(text, "close");
    case 'd':
      return starts_with(text, "discard") || starts_with(text, "deallocate");
    case 'r':
      return starts_with(text, "reset");
    case 's':
      if (!starts_with(text, "sel")) return starts_with(text, "set") || starts_with(text, "show");
      text.remove_prefix(std::min<std::size_t>(text.size(), 6));
      return starts_with(skip_spaces(text), "pg");
    case 'u':
      return starts_with(text, "unlisten");
    case ';':
    case '-':  // a comment
      return true;
    default:
      return false;
  }
}

std::optional<LocalAnswer> answer_locally(std::string_view query, const SessionFacts& facts) {
  if (!may_be_answered_locally(query) || !is_plain(query)) return std::nullopt;
  return Answerer(facts).answer(query);
}

}  // namespace pgweir
