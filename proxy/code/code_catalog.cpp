#include "proxy/code/code_catalog.hpp"

namespace pgweir {

void CodeCatalog::forget() {
  functions_.forget_all();
  triggers_.forget();
  definitions_.forget();
}

}  // namespace pgweir
