#include "tests/simulation/model/sequences.hpp"

#include "tests/simulation/model/cluster.hpp"
#include "tests/simulation/model/lexer.hpp"
#include "tests/simulation/model/select_parser.hpp"
#include "tests/simulation/model/tables.hpp"
#include "tests/simulation/model/transaction.hpp"

namespace pgweir::simulation {

Oid Sequences::open(const std::string& name, bool& is_temporary) {
  LexemeCursor in(name, {});
  Tables tables(s_);
  const Relation& relation = tables.open(parse_object_name(in), LockMode::shared);
  is_temporary = tables.is_temporary(relation);
  if (!relation.sequence) fail("42809", '"' + relation.name + "\" is not a sequence");
  return relation.oid;
}

void Sequences::look_up(const std::string& name, std::size_t position) {
  LexemeCursor in(name, {});
  ObjectName relation = parse_object_name(in);
  relation.position = position;
  static_cast<void>(Tables(s_).open(relation, LockMode::shared));
}

std::string Sequences::next(const std::string& name) {
  bool is_temporary = false;
  const Oid oid = open(name, is_temporary);
  if (!is_temporary) TransactionControl(s_).require_writable("nextval()");
  SequenceValue& value = s_.cluster.catalog(s_.database).sequence(oid);
  if (value.is_called) ++value.last;
  value.is_called = true;
  s_.last_sequence = oid;
  return s_.sequence_values[oid] = std::to_string(value.last);
}

std::string Sequences::set(const std::string& name, const std::string& number) {
  bool is_temporary = false;
  const Oid oid = open(name, is_temporary);
  if (!is_temporary) TransactionControl(s_).require_writable("setval()");
  s_.cluster.catalog(s_.database).sequence(oid) = {std::stoll(number), true};
  s_.sequence_values[oid] = number;
  return number;
}

std::string Sequences::current(const std::string& name) {
  bool is_temporary = false;
  const Oid oid = open(name, is_temporary);
  const auto found = s_.sequence_values.find(oid);
  if (found != s_.sequence_values.end()) return found->second;
  LexemeCursor in(name, {});
  fail("55000",
       "currval of sequence \"" + parse_object_name(in).name + "\" is not yet defined in this session");
}

// A sequence that is gone has no last value either.
std::string Sequences::last() {
  const Catalog& catalog = s_.cluster.catalog(s_.database);
  const bool defined = s_.last_sequence != 0 && catalog.find(s_.last_sequence, s_.transaction.id) != nullptr;
  if (!defined) fail("55000", "lastval is not yet defined in this session");
  return s_.sequence_values.at(s_.last_sequence);
}

void Sequences::discard() {
  s_.sequence_values.clear();
  s_.last_sequence = 0;
}

}  // namespace pgweir::simulation
