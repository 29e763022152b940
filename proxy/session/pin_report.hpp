// Why a session keeps its backend, for those who want to know: metrics, the log, and a notice for the client.
// Thread rule: the session's worker.
#pragma once

#include <memory>
#include <string>

#include "proxy/exchange/exchange.hpp"

namespace pgweir {

class PinReport final {
 public:
  explicit PinReport(Exchange& exchange) : x_(exchange) {}

  // What metrics and log know, while the session is pinned.
  struct Record {
    TimePoint since;
    std::string statement;  // its first words
  };
  const Record* record() const { return record_.get(); }
  PinSet reported() const { return reported_; }
  std::string statement() const { return record_ ? record_->statement : std::string(); }

  // Its pins are not those that were reported last.
  bool is_outdated() const { return x_.pins != reported_; }
  // Its pins are settled. `cause`: the first words of the statement that may have pinned; `tell`: the client
  // may be told, too.
  void update(std::string cause, bool tell);
  // The client leaves; what it is pinned for still has to be cleaned up.
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
