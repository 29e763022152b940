// How a login ended, for the checks about it: L13 to L19.
#pragma once

#include "proxy/doctor/live_probe.hpp"
#include "proxy/doctor/sql_session.hpp"

namespace pgweir::doctor {

// Logs in by the connection that start_tls() has made.
std::optional<ServerRefusal> try_login(Probe& probe, const std::string& user, const config::Secret& password);
// The server's words, as evidence.
std::vector<Evidence> words_of(const ServerRefusal& refusal);
// Judges the refusal of a password.
Finding judge_refusal(const Probe& probe, const ServerRefusal& refusal);
void pass_login(Probe& probe);

// in live_login_aws.cpp
bool log_in_by_token(Probe& probe);
bool log_in_by_secret(Probe& probe);

}  // namespace pgweir::doctor
