// Variables that functions in a language other than SQL share for as long as their session lives. The server does not show
// them, and no statement undoes them.
//
// Sources: PostgreSQL, PL/Perl (Global Values in PL/Perl), PL/Python (Sharing Data), PL/Tcl (Global Data in PL/Tcl); the
// documentation of PL/v8 and of PL/Rust. Pure; any thread.
#pragma once

#include <string_view>

namespace pgweir {

// Whether code in this language names such variables, word by word, in comments and strings, too. What has no sign of its
// own is not seen: a variable of PL/Perl or PL/v8 that nobody has declared, or an attribute of an imported module. Of a
// language that is not known here all code counts. Not for SQL, PL/pgSQL, C and internal functions.
bool may_keep_globals(std::string_view language, std::string_view body);

}  // namespace pgweir
