#include "proxy/code/unseen_code.hpp"

#include "proxy/code/function_source.hpp"
#include "proxy/state/sql_quote.hpp"

namespace pgweir {

FunctionEffects UnseenCode::effects() const {
  const std::lock_guard lock(mutex_);
  return effects_;
}

void UnseenCode::learn(const FunctionEffects& effects) {
  const std::lock_guard lock(mutex_);
  effects_ = effects;
  // A function that stays unknown is not asked for again and again.
  if (effects_.knowledge == CodeKnowledge::unread) {
    effects_.knowledge = CodeKnowledge::whole;
    effects_.add_opaque();
  }
  verdict_.store(effects_.verdict, std::memory_order_release);
  is_free_.store(effects_.is_free(), std::memory_order_release);
}

// Internal triggers (foreign keys) run the server's own functions.
std::string triggers_query() {
  return "SELECT DISTINCT " + replace_non_ascii("p.proname::pg_catalog.text") +
         " FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p"
         " ON p.oid OPERATOR(pg_catalog.=) t.tgfoid WHERE NOT t.tgisinternal LIMIT " +
         std::to_string(UnseenCode::functions_max + 1);
}

// With a schema, whichever: these are no built-in functions, although one may have the name of one.
std::string call_of_all(const std::vector<std::string>& functions) {
  std::string text = "SELECT ";
  for (const std::string& name : functions) {
    if (text.back() == ')') text += ',';
    text += "public." + quote_identifier(name) + "()";
  }
  return text;
}

}  // namespace pgweir
