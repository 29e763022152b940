// Texts and names as SQL that means them, whatever the server's settings are. Pure.
#pragma once

#include <string>
#include <string_view>

namespace pgweir {

std::string quote_literal(std::string_view text);
std::string quote_identifier(std::string_view name);
bool is_ascii(std::string_view text);
// An SQL expression for a text in UTF-8, whatever the client_encoding is; if it is not valid as such, for
// bytes in the client_encoding at the moment when it is evaluated.
std::string text_expression(std::string_view text);

}  // namespace pgweir
