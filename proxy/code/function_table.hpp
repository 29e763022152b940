// What is known about the functions of one database: which of them can leave state behind in their session.
//
// judge() says that a text's functions are harmless, or that the session's state has to be asked for. Where
// sources are missing, it says which. learn() takes the server's answer to sources_query() for them and
// returns what to ask next: the functions that those call. What one statement's rounds leave open, a later
// statement takes up.
//
// forget_all() is due whenever functions may have changed. After a tag of changes_functions() it is due at
// once, for the statements after it, and again when its transaction has ended, for all other sessions.
// Changes elsewhere (through another pool, on a direct connection, inside of a function) are not seen:
// therefore it is also due every age_max.
//
// A name stands for all functions that have it, in all schemas, and the worst of them counts; search_path
// does not matter. A user's function that has the name of a built-in one is seen only where its schema is
// written.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "protocol/sql_tokenizer.hpp"
#include "proxy/code/function_effects.hpp"
#include "proxy/code/function_source.hpp"
#include "proxy/code/setting_wrapper.hpp"

namespace pgweir {

// Functions whose sources are wanted.
struct FunctionQuestion {
  std::vector<std::string> names;  // each once
  std::uint64_t generation = 0;    // of the table, when the first was added
  unsigned round = 0;

  bool empty() const { return names.empty(); }
};

// Thread rule: any thread.
class FunctionTable {
 public:
  // The most names in one question; more are asked for later.
  static constexpr std::size_t names_max = 256;
  // How deep calls are followed without another statement.
  static constexpr unsigned rounds_max = 64;
  // When this many functions are known, the table starts anew.
  static constexpr std::size_t functions_max = 16'384;
  // The most texts that are remembered because all that they call is harmless; with more of them, that starts
  // anew, too.
  static constexpr std::size_t texts_max = 1'024;
  static constexpr std::size_t text_size_max = 1'024;
  // The owner of the table should not trust it for longer.
  static constexpr std::chrono::seconds age_max{60};

  // What the functions that `text` calls may leave behind, all together, and the code of a DO. What the text
  // itself does is in scan_facts().
  FunctionEffects judge(std::string_view text, FunctionQuestion& question, SqlDialect dialect = {});

  // What a statement sets that does nothing but call a wrapper of set_config(); nullopt: it is not such a
  // statement, or that is not known yet.
  std::optional<SetConfigUse> unwrap(std::string_view text, SqlDialect dialect = {}) const;

  // A function without a source does not exist, or is not a function (a table with a column list, a type). If
  // something changed since the question was asked, it has to be asked again.
  [[nodiscard]] FunctionQuestion learn(const FunctionQuestion& asked,
                                       const std::vector<FunctionSource>& sources);
  // Whether some function that is known, or was known before forget_all(), looks at its session's prepared statements by
  // their own names. What it did before counts until its source is read again: the need shows before the call.
  bool knows_statement_users() const { return knows_statement_users_.load(std::memory_order_relaxed); }
  void forget_all();
  std::size_t size() const;

 private:
  struct Known {
    FunctionEffects effects;         // its own; when settled, with those of all functions that it reaches
    std::vector<std::string> calls;  // until it is settled
    bool settled = false;
    std::shared_ptr<const SettingWrapper> wrapper = nullptr;
  };
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  using Functions = std::unordered_map<std::string, Known, Hash, std::equal_to<>>;

  FunctionEffects read(std::string_view text, FunctionQuestion& question, SqlDialect dialect);
  void look_up(std::string_view name, FunctionEffects& effects, FunctionQuestion& question);
  void resolve(Functions::value_type& function, FunctionEffects& effects, FunctionQuestion& question);
  void ask(std::string_view name, FunctionQuestion& question) const;
  bool store(const FunctionQuestion& asked, Functions&& learned);

  mutable std::mutex mutex_;
  Functions known_;
  std::uint64_t generation_ = 1;
  std::unordered_set<std::string, Hash, std::equal_to<>> harmless_texts_;  // judged by what is known now
  std::uint64_t changes_ = 0;                                              // of what is known
  std::unordered_map<std::string, StatementNames, Hash, std::equal_to<>> old_statement_users_;
  std::atomic<bool> knows_statement_users_{false};
};

}  // namespace pgweir
