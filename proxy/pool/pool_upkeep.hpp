// The pool between queries: a janitor's round.
// Thread rule: any worker's thread; `here` is the caller's worker.
#pragma once

#include "proxy/pool/pool_core.hpp"

namespace pgweir {

// Opens what is missing, closes what is too old, reads what idle backends of this worker say, asks one of
// them about the role where that is due, and forgets what is known of the code when that is old.
void keep_up(PoolCore& core, Worker& here);

}  // namespace pgweir
