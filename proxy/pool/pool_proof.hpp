// Proves the password that a client has told for a user who is not in the file: the server has to accept it,
// by a login that takes a place in the pool and stays there. A pool that has no password yet is a candidate:
// only its proofs know of it, and it goes with them. What is known then is PassThrough's.
#pragma once

#include <functional>
#include <memory>

#include "proxy/login/password_proofs.hpp"
#include "proxy/net/task.hpp"
#include "proxy/pool/pool_core.hpp"

namespace pgweir {

// The server has taken the password of this target. False: no client may use the pool nevertheless.
using PublishPool = std::function<bool(const std::shared_ptr<const PoolTarget>& target)>;

// Lets the server judge a password, and tells `proof` and the sessions that wait for it.
Task<> prove_password(Worker& here, PoolCoreRef core, config::Secret password, PasswordDigest digest,
                      PasswordProofs::Ref proof, PublishPool publish);

}  // namespace pgweir
