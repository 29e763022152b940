// Learns from the server's descriptions whether prepared statements are what their clients were told. Thread
// rule: the session's worker.
#pragma once

#include <memory>
#include <string>

#include "protocol/framer.hpp"
#include "proxy/backend/shape_reader.hpp"
#include "proxy/exchange/exchange.hpp"

namespace pgweir {

class ShapeLearner final {
 public:
  explicit ShapeLearner(Exchange& exchange) : x_(exchange) {}

  // A description is arriving, or may begin with the message in hand.
  bool is_concerned() const {
    if (described_) return true;
    const Expected* const oldest = x_.tracker.oldest();
    return oldest != nullptr && oldest->reply == Reply::describe_statement;
  }
  bool is_learning() const { return described_ != nullptr; }
  void take(const Piece& piece);

 private:
  // The statement whose description is arriving, the purpose, and the client's name for it.
  struct Described {
    StatementRef statement;
    Purpose purpose = Purpose::plain;
    std::shared_ptr<const std::string> name;
    ShapeReader shape{};
  };
  void learn_shape(const Described& described, const StatementShape& shape);
  void shape_changed(const Described& described, const StatementShape& shape);

  Exchange& x_;
  std::unique_ptr<Described> described_;
};

}  // namespace pgweir
