// The page: page.html with page.css and the scripts in their places, one self-contained document. Built into
// the program. Pure.
#pragma once

#include <string>

namespace pgweir::dashboard {

struct Page {
  std::string html;
  // The Content-Security-Policy: only this style and this script, by their hashes, and requests to the same
  // server.
  std::string policy;
};

Page make_page();

}  // namespace pgweir::dashboard
