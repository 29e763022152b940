// How a statement of the model ends early: with an error, or by having to wait.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "tests/simulation/model/types.hpp"

namespace pgweir::simulation {

struct SqlError {
  std::string code;
  std::string message;
  std::size_t position = 0;  // from 1 on, as the protocol counts; 0: none
  std::string detail = {};
  std::string hint = {};
  std::string context = {};
  std::string severity = "ERROR";
  std::string routine = "model";  // drivers look at it
};

[[noreturn]] inline void fail(std::string code, std::string message, std::size_t position = 0) {
  throw SqlError{std::move(code), std::move(message), position};
}

// What the model was never taught must not pass for an answer of PostgreSQL's.
[[noreturn]] void not_understood(std::string_view text);

// Thrown out of a statement that has to wait; the session begins it again later. What it has done already is
// in the Replay (replay.hpp).
struct Blocked {
  bool by_lock = false;
  std::optional<Time> until = {};
  bool for_copy = false;  // for the client's data
  // Of the error that ends the wait; a cancel has no position.
  std::string context = {};
  std::size_t position = 0;
};

}  // namespace pgweir::simulation
