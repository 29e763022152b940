// What a CommandComplete tells of the session: tags are exact where texts are not. Keeps nothing itself: works
// on the session's Exchange. Thread rule: the session's worker.
#pragma once

#include "protocol/framer.hpp"
#include "proxy/exchange/exchange.hpp"

namespace pgweir {

class TagReader final {
 public:
  explicit TagReader(Exchange& exchange) : x_(exchange) {}

  void take(const Piece& piece);

 private:
  void take_own(const Piece& piece);
  void take_prepared();
  void note_prepared_changes(std::string_view tag);

  Exchange& x_;
};

}  // namespace pgweir
