// What invocations ask: queries with weights, out of a text file or built in.
//
//   # a comment begins in the first column
//   read   70: SELECT abalance FROM pgbench_accounts WHERE aid = {1..100000}
//   write  25: UPDATE pgbench_accounts SET abalance = abalance + {-500..500}
//              WHERE aid = {1..100000}
//   report  5: SELECT count(*) FROM pgbench_accounts
//
// A query is a name, a weight, a colon and SQL; lines that begin with a blank continue it. Each is sent as
// one simple query, which may hold several statements. {LOW..HIGH} is a random whole number, drawn anew for
// each invocation; other braces stay as they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/random.hpp"
#include "protocol/bytes.hpp"

namespace pgweir::bench {

class QueryMix {
 public:
  static constexpr std::size_t queries_max = 100;
  static constexpr std::size_t text_max = 1024 * 1024;  // of the file
  static constexpr std::uint32_t weight_max = 1'000'000;

  std::size_t size() const { return queries_.size(); }
  const std::string& name(std::size_t query) const { return queries_[query].name; }
  std::uint32_t weight(std::size_t query) const { return queries_[query].weight; }
  // One of them, each as often as its weight says. Not on an empty mix.
  std::size_t pick(Random& random) const;
  // Its SQL with all placeholders filled in.
  std::string sql(std::size_t query, Random& random) const;

 private:
  friend struct MixParser;

  struct Piece {  // text, then a number between low and high unless it is the last piece
    std::string text;
    std::int64_t low = 0, high = 0;
  };
  struct Query {
    std::string name;
    std::uint32_t weight = 0;
    std::vector<Piece> pieces;
    std::size_t line = 0;  // where it begins
  };

  std::vector<Query> queries_;
  std::uint64_t total_ = 0;  // of all weights
};

struct ParsedMix {
  QueryMix mix;
  std::vector<std::string> problems;  // "FILE:LINE: sentence", all of them; empty: the mix is good
};

ParsedMix parse_query_mix(std::string_view text, const std::string& file);

// Needs nothing but a PostgreSQL: no table of the user's.
std::string_view default_query_mix();

}  // namespace pgweir::bench
