#include "proxy/dashboard/page.hpp"

#include <openssl/evp.h>

#include <array>
#include <stdexcept>
#include <string_view>

#include "proxy/dashboard/page_files.hpp"

namespace pgweir::dashboard {
namespace {

std::string base64(const unsigned char* data, std::size_t size) {
  std::string text(4 * ((size + 2) / 3) + 1, '\0');
  const int length =
      ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), data, static_cast<int>(size));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

// The hash as a policy names it.
std::string hash(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (::EVP_Digest(text.data(), text.size(), digest.data(), &size, ::EVP_sha256(), nullptr) != 1)
    throw std::runtime_error("SHA-256 is not available");
  return "'sha256-" + base64(digest.data(), size) + "'";
}

void put(std::string& html, std::string_view place, std::string_view text) {
  const std::size_t at = html.find(place);
  if (at == std::string::npos) throw std::logic_error("page.html has no place for " + std::string(place));
  html.replace(at, place.size(), text);
}

}  // namespace

Page make_page() {
  Page page{std::string(page_html), {}};
  put(page.html, "/* page.css */", page_css);
  put(page.html, "/* page.js */", page_js);
  page.policy = "default-src 'none'; connect-src 'self'; style-src " + hash(page_css) + "; script-src " +
                hash(page_js) +
                "; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
  return page;
}

}  // namespace pgweir::dashboard
