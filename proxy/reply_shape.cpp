// What the server says of prepared statements: whether they are what their clients were told.
#include "protocol/frontend.hpp"
#include "proxy/pool.hpp"
#include "proxy/reply_path.hpp"
#include "proxy/worker.hpp"

namespace pgweir {

using Description = BackendStatements::Description;

// Asked for by us behind a Parse; or by the client, of its unnamed statement, of which nobody else tells.
void ReplyPath::take_description(const Piece& piece) {
  if (piece.first) {
    described_ = {};
    const Expected* const oldest = x_.tracker.oldest();
    if (oldest == nullptr || oldest->reply != Reply::describe_statement || !oldest->statement) return;
    const bool is_unnamed = oldest->statement->server_name.empty();
    if (oldest->purpose == Purpose::plain && !is_unnamed) return;
    described_ = {oldest->statement, oldest->purpose, oldest->spelled};
  }
  const bool is_description = piece.type == static_cast<char>(BackendType::ParameterDescription) ||
                              piece.type == static_cast<char>(BackendType::RowDescription) ||
                              piece.type == static_cast<char>(BackendType::NoData);
  if (!is_description) return;
  shape_.take(piece);
  if (!piece.last) return;
  if (piece.type == static_cast<char>(BackendType::ParameterDescription)) return;
  if (std::optional<StatementShape> shape = shape_.take_shape()) {
    learn_shape(*std::move(shape));
  } else {
    x_.backend->statements.describe(described_.statement, Description::same);  // nobody can tell
  }
  described_ = {};
}

void ReplyPath::learn_shape(StatementShape shape) {
  const Statement& statement = *described_.statement;
  BackendStatements& held = x_.backend->statements;
  const StatementShape* known = statement.shape.get();
  if (known == nullptr) known = &statement.shape.learn(shape);
  const bool same = *known == shape;
  held.describe(described_.statement, same ? Description::same : Description::changed);
  if (statement.server_name.empty()) return;
  if (!same) return shape_changed(shape);
  const ParseMoment moment = held.moment_of(described_.statement);
  if (described_.purpose == Purpose::confirm_parse && moment.schema_version != 0)
    x_.pool->statements().confirm(described_.statement, moment);
}

// Other clients of this statement go on by what they were told. This one has just parsed it, or is going to
// be told that its plan is stale.
void ReplyPath::shape_changed(const StatementShape& shape) {
  if (described_.purpose != Purpose::confirm_parse || !described_.name)
    return x_.pool->statements().forget(described_.statement);
  const StatementRef fresh = x_.pool->statements().renew(described_.statement);
  fresh->shape.learn(shape);
  const std::string_view name = truncate_identifier(*described_.name);
  const auto held = x_.statements.committed().find(name);
  if (held == x_.statements.committed().end() || held->second.statement != described_.statement) return;
  const bool was_described = held->second.described;
  x_.statements.put(name, fresh);
  if (was_described) x_.statements.mark_described(name);
}

}  // namespace pgweir
