#include "proxy/reply/shape_learner.hpp"

#include "protocol/backend.hpp"
#include "protocol/frontend.hpp"
#include "proxy/pool/pool_commons.hpp"

namespace pgweir {

using Description = BackendStatements::Description;

// Learns from descriptions: those that pgweir asks for after a Parse, and those that the client asks for of
// its unnamed statement or of one that SQL has prepared, which have no other source.
void ShapeLearner::take(const Piece& piece) {
  const bool is_description = piece.type == static_cast<char>(BackendType::ParameterDescription) ||
                              piece.type == static_cast<char>(BackendType::RowDescription) ||
                              piece.type == static_cast<char>(BackendType::NoData);
  if (!is_description) return;
  if (piece.first) {
    const Expected* const oldest = x_.tracker.oldest();
    const bool wanted = oldest != nullptr && oldest->reply == Reply::describe_statement &&
                        oldest->statement &&
                        (oldest->purpose != Purpose::plain || oldest->statement->server_name.empty() ||
                         oldest->statement->by_sql);
    // The columns come after the parameters.
    const bool goes_on = wanted && described_ && described_->statement == oldest->statement &&
                         piece.type != static_cast<char>(BackendType::ParameterDescription);
    if (!goes_on) described_.reset();
    if (!wanted) return;
    if (!goes_on)
      described_ =
          std::make_unique<Described>(Described{oldest->statement, oldest->purpose, oldest->spelled});
  }
  described_->shape.take(piece);
  if (!piece.last || piece.type == static_cast<char>(BackendType::ParameterDescription)) return;
  const std::unique_ptr<Described> described = std::move(described_);
  if (const std::optional<StatementShape> shape = described->shape.take_shape()) {
    learn_shape(*described, *shape);
  } else {
    x_.backend->statements.describe(described->statement, Description::same);  // not to be known
  }
}

void ShapeLearner::learn_shape(const Described& described, const StatementShape& shape) {
  const Statement& statement = *described.statement;
  BackendStatements& on_backend = x_.backend->statements;
  const StatementShape* known = statement.shape.get();
  if (known == nullptr) known = &statement.shape.learn(shape);
  const bool same = *known == shape;
  on_backend.describe(described.statement, same ? Description::same : Description::changed);
  if (statement.server_name.empty()) return;
  if (!same) shape_changed(described, shape);
}

// Other clients of this statement rely on what they were told. This one has just parsed it, or will be told
// that its plan is stale.
void ShapeLearner::shape_changed(const Described& described, const StatementShape& shape) {
  if (described.purpose != Purpose::confirm_parse || !described.name)
    return x_.commons->statements().forget(described.statement);
  const StatementRef fresh = x_.commons->statements().renew(described.statement);
  fresh->shape.learn(shape);
  const std::string_view name = truncate_identifier(*described.name);
  const auto held = x_.statements.committed().find(name);
  if (held == x_.statements.committed().end() || held->second.statement != described.statement) return;
  const bool was_described = held->second.described;
  x_.statements.put(name, fresh);
  if (was_described) x_.statements.mark_described(name);
}

}  // namespace pgweir
