// What a function may leave behind in its session: as much as its name, its library or its source tells. Pure; any
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/sql_effects.hpp"
#include "proxy/base/pin.hpp"
#include "proxy/code/definition_words.hpp"

namespace pgweir {

// From the best to the worst.
enum class FunctionVerdict : std::uint8_t {
  harmless,    // leaves nothing behind
  unknown,     // its source was not read yet, or that of a function that it calls
  suspicious,  // may leave state that the server shows: ask for it
  lasting,     // leaves state that the server does not show and that no statement undoes (setseed, LOAD)
};

// From the best to the worst.
enum class CodeKnowledge : std::uint8_t {
  whole,
  unreviewed,  // it runs a C library that is not known here: harmless or worst, as pool.unknown_code says
  unread,      // a source is missing
};

struct FunctionEffects {
  // The most settings that are remembered by name; the client of a function with more of them keeps its connection.
  static constexpr std::size_t settings_max = 1'024;

  FunctionVerdict verdict = FunctionVerdict::harmless;  // of what is known
  CodeKnowledge knowledge = CodeKnowledge::whole;
  // The settings (in lower case) that the function may set for longer than its transaction, each once: the
  // server is asked for these.
  std::vector<std::string> settings;
  bool all_named = true;        // false: it may set others, whose names are not known
  PinSet pins;                  // of visible_pins, that it may begin or end
  bool changes_schema = false;  // what texts mean that are parsed afterwards
  // What it has to do with the session's prepared statements, by their own names.
  StatementNames statement_names = StatementNames::none;
  DefinitionWords definitions;   // what it may change of what pgweir has read
  bool touches_context = false;  // it may set, until the end of its transaction, what analysis reads

  // Whether nothing has to be noted when it is called.
  bool is_free() const {
    return verdict == FunctionVerdict::harmless && knowledge == CodeKnowledge::whole && !changes_schema &&
           definitions.empty() && !touches_context && statement_names == StatementNames::none;
  }
  void add(FunctionVerdict other);
  void add(CodeKnowledge other);
  void add(StatementNames other);
  void add(const FunctionEffects& other);
  void add_setting(std::string name);
  // The function sets something whose name is not known.
  void add_unnamed_setting();
  void add_pin(Pin pin);
  // The function runs something that cannot be read.
  void add_opaque();
};

}  // namespace pgweir
