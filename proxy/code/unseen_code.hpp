// What code that no text shows may leave behind in a session: all code of one kind in one database, either
// the triggers, of which every write may fire one, or what views, defaults and policies call. The server is
// asked once in a while, see FunctionTable; most databases have no code that leaves anything.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/code/function_effects.hpp"

namespace pgweir {

// Thread rule: any thread.
class UnseenCode {
 public:
  // Databases with more trigger functions than this are suspicious.
  static constexpr std::size_t functions_max = 2'048;

  // unknown: ask the server. One atomic load.
  FunctionVerdict verdict() const { return verdict_.load(std::memory_order_acquire); }
  // Harmless code may have to be noted all the same, see FunctionEffects::is_free().
  bool is_free() const { return is_free_.load(std::memory_order_acquire); }
  FunctionEffects effects() const;
  void learn(const FunctionEffects& effects);
  void forget() {
    is_free_.store(false, std::memory_order_release);
    verdict_.store(FunctionVerdict::unknown, std::memory_order_release);
  }

 private:
  std::atomic<FunctionVerdict> verdict_{FunctionVerdict::unknown};
  std::atomic<bool> is_free_{false};
  mutable std::mutex mutex_;
  FunctionEffects effects_;
};

// SQL for the names of all functions that the user's triggers and rules may call, one text in each row.
std::string triggers_query();
// A statement that calls them all, for FunctionTable::judge().
std::string call_of_all(const std::vector<std::string>& functions);

}  // namespace pgweir
