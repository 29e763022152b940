#include "bench/query_mix.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <optional>

namespace pgweir::bench {
namespace {

constexpr std::string_view blanks = " \t";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_name(std::string_view text) {
  constexpr std::size_t name_max = 40;
  return !text.empty() && text.size() <= name_max && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

}  // namespace

struct MixParser {
  const std::string& file;
  ParsedMix out{};
  std::string body{};  // of the query that is being read

  void problem(std::size_t line, const std::string& sentence) {
    out.problems.push_back(file + ":" + std::to_string(line) + ": " + sentence);
  }

  void parse(std::string_view text) {
    std::size_t line = 0;
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      std::string_view content = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      if (content.ends_with('\r')) content.remove_suffix(1);
      read_line(content, ++line);
    }
    finish_query();
    if (out.mix.queries_.empty() && out.problems.empty()) problem(std::max(line, std::size_t{1}), "no query");
  }

  void read_line(std::string_view content, std::size_t line) {
    if (content.starts_with('#') || trimmed(content).empty()) return;
    if (content.find('\0') != std::string_view::npos) return problem(line, "a zero byte");
    if (blanks.find(content.front()) == std::string_view::npos) return begin_query(content, line);
    if (out.mix.queries_.empty())
      return problem(line, "a line that begins with a blank continues a query, and there is none before it");
    body += '\n';
    body += trimmed(content);
  }

  // A query with a wrong heading is kept until the end, so that its body is not taken for another problem.
  void begin_query(std::string_view content, std::size_t line) {
    finish_query();
    auto& query = out.mix.queries_.emplace_back();
    query.line = line;
    const std::size_t colon = content.find(':');
    if (colon == std::string_view::npos) {
      body = "?";
      return problem(line, "expected NAME WEIGHT: SQL, and there is no colon");
    }
    body = trimmed(content.substr(colon + 1));
    const std::string_view heading = trimmed(content.substr(0, colon));
    const std::size_t gap = std::min(heading.find_first_of(blanks), heading.size());
    const std::string_view name = heading.substr(0, gap);
    const auto weight = number<std::uint32_t>(trimmed(heading.substr(gap)));
    if (!is_name(name))
      problem(
          line,
          "the name before the weight has other characters than letters, digits, _ and -, or more than 40");
    if (!weight || *weight < 1 || *weight > QueryMix::weight_max)
      problem(line, "the weight between name and colon is not a whole number between 1 and 1000000");
    const auto& all = out.mix.queries_;
    const auto twin = std::find_if(all.begin(), all.end() - 1, [&](const auto& q) { return q.name == name; });
    if (twin != all.end() - 1)
      problem(line, "'" + std::string(name) + "' is already the name of the query in line " +
                        std::to_string(twin->line));
    if (all.size() == QueryMix::queries_max + 1) problem(line, "more than 100 queries");
    query.name = name;
    query.weight = weight.value_or(0);
    out.mix.total_ += query.weight;
  }

  void finish_query() {
    if (out.mix.queries_.empty()) return;
    auto& query = out.mix.queries_.back();
    if (trimmed(body).empty()) problem(query.line, "a query without SQL");
    split(query);
    body.clear();
  }

  // Cuts the SQL at its placeholders.
  void split(QueryMix::Query& query) {
    std::string_view rest = body;
    QueryMix::Piece piece;
    while (true) {
      const std::size_t open = std::min(rest.find('{'), rest.size());
      piece.text += rest.substr(0, open);
      rest.remove_prefix(open);
      if (rest.empty()) break;
      const std::size_t close = std::min(rest.find('}'), rest.size());
      const std::string_view inside = rest.substr(1, close - 1);
      const std::size_t dots = inside.find("..");
      const auto low = number<std::int64_t>(trimmed(inside.substr(0, dots)));
      const auto high =
          number<std::int64_t>(dots == std::string_view::npos ? "" : trimmed(inside.substr(dots + 2)));
      if (close == rest.size() || !low || !high) {
        piece.text += '{';
        rest.remove_prefix(1);
        continue;
      }
      if (*low > *high)
        problem(query.line, "{" + std::string(inside) + "}: the first number is above the second");
      piece.low = *low;
      piece.high = *high;
      query.pieces.push_back(std::move(piece));
      piece = {};
      rest.remove_prefix(close + 1);
    }
    query.pieces.push_back(std::move(piece));
  }
};

ParsedMix parse_query_mix(std::string_view text, const std::string& file) {
  MixParser parser{file};
  if (text.size() > QueryMix::text_max) {
    parser.problem(1, "larger than 1 MiB");
  } else {
    parser.parse(text);
  }
  return std::move(parser.out);
}

std::size_t QueryMix::pick(Random& random) const {
  assert(total_ > 0);
  auto at = static_cast<std::uint64_t>(random.between(0, static_cast<std::int64_t>(total_) - 1));
  std::size_t query = 0;
  while (at >= queries_[query].weight) at -= queries_[query++].weight;
  return query;
}

std::string QueryMix::sql(std::size_t query, Random& random) const {
  const std::vector<Piece>& pieces = queries_[query].pieces;
  std::string out;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    out += pieces[i].text;
    if (i + 1 < pieces.size()) out += std::to_string(random.between(pieces[i].low, pieces[i].high));
  }
  return out;
}

std::string_view default_query_mix() {
  return "# Needs no table: mostly tiny, some that touch an index, a transaction, and a few of 10 ms.\n"
         "ping        50: SELECT 1\n"
         "lookup      35: SELECT relname FROM pg_catalog.pg_class WHERE oid = {1000..4000}\n"
         "transaction 10: BEGIN; SELECT count(*) FROM pg_catalog.pg_namespace; SELECT now(); COMMIT\n"
         "slow         5: SELECT pg_sleep(0.01)\n";
}

}  // namespace pgweir::bench
