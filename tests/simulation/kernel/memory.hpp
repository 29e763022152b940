// What the program under test has allocated, and the chance that it is refused a large buffer. All of the simulation
// allocates by this operator new; only what is asked for while it Allocates is the program's.
#pragma once

#include <cstddef>

namespace pgweir::simulation {

class Random;

class ProgramMemory {
 public:
  // Smaller pieces are never refused: they are parts of tables that all share.
  static constexpr std::size_t large = 64 * 1024;

  static std::size_t in_use();
  static std::size_t most();
  // From now on large pieces are refused with this chance. Null: never.
  static void refuse(Random* random, double chance);
};

// Says whose the pieces are that are allocated until this is destroyed.
class Allocates {
 public:
  enum class Who : bool { simulation, program };
  explicit Allocates(Who who);
  ~Allocates();
  Allocates(const Allocates&) = delete;
  Allocates& operator=(const Allocates&) = delete;

 private:
  const bool before_;
};

}  // namespace pgweir::simulation
