#include "proxy/session/statement_log.hpp"

#include <chrono>
#include <string>

#include "proxy/base/log.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {

void log_statement(const SessionParts& parts, const Exchange& exchange, std::string_view event, Reason reason,
                   TimePoint since, std::string_view cause) {
  const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(exchange.worker.now() - since);
  log::info(event, {{"client", std::to_string(parts.id)},
                    {"reason", text_of(reason).name},
                    {"database", exchange.pool->database()},
                    {"user", exchange.pool->user()},
                    {"application_name", exchange.client.application_name()},
                    {"peer", parts.link.peer},
                    {"cause", cause},
                    {"waited_ms", std::to_string(waited.count())}});
}

}  // namespace pgweir
