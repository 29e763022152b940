// What the console's commands do to the process as a whole. Implemented by Server; main thread.
#pragma once

#include <string>

#include "config/settings.hpp"

namespace pgweir {

enum class Shutdown : std::uint8_t {
  at_once,
  when_released,     // each client ends as its transaction does
  when_clients_gone  // no new client logs in; those connected may stay
};

class Administration {
 public:
  virtual ~Administration() = default;
  virtual const config::Settings& settings() const = 0;
  // Returns an empty string when the reload is done; otherwise all problems, and nothing has changed.
  virtual std::string reload_file() = 0;
  // The value holds until the next reload_file().
  virtual std::string override_setting(const std::string& path, const std::string& value) = 0;
  virtual void shut_down(Shutdown how) = 0;
};

}  // namespace pgweir
