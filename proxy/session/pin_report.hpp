// Reports why a session keeps its backend: to the metrics, the log, and the client as a notice. Thread rule:
// the session's worker.
#pragma once

#include <memory>
#include <string>

#include "proxy/exchange/exchange.hpp"

namespace pgweir {

class PinReport final {
 public:
  explicit PinReport(Exchange& exchange) : x_(exchange) {}

  // What metrics and log show while the session is pinned.
  struct Record {
    TimePoint since;
    std::string statement;  // the first words of the statement that pinned it
  };
  const Record* record() const { return record_.get(); }
  PinSet reported() const { return reported_; }
  std::string statement() const { return record_ ? record_->statement : std::string(); }

  // Whether the session's pins are others than those that were reported last.
  bool is_outdated() const { return x_.pins != reported_; }
  // The session's pins are settled. `cause`: the first words of the statement that may have pinned; `tell`:
  // the client may be told, too.
  void update(std::string cause, bool tell);
  // The client leaves; what pinned it still has to be cleaned up.
  void end();

 private:
  void count(PinSet pins, std::string cause, bool tell);
  void report(PinSet begun, std::string cause, bool tell);
  void write_notice(Pin pin);

  Exchange& x_;
  PinSet reported_;
  std::unique_ptr<Record> record_;
};

}  // namespace pgweir
