// The supply of a pool with backends: opens what is missing, lets in what has been opened, and sees off what
// has to go. Which and how many PoolState decides.
// Thread rule: any worker's thread; `here` is the caller's worker, and none holds the pool's mutex.
#pragma once

#include <memory>

#include "proxy/base/backend_reason.hpp"
#include "proxy/pool/pool_core.hpp"

namespace pgweir {

// Begins as many logins as are wanted now, and may be.
void open_missing(PoolCore& core, Worker& here);
// A backend has logged in: to the oldest waiter, to the idle ones, or off again if it is outdated.
void let_in(PoolCore& core, std::shared_ptr<Backend> backend, Worker& here);
// Gives up a borrowed backend: it is closed, and its slot is free when the server has closed it too.
void give_up(PoolCore& core, Backend& backend, BackendClose reason, Worker& here);
// Closes a backend that counts as leaving already.
void see_off(PoolCore& core, Backend& backend, BackendClose reason, Worker& here);

}  // namespace pgweir
