// page.html, page.css and the scripts as they are in the source tree; see page_files.cpp.in.
#pragma once

#include <string_view>

namespace pgweir::dashboard {

extern const std::string_view page_html;
extern const std::string_view page_css;
extern const std::string_view page_js;

}  // namespace pgweir::dashboard
