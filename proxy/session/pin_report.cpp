#include "proxy/session/pin_report.hpp"

#include <utility>

#include "protocol/error_response.hpp"
#include "protocol/sqlstate.hpp"
#include "proxy/base/log.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {

void PinReport::update(std::string cause, bool tell) {
  count(x_.pins, std::move(cause), tell);
}

void PinReport::end() {
  if (!reported_.empty()) count({}, {}, false);
}

void PinReport::count(PinSet pins, std::string cause, bool tell) {
  PoolCounters& counters = x_.commons->counters(x_.worker);
  const bool was_pinned = !reported_.empty();
  PinSet begun = pins;
  begun.erase(reported_);
  for (std::size_t i = 0; i < pin_count; ++i) {
    const Pin pin = static_cast<Pin>(i);
    if (begun.contains(pin)) {
      counters.pins[i].add();
      counters.pinned[i].add();
    } else if (reported_.contains(pin) && !pins.contains(pin)) {
      counters.pinned[i].subtract();
    }
  }
  reported_ = pins;
  if (!was_pinned) record_ = std::make_unique<Record>(Record{x_.worker.now(), {}});
  if (!begun.empty()) report(begun, std::move(cause), tell);
  if (!pins.empty() || !was_pinned) return;
  counters.pin.observe(x_.worker.now() - record_->since);
  record_.reset();
  log::debug("session_unpinned", {{"client", std::to_string(x_.session_id)},
                                  {"database", x_.pool->database()},
                                  {"user", x_.pool->user()}});
}

// In session mode every client is pinned, so that a pin is not worth a report.
void PinReport::report(PinSet begun, std::string cause, bool tell) {
  begun.erase({Pin::session_mode});
  if (begun.empty()) return;
  log::info("session_pinned", {{"client", std::to_string(x_.session_id)},
                               {"database", x_.pool->database()},
                               {"user", x_.pool->user()},
                               {"application_name", x_.client.application_name()},
                               {"reason", to_string(begun)},
                               {"statement", cause}});
  record_->statement = std::move(cause);
  if (!tell || !x_.pool->settings()->pin_notice) return;
  for (std::size_t i = 0; i < pin_count; ++i) {
    if (begun.contains(static_cast<Pin>(i))) write_notice(static_cast<Pin>(i));
  }
}

void PinReport::write_notice(Pin pin) {
  const PinText& text = text_of(pin);
  const std::string message =
      "pgweir keeps this session on one server connection: " + std::string(text.what) + "; that ends " +
      std::string(text.ends);
  ErrorFields fields;
  fields.severity = "NOTICE";
  fields.code = sqlstate::successful_completion;
  fields.message = message;
  write_notice_response(x_.worker.to_client().own(), fields);
  x_.worker.to_client().end_own();
}

}  // namespace pgweir
