// The password of a user who is not in the file is what a client has told and the server has taken, by a
// login that takes a place in the pool and stays in it. A pool that has not seen one yet is a candidate:
// nobody but its proofs knows of it, and it goes with them. What is known then is PassThrough's.
// Thread rule: any worker's thread; `here` is the caller's worker.
#pragma once

#include <functional>
#include <memory>

#include "proxy/login/password_proofs.hpp"
#include "proxy/net/task.hpp"
#include "proxy/pool/pool_core.hpp"

namespace pgweir {

// The server has taken the password of this target. False: no client may use the pool for all that.
using PublishPool = std::function<bool(const std::shared_ptr<const PoolTarget>& target)>;

// Lets the server judge a password, and tells `proof` and those who wait for it.
Task<> prove_password(Worker& here, PoolCoreRef core, config::Secret password, PasswordDigest digest,
                      PasswordProofs::Ref proof, PublishPool publish);

}  // namespace pgweir
