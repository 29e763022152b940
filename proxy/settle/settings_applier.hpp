// Makes the backend's settings those of the client, between two transactions, before its first statement goes
// out. Thread rule: the session's worker.
#pragma once

#include <cstdint>

#include "proxy/exchange/exchange.hpp"

namespace pgweir {

class SettingsApplier final {
 public:
  // This many backends may refuse the client's settings before the client is told.
  static constexpr unsigned attempts_max = 3;

  explicit SettingsApplier(Exchange& exchange) : x_(exchange) {}

  // False: the client's message has to wait until they are applied.
  bool apply() { return x_.backend->applied == x_.client.desired ? !holds() : apply_changed(); }
  // A prelude that has to succeed first is still under way.
  bool holds() const { return must_succeed_ && !x_.own.empty(); }

  enum class Failure : std::uint8_t {
    as_other_role,  // the settings are applied anew, as the role that the client had
    other_backend,  // a backend with another past may take them (temp_buffers)
    refused,        // the client is told
  };
  // The server has refused the prelude: none of it happened.
  Failure failed();
  // The backend goes back, with the client's settings.
  void succeeded() { failures_ = 0; }

 private:
  bool apply_changed();
  bool needs_other_role() const;

  Exchange& x_;
  MapRef before_;  // what the backend had before the last prelude
  bool must_succeed_ = false;
  unsigned failures_ = 0;  // how many backends in a row have refused
};

}  // namespace pgweir
