// Bodies of ErrorResponse and NoticeResponse from a hostile server. Oracle: rewriting nothing changes
// nothing, and rewriting forth and back (to a text that does not occur) is the identity.
#include <cstdlib>
#include <string>

#include "protocol/error_response.hpp"

using namespace pgweir;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView body(data, size);
  const ByteBuffer original(body.begin(), body.end());
  ErrorView view;
  ByteBuffer copy;
  const Errc parsed = ErrorView::parse(body, view);
  require(rewrite_message(body, "", "x", copy) == parsed);
  require(copy == (parsed == Errc::ok ? original : ByteBuffer{}));
  if (parsed != Errc::ok) return 0;

  (void)view.severity();
  (void)view.code();
  const std::string from = "\"s1\"";
  const std::string unused = "\"another name\"";
  if (as_text(body).find(unused) != std::string_view::npos) return 0;
  ByteBuffer forth, back;
  require(rewrite_message(body, from, unused, forth) == Errc::ok);
  for (const char letter : {'M', 'D', 'H'}) {
    ErrorView changed;
    require(ErrorView::parse(forth, changed) == Errc::ok);
    if (const auto text = changed.field(letter))
      require(text->find(unused) != std::string_view::npos || *text == view.field(letter));
  }
  require(rewrite_message(forth, unused, from, back) == Errc::ok);
  require(back == original);
  return 0;
}
