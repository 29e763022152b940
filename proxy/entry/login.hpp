// The first part of a session finds out who its client is. It ends with a client that has proved who it is,
// or with a session that is over. Thread rule: the session's worker.
#pragma once

#include <memory>
#include <string>

#include "proxy/entry/session_parts.hpp"
#include "proxy/login/client_login.hpp"
#include "proxy/net/task.hpp"

namespace pgweir {

// Who a client says it is. Only what the log may tell.
struct ClientClaim {
  std::string database;
  std::string user;
  std::string application_name;
};

class Login {
 public:
  explicit Login(SessionParts parts) : parts_(parts) {}

  // False: the session has ended.
  Task<bool> run();
  // What the client has said; valid after run().
  const ClientLogin& client() const { return *login_; }
  // At any time; null: it has not said anything yet.
  std::unique_ptr<const ClientClaim> claim() const;

 private:
  Task<bool> read_proxy_header();
  Task<> hold_failure(const std::string& user);
  void forward_cancel(const CancelRequest& request);

  SessionParts parts_;
  std::unique_ptr<ClientLogin> login_;
};

}  // namespace pgweir
