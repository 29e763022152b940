// A connection until its session has begun: the startup packet, the password, the settings of the login.
#pragma once

#include "protocol/authentication.hpp"
#include "protocol/startup.hpp"
#include "tests/simulation/model/session_state.hpp"

namespace pgweir::simulation {

class Login {
 public:
  Login(SessionState& state, std::uint32_t secret) : s_(state), secret_(secret) {}

  enum class Step { need_more, go_on, done, closed };
  // Takes one packet off the front of `input`. Throws SqlError, which ends the connection.
  Step take(ByteBuffer& input);

 private:
  Step take_startup(ByteBuffer& input);
  Step take_password(ByteBuffer& input);
  Step authenticate();
  void enter();
  void apply(const std::string& name, const std::string& value, SettingSource source);

  SessionState& s_;
  std::uint32_t secret_;
  bool asked_password_ = false;
  StartupMessage message_;
  Md5Salt salt_{1, 2, 3, 4};
};

}  // namespace pgweir::simulation
