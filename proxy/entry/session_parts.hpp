// What the steps of a session work on: login, console, goodbye. Thread rule: the session's worker.
#pragma once

#include <cstdint>

#include "proxy/entry/client_link.hpp"
#include "proxy/entry/life.hpp"
#include "proxy/net/readiness.hpp"

namespace pgweir {

struct SessionContext;

struct SessionParts {
  Worker& worker;
  const SessionContext& context;
  Waker& waker;
  ClientLink& link;
  Life& life;
  std::uint64_t id;  // of the session
};

}  // namespace pgweir
