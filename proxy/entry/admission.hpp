// A client that has proved who it is: which pool serves it, with which settings, and what it is told. Thread
// rule: the session's worker.
#pragma once

#include <cstdint>
#include <memory>

#include "proxy/entry/session_parts.hpp"
#include "proxy/exchange/exchange.hpp"
#include "proxy/login/client_login.hpp"

namespace pgweir {

class Pool;

class Admission {
 public:
  Admission(SessionParts parts, Exchange& exchange) : parts_(parts), x_(exchange) {}

  // Null: the client may not use what it has asked for, and the session has ended.
  std::shared_ptr<Pool> admit(const ClientLogin& login);
  // False: it is not known yet what becomes of these startup settings, so a backend has to say it.
  bool recall(const SettingMap& settings);
  // The session's backend has said what became of them.
  void learned(const SettingMap& settings);
  // Tells the client that it is logged in, and returns its key for cancels.
  std::uint32_t welcome(const ClientLogin& login);

 private:
  void keep_startup(const SettingMap& settings);
  MapRef known_parameters() const;
  MapRef with_application_name(SettingMap parameters) const;
  void remember_greeting(const SettingMap& settings);

  SessionParts parts_;
  Exchange& x_;
  std::shared_ptr<Pool> pool_;
  std::uint64_t epoch_ = 0;  // the epoch of the pool's knowledge about logins
};

}  // namespace pgweir
