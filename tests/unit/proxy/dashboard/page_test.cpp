#include "proxy/dashboard/page.hpp"

#include <catch2/catch.hpp>

#include "proxy/dashboard/page_files.hpp"

namespace pgweir::dashboard {
namespace {

std::size_t count(const std::string& text, std::string_view word) {
  std::size_t found = 0;
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++found;
  return found;
}

TEST_CASE("the page has its style and its script inside, and nothing from elsewhere") {
  const Page page = make_page();
  CHECK(count(page.html, "<style>") == 1);
  CHECK(count(page.html, "<script>") == 1);
  CHECK(page.html.find("<style>" + std::string(page_css) + "</style>") != std::string::npos);
  CHECK(page.html.find("<script>" + std::string(page_js) + "</script>") != std::string::npos);
  // The namespace of SVG is a name that nobody fetches.
  CHECK(count(page.html, "//www.w3.org/2000/svg") == count(page.html, "://"));
  for (const char* word : {"src=", "@import", "innerHTML", "insertAdjacentHTML", "document.write", "eval(",
                           "style=", "onclick", "cookie", "localStorage"}) {
    INFO(word);
    CHECK(count(page.html, word) == 0);
  }
}

TEST_CASE("the policy admits what is inside by its hash, and no source beside it") {
  const Page page = make_page();
  CHECK(page.policy.rfind("default-src 'none'; ", 0) == 0);
  CHECK(count(page.policy, "'sha256-") == 2);
  CHECK(page.policy.find("unsafe") == std::string::npos);
  CHECK(page.policy.find("http") == std::string::npos);
}

}  // namespace
}  // namespace pgweir::dashboard
