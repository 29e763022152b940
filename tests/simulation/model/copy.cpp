#include "tests/simulation/model/copy.hpp"

#include <algorithm>

#include "tests/simulation/model/cluster.hpp"

namespace pgweir::simulation {
namespace {

std::string escaped(const std::string& value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

Value unescaped(std::string_view field) {
  if (field == "\\N") return std::nullopt;
  std::string out;
  for (std::size_t i = 0; i < field.size(); ++i) {
    if (field[i] != '\\' || i + 1 == field.size()) {
      out += field[i];
      continue;
    }
    const char c = field[++i];
    out += c == 't' ? '\t' : c == 'n' ? '\n' : c;
  }
  return out;
}

}  // namespace

std::string copy_line(const Row& row) {
  std::string line;
  for (const Value& value : row) {
    if (&value != row.data()) line += '\t';
    line += value ? escaped(*value) : "\\N";
  }
  return line + '\n';
}

void CopyIn::give_up(std::string code, std::string message) const {
  throw SqlError{.code = std::move(code),
                 .message = std::move(message),
                 .context = "COPY " + table_ + ", line " + std::to_string(ended_ ? line_ : line_ + 1)};
}

bool CopyIn::work(SessionState& state) {
  const Relation& relation = *state.cluster.catalog(state.database).find(oid_, state.transaction.id);
  while (!ended_) {
    const std::size_t end = rest_.find('\n');
    if (end == std::string::npos && (!finished_ || rest_.empty())) break;
    const std::string line = rest_.substr(0, end);
    rest_.erase(0, end == std::string::npos ? end : end + 1);
    ++line_;
    if (line == "\\.") {
      ended_ = true;
      break;
    }
    Tables(state).insert(relation, read(line));
    ++rows_;
  }
  return finished_;
}

Row CopyIn::read(std::string_view line) const {
  const std::string all = where() + ": \"" + std::string(line) + '"';
  const std::size_t fields = static_cast<std::size_t>(std::count(line.begin(), line.end(), '\t')) + 1;
  if (columns_.empty() ? !line.empty() : fields > columns_.size())
    throw SqlError{.code = "22P04", .message = "extra data after last expected column", .context = all};
  Row row;
  std::string_view rest = line;
  bool more = !columns_.empty();
  for (const TableColumn& column : columns_) {
    if (!more) {
      throw SqlError{
          .code = "22P04", .message = "missing data for column \"" + column.name + '"', .context = all};
    }
    const std::size_t end = rest.find('\t');
    more = end != std::string_view::npos;
    Value value = unescaped(rest.substr(0, end));
    rest = more ? rest.substr(end + 1) : std::string_view();
    try {
      if (value) value = read_value(column.type, *value);
    } catch (SqlError& error) {
      error.context = where() + ", column " + column.name + ": \"" + *value + '"';
      throw;
    }
    row.push_back(std::move(value));
  }
  return row;
}

}  // namespace pgweir::simulation
