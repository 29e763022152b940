// The supply of a pool with backends: opens missing ones, takes in those that have been opened, and closes
// those that have to go. PoolState decides which and how many.
#pragma once

#include <memory>

#include "proxy/base/backend_reason.hpp"
#include "proxy/pool/pool_core.hpp"

namespace pgweir {

// Begins as many logins as are needed and allowed now.
void open_missing(PoolCore& core, Worker& here);
// A backend has logged in: it goes to the oldest waiter, to the idle ones, or off again if it is outdated.
void let_in(PoolCore& core, std::shared_ptr<Backend> backend, Worker& here);
// Gives up a borrowed backend: it is closed, and its slot is free when the server has closed it too.
void give_up(PoolCore& core, Backend& backend, BackendClose reason, Worker& here);
// Closes a backend that counts as leaving already.
void see_off(PoolCore& core, Backend& backend, BackendClose reason, Worker& here);

}  // namespace pgweir
