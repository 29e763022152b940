// Texts and names as SQL that has their meaning under any settings of the server. Pure.
#pragma once

#include <string>
#include <string_view>

namespace pgweir {

std::string quote_literal(std::string_view text);
std::string quote_identifier(std::string_view name);
bool is_ascii(std::string_view text);
// An SQL expression for a text in UTF-8, whatever the client_encoding is; if the text is not valid UTF-8, for
// its bytes in the client_encoding at the moment of evaluation.
std::string text_expression(std::string_view text);

}  // namespace pgweir
