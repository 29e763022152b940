// What the server says that a prepared statement takes and returns: the types of its parameters and the
// columns of its rows. A client that was told once goes on reading rows by that, so a statement that is
// parsed again, on another server connection or after DDL, may stand for it only with the same shape. The
// source is ParameterDescription, RowDescription and NoData (PostgreSQL documentation, 55.7).
#pragma once

#include <atomic>

#include "protocol/bytes.hpp"

namespace pgweir {

struct StatementShape {
  ByteBuffer parameter_types;  // the count and the OIDs: what a Parse that declares them all carries
  // The count, and of each column its name, type and modifier: this is what PostgreSQL compares, too
  // (RevalidateCachedQuery). Empty: the statement returns no rows.
  ByteBuffer columns;
  bool operator==(const StatementShape&) const = default;
};

// Reads a whole RowDescription into the form of StatementShape::columns.
Errc read_columns(ByteView row_description, ByteBuffer& out);

// The first shape that was learned; it never changes afterwards. Any thread.
class LearnedShape {
 public:
  LearnedShape() = default;
  ~LearnedShape() { delete shape_.load(std::memory_order_relaxed); }
  LearnedShape(const LearnedShape&) = delete;
  LearnedShape& operator=(const LearnedShape&) = delete;

  // Null: not known yet. Lives as long as this.
  const StatementShape* get() const { return shape_.load(std::memory_order_acquire); }
  // Keeps `shape` unless there is one, and returns the one that is kept.
  const StatementShape& learn(StatementShape shape) const;

 private:
  mutable std::atomic<const StatementShape*> shape_{nullptr};
};

}  // namespace pgweir
