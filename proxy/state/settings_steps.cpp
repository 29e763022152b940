#include "proxy/state/settings_steps.hpp"

#include "protocol/sql_cursor.hpp"
#include "protocol/sql_tokenizer.hpp"
#include "proxy/state/analysis_settings.hpp"
#include "proxy/state/sql_quote.hpp"

namespace pgweir {
namespace {

using Kind = SettingsItem::Kind;

// OIDs of pg_type: text, varchar and unknown, whose binary form is the text itself; bool.
constexpr std::uint32_t text_oid = 25;
constexpr std::uint32_t varchar_oid = 1043;
constexpr std::uint32_t unknown_oid = 705;
constexpr std::uint32_t bool_oid = 16;
constexpr std::uint32_t null_size = 0xffffffff;

bool is_text_type(std::uint32_t type) {
  return type == 0 || type == text_oid || type == varchar_oid || type == unknown_oid;
}

void add_doubt(std::string_view name, SettingsStep& out) {
  out.push_back({.kind = Kind::doubt, .name = std::string(name)});
}

bool is_readable(std::string_view value, const TextRules& rules) {
  return rules.utf8 || is_ascii(value);
}

bool is_readable_name(std::string_view name, const TextRules& rules) {
  return rules.utf8_names || is_ascii(name);
}

std::optional<std::string_view> text_of(const ConfigArgument& argument, const BoundValues* values) {
  if (argument.kind == ConfigArgument::Kind::literal) return argument.text;
  if (argument.kind != ConfigArgument::Kind::parameter || values == nullptr) return std::nullopt;
  return values->text(argument.number);
}

std::optional<bool> boolean_of(const ConfigArgument& argument, const BoundValues* values) {
  if (argument.kind == ConfigArgument::Kind::literal) return boolean_value(argument.text);
  if (argument.kind != ConfigArgument::Kind::parameter || values == nullptr) return std::nullopt;
  return values->boolean(argument.number);
}

// Whether PostgreSQL spells the setting's value in its own way, so that the given text is not all of it.
bool keeps_part_of_old_value(std::string_view name) {
  return name == "datestyle";
}

void add_call(const SetConfigCall& call, bool is_plain, const BoundValues* values, const TextRules& rules,
              SettingsStep& out) {
  const std::optional<std::string_view> given_name = text_of(call.name, values);
  const std::optional<std::string_view> value = text_of(call.value, values);
  const std::optional<bool> is_local = boolean_of(call.is_local, values);
  const bool local = is_local == true;
  if (!given_name || !is_readable_name(*given_name, rules)) {
    if (local) {
      out.push_back({.kind = Kind::local_doubt});
    } else {
      add_doubt({}, out);
    }
    return;
  }
  const std::string name = ascii_lower(*given_name);
  if (name == seed_setting) return add_doubt(name, out);  // seed restarts random() at once, and for good
  if (local && !matters_to_analysis(name)) return;        // the setting is gone before it could be asked for
  const bool certain =
      is_plain && is_local && value && is_readable(*value, rules) && !keeps_part_of_old_value(name);
  const bool resets =
      is_plain && is_local && call.value.kind == ConfigArgument::Kind::null && !is_identity(name);
  if (resets) {
    out.push_back({.kind = Kind::reset, .local = local, .name = name});
  } else if (certain) {
    out.push_back({.kind = Kind::set, .local = local, .name = name, .value = std::string(*value)});
  } else if (local) {
    out.push_back({.kind = Kind::local_doubt});
  } else {
    add_doubt(name, out);
  }
}

bool accept_noise(SqlCursor& cursor) {
  return cursor.accept_word("work") || cursor.accept_word("transaction");
}

}  // namespace

std::optional<BoundValues::Value> BoundValues::value(unsigned number) const {
  if (number == 0) return std::nullopt;
  const unsigned index = number - 1;
  Value out;
  Reader types(declared_);
  std::uint16_t count = 0;
  if (types.u16(count) == Errc::ok && index < count) {
    for (unsigned i = 0; i <= index; ++i) {
      if (types.u32(out.type) != Errc::ok) return std::nullopt;
    }
  }
  Reader reader(rest_);
  std::uint16_t formats = 0;
  if (reader.u16(formats) != Errc::ok) return std::nullopt;
  for (unsigned i = 0; i < formats; ++i) {
    std::uint16_t format = 0;
    if (reader.u16(format) != Errc::ok) return std::nullopt;
    if (formats == 1 || i == index) out.is_binary = format != 0;
  }
  std::uint16_t values = 0;
  if (reader.u16(values) != Errc::ok || index >= values) return std::nullopt;
  for (unsigned i = 0;; ++i) {
    std::uint32_t size = 0;
    if (reader.u32(size) != Errc::ok) return std::nullopt;
    ByteView bytes;
    if (size != null_size && reader.bytes(size, bytes) != Errc::ok) return std::nullopt;
    if (i < index) continue;
    if (size == null_size) return std::nullopt;
    out.bytes = as_text(bytes);
    return out;
  }
}

std::optional<std::string_view> BoundValues::text(unsigned number) const {
  const std::optional<Value> found = value(number);
  if (!found || !is_text_type(found->type)) return std::nullopt;
  return found->bytes;
}

std::optional<bool> BoundValues::boolean(unsigned number) const {
  const std::optional<Value> found = value(number);
  if (!found || (found->type != 0 && found->type != bool_oid)) return std::nullopt;
  if (!found->is_binary) return boolean_value(found->bytes);
  if (found->bytes.size() != 1) return std::nullopt;
  return found->bytes.front() != 0;
}

void add_set(const SetStatement* set, const TextRules& rules, SettingsStep& out) {
  if (!set || !is_readable_name(set->name, rules)) return add_doubt({}, out);
  if (set->scope == SetScope::transaction || set->name == seed_setting) return;
  if (set->action == SetAction::reset_all) {
    out.push_back({.kind = Kind::reset_all});
    return;
  }
  const bool local = set->scope == SetScope::local;
  if (set->name.empty()) {  // SET SESSION CHARACTERISTICS with several modes
    for (const std::string_view mode : {"isolation", "read_only", "deferrable"})
      add_doubt("default_transaction_" + std::string(mode), out);
    return;
  }
  if (local && !matters_to_analysis(set->name)) return;  // nobody asks for it before it is gone
  if (set->action != SetAction::set) {
    out.push_back({.kind = Kind::reset, .local = local, .name = set->name});
  } else if (set->value && is_readable(*set->value, rules)) {
    out.push_back({.kind = Kind::set, .local = local, .name = set->name, .value = *set->value});
  } else if (!local) {
    add_doubt(set->name, out);
  } else {
    out.push_back({.kind = Kind::local_doubt});
  }
}

void add_set_config(const SetConfigUse& use, const BoundValues* values, const TextRules& rules,
                    SettingsStep& out) {
  for (const SetConfigCall& call : use.calls) add_call(call, use.is_plain, values, rules, out);
  if (use.hides_calls) add_doubt({}, out);
}

// COMMIT PREPARED and ROLLBACK PREPARED concern other transactions.
void add_control(std::string_view text, SettingsStep& out) {
  SqlCursor cursor(text, {});
  SettingsItem item;
  if (cursor.accept_word("commit") || cursor.accept_word("end")) {
    if (cursor.at_word("prepared")) return;
    item.kind = Kind::commit;
  } else if (cursor.accept_word("rollback") || cursor.accept_word("abort")) {
    if (cursor.at_word("prepared")) return;
    accept_noise(cursor);
    item.kind = Kind::rollback;
    if (cursor.accept_word("to")) {
      cursor.accept_word("savepoint");
      item.kind = Kind::rollback_to;
    }
  } else if (cursor.accept_word("savepoint")) {
    item.kind = Kind::savepoint;
  } else if (cursor.accept_word("release")) {
    cursor.accept_word("savepoint");
    item.kind = Kind::release;
  } else {
    return;
  }
  const bool is_named =
      item.kind == Kind::savepoint || item.kind == Kind::rollback_to || item.kind == Kind::release;
  if (is_named && !identifier_name(cursor.current(), item.name)) return add_doubt({}, out);
  out.push_back(std::move(item));
}

}  // namespace pgweir
