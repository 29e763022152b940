// What a client sends after its login: cutting it into messages, and reading them. A Parse that can be read
// is written back byte for byte, because that is how it reaches another backend.
#include "protocol/frontend.hpp"
#include "tests/fuzz/framer_check.hpp"

namespace {

using namespace pgweir;
using fuzz::require;

bool same(ByteView a, ByteView b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

void read_parse(const Piece& piece) {
  ParseView v;
  if (parse_parse(piece.body(), v) != Errc::ok) return;
  ByteBuffer again;
  write_parse(again, v.name, v.text, v.parameter_types);
  require(same(again, piece.bytes));
}

void read_bind(const Piece& piece) {
  BindView v;
  if (parse_bind(piece.body(), v) != Errc::ok) return;
  ByteBuffer again;
  const std::size_t later = piece.body_size - piece.body().size();
  write_bind_head(again, v.portal, v.statement, v.rest.size() + later);
  again.insert(again.end(), v.rest.begin(), v.rest.end());
  require(same(again, piece.bytes));
}

void read_others(const Piece& piece) {
  QueryView query;
  if (piece.type == 'Q' && parse_query(piece.body(), query) == Errc::ok) {
    ByteBuffer again;
    write_query(again, query.text);
    require(same(again, piece.bytes));
  }
  TargetView target;
  if (parse_target(piece.body(), target) == Errc::ok) {
    require(truncate_identifier(target.name).size() <= identifier_max);
    require(target.name.size() + 2 == piece.body().size());
  }
  ExecuteView execute;
  if (parse_execute(piece.body(), execute) == Errc::ok) {
    require(execute.portal.size() + 5 == piece.body().size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::check_framing(frontend_rule, ByteView(data, size), [](const Piece& piece) {
    if (piece.type == 'P' && piece.whole()) read_parse(piece);
    if (piece.type == 'B' && piece.first) read_bind(piece);
    if (piece.whole()) read_others(piece);
  });
  return 0;
}
