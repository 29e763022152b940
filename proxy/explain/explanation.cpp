#include "proxy/explain/explanation.hpp"

namespace pgweir {

std::string_view to_string(EffectKind kind) {
  switch (kind) {
    case EffectKind::follows:
      return "follows";
    case EffectKind::transaction:
      return "transaction";
    case EffectKind::may_pin:
      return "may_pin";
    case EffectKind::may_unpin:
      return "may_unpin";
    case EffectKind::judged:
      return "judged";
    case EffectKind::served:
      return "served";
    case EffectKind::unclear:
      return "unclear";
    case EffectKind::note:
      return "note";
  }
  return "note";
}

std::string_view to_string(Doubt doubt) {
  switch (doubt) {
    case Doubt::functions:
      return "functions";
    case Doubt::triggers:
      return "triggers";
    case Doubt::sequence_values:
      return "sequence values";
    case Doubt::prepared_statements:
      return "prepared statements";
  }
  return "functions";
}

void Explanation::add(EffectKind kind, std::string_view text) {
  effects.push_back({kind, {}, std::string(text)});
}

void ExplainedStatement::add(EffectKind kind, std::vector<std::string> names, std::string_view text) {
  effects.push_back({kind, std::move(names), std::string(text)});
}

void ExplainedStatement::add_pin(Pin pin, std::string_view when) {
  pins.insert(pin);
  std::string text(text_of(pin).what);
  if (!when.empty()) text += "; " + std::string(when);
  if (visible_pins.contains(pin)) text += "; the server is asked after the transaction";
  text += "; the pin ends " + std::string(text_of(pin).ends);
  add(EffectKind::may_pin, {std::string(text_of(pin).name)}, text);
}

}  // namespace pgweir
