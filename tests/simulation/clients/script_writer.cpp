#include "tests/simulation/clients/script_writer.hpp"

#include <string_view>

#include "protocol/bytes.hpp"

namespace pgweir::simulation {
namespace {

class MessageWriter {
 public:
  explicit MessageWriter(ByteBuffer& out, char type) : out_(out), start_(out.size()) {
    out_.push_back(static_cast<Byte>(type));
    out_.resize(out_.size() + 4);
  }
  ~MessageWriter() {
    const auto size = static_cast<std::uint32_t>(out_.size() - start_ - 1);
    for (std::size_t i = 0; i < 4; ++i) out_[start_ + 1 + i] = static_cast<Byte>(size >> (24 - 8 * i));
  }
  MessageWriter& text(std::string_view value) {
    out_.insert(out_.end(), value.begin(), value.end());
    out_.push_back(0);
    return *this;
  }
  MessageWriter& raw(std::string_view value) {
    out_.insert(out_.end(), value.begin(), value.end());
    return *this;
  }
  MessageWriter& number(std::uint64_t value, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; ++i) out_.push_back(static_cast<Byte>(value >> (8 * (bytes - 1 - i))));
    return *this;
  }

 private:
  ByteBuffer& out_;
  std::size_t start_;
};

}  // namespace

std::string ScriptWriter::nonce() {
  return "c" + std::to_string(client_) + "-" + std::to_string(++nonces_);
}

std::string ScriptWriter::transaction_statement() {
  static const std::vector<std::string> all = {"begin",         "commit",    "rollback",
                                               "begin",         "commit",    "savepoint s",
                                               "rollback to s", "release s", "begin read only"};
  return random_.pick(all);
}

std::string ScriptWriter::setting_statement() {
  const std::string name = random_.chance(0.5) ? "app.tenant" : "app.user";
  switch (random_.below(10)) {
    case 0:
      return "set " + name + " = '" + nonce() + "'";
    case 1:
      return "set local " + name + " = '" + nonce() + "'";
    case 2:
      return "select set_config('" + name + "', '" + nonce() + "', true)";
    case 3:
      return "select set_config('" + name + "', '" + nonce() + "', false)";
    case 4:
      return "set statement_timeout = " + std::to_string(1'000 * random_.between(100, 200));
    case 5:
      return "reset statement_timeout";
    case 6:
      return "show statement_timeout";
    case 7:
      return "set search_path = tenant" + std::to_string(random_.below(3)) + ", public";
    case 8:
      return random_.chance(0.5) ? "set role other" : "reset role";
    default:
      return "select current_user, session_user, current_setting('search_path'), coalesce(current_setting('" +
             name + "', true), '')";
  }
}

std::string ScriptWriter::table_statement() {
  const std::string table = "t" + std::to_string(client_);
  switch (random_.below(5)) {
    case 0:
      return "create temp table " + table + " (a text)";
    case 1:
      return "insert into " + table + " values ('" + nonce() + "')";
    case 2:
      return "drop table " + table;
    default:
      return "select * from " + table;
  }
}

std::string ScriptWriter::session_statement() {
  const std::string key = std::to_string(client_);
  switch (random_.below(12)) {
    case 0:
      return "prepare p as select '" + nonce() + "', $1::text";
    case 1:
    case 2:
      return "execute p('" + nonce() + "')";
    case 3:
      return random_.chance(0.5) ? "deallocate p" : "deallocate all";
    case 4:
      return "declare cur cursor with hold for select '" + nonce() + "', g from generate_series(1, 5) g";
    case 5:
      return "fetch 2 from cur";
    case 6:
      return "close cur";
    case 7:
      return "select pg_advisory_lock(" + key + ")";
    case 8:
      return "select pg_advisory_unlock(" + key + ")";
    case 9:
      return "listen ch" + key;
    case 10:
      return "notify ch" + key + ", '" + nonce() + "'";
    default:
      return random_.chance(0.5) ? "discard all" : "unlisten *";
  }
}

std::string ScriptWriter::statement() {
  const std::uint64_t kind = random_.below(100);
  if (kind < 30) return "select '" + nonce() + "'";
  if (kind < 38)
    return "select '" + nonce() + "', g from generate_series(1, " + std::to_string(random_.between(1, 400)) +
           ") g";
  if (kind < 42) return "select 1/0";
  if (kind < 45)
    return "select pg_sleep(0.0" + std::to_string(random_.between(1, 9)) + "), '" + nonce() + "'";
  if (kind < 63) return transaction_statement();
  if (kind < 80) return setting_statement();
  if (kind < 88) return table_statement();
  return session_statement();
}

Batch ScriptWriter::simple() {
  Batch batch;
  std::string text = statement();
  if (random_.chance(0.15)) text += "; " + statement();
  MessageWriter(batch.bytes, 'Q').text(text);
  batch.in_words = text;
  return batch;
}

void ScriptWriter::add_extended(Batch& batch) {
  const bool is_named = random_.chance(0.4);
  const std::uint64_t which = random_.below(4);
  const std::string name = is_named ? "s" + std::to_string(which) : "";
  // The first two take a parameter.
  const bool has_parameter = is_named ? which < 2 : random_.chance(0.4);
  const std::string sql = has_parameter ? "select '" + nonce() + "', $1::text"
                          : is_named    ? "select '" + nonce() + "'"
                                        : statement();
  const bool parses = !is_named || random_.chance(0.5);
  if (parses) MessageWriter(batch.bytes, 'P').text(name).text(sql).number(0, 2);
  const bool binds_parameter = has_parameter;
  if (is_named && random_.chance(0.2)) MessageWriter(batch.bytes, 'D').raw("S").text(name);
  MessageWriter bind(batch.bytes, 'B');
  bind.text("").text(name).number(0, 2);
  if (binds_parameter) {
    const std::string value = nonce();
    bind.number(1, 2).number(value.size(), 4).raw(value);
  } else {
    bind.number(0, 2);
  }
  bind.number(0, 2);
  batch.in_words += "[" + name + "] " + (parses ? sql : "again") + "; ";
}

Batch ScriptWriter::extended() {
  Batch batch;
  for (std::uint64_t n = random_.chance(0.3) ? random_.between(2, 4) : 1; n > 0; --n) {
    add_extended(batch);
    if (random_.chance(0.5)) MessageWriter(batch.bytes, 'D').raw("P").text("");
    MessageWriter(batch.bytes, 'E').text("").number(random_.chance(0.1) ? 2 : 0, 4);
    if (random_.chance(0.1))
      MessageWriter(batch.bytes, 'C').raw("S").text("s" + std::to_string(random_.below(4)));
    if (random_.chance(0.1)) MessageWriter(batch.bytes, 'H');
  }
  MessageWriter(batch.bytes, 'S');
  return batch;
}

Batch ScriptWriter::next() {
  return random_.chance(0.55) ? simple() : extended();
}

Batch ScriptWriter::last() {
  Batch batch;
  batch.in_words = "rollback";
  MessageWriter(batch.bytes, 'Q').text("rollback");
  return batch;
}

}  // namespace pgweir::simulation
