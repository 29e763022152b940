#include "proxy/explain/explain_pin_render.hpp"

#include <algorithm>
#include <array>

namespace pgweir {
namespace {

// Bytes of a name that are shown.
constexpr std::size_t name_max = 200;
constexpr std::size_t label_width = 12;
constexpr std::size_t text_width = 96;  // in bytes, after the label

constexpr std::string_view replacement = "\xef\xbf\xbd";  // U+FFFD

// The size of the character at the beginning of `text`, if it is well-formed UTF-8 of two bytes or more and
// no control character; otherwise 0.
std::size_t utf8_size(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  std::size_t size = 0;
  std::uint32_t code = 0;
  if (lead >= 0xc2 && lead <= 0xdf) size = 2, code = lead & 0x1fU;
  if (lead >= 0xe0 && lead <= 0xef) size = 3, code = lead & 0x0fU;
  if (lead >= 0xf0 && lead <= 0xf4) size = 4, code = lead & 0x07U;
  if (size == 0 || text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0U) != 0x80U) return 0;
    code = code << 6U | (byte(i) & 0x3fU);
  }
  constexpr std::array<std::uint32_t, 5> least{0, 0, 0xa0, 0x800, 0x10000};
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  return code < least[size] || code > 0x10ffff || surrogate ? 0 : size;
}

// What can be shown on a terminal, on one line.
std::string printable(std::string_view name) {
  std::string out;
  while (!name.empty() && out.size() < name_max) {
    const auto first = static_cast<unsigned char>(name.front());
    const bool ascii = first < 0x80;
    const std::size_t size = ascii ? 1 : utf8_size(name);
    const bool control = first < 0x20 || first == 0x7f;
    out += size == 0 || control ? replacement : name.substr(0, size);
    name.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return name.empty() ? out : out + "...";
}

// --- Text

enum class Style : std::uint8_t { plain, bold, dim, good, bad };

class TextWriter {
 public:
  explicit TextWriter(bool colour) : colour_(colour) {}

  TextWriter& write(std::string_view text, Style style = Style::plain) {
    if (!colour_ || style == Style::plain) {
      out_ += text;
    } else {
      (out_ += code(style)) += text;
      out_ += "\x1b[0m";
    }
    return *this;
  }
  void effects(const std::vector<ExplainedEffect>& effects);
  std::string take() { return std::move(out_); }

 private:
  static std::string_view code(Style style) {
    switch (style) {
      case Style::bold:
        return "\x1b[1m";
      case Style::dim:
        return "\x1b[2m";
      case Style::good:
        return "\x1b[32m";
      case Style::bad:
        return "\x1b[33m";
      case Style::plain:
        break;
    }
    return {};
  }

  bool colour_;
  std::string out_;
};

std::string label_of(EffectKind kind) {
  std::string label(to_string(kind));
  for (char& c : label) {
    if (c == '_') c = ' ';
  }
  return label + std::string(label_width - label.size(), ' ');
}

// The end of the first line of a text that is too long for one: at a space, if there is any, and never within
// a character.
std::size_t line_end(std::string_view text) {
  if (text.size() <= text_width) return text.size();
  std::size_t end = text.rfind(' ', text_width);
  if (end != std::string_view::npos && end > 0) return end;
  for (end = text_width; (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U; --end) {
  }
  return end;
}

void TextWriter::effects(const std::vector<ExplainedEffect>& effects) {
  for (const ExplainedEffect& effect : effects) {
    write("  ").write(label_of(effect.kind), effect.kind == EffectKind::may_pin ? Style::bad : Style::dim);
    std::string about;
    for (const std::string& name : effect.names) about += (about.empty() ? "" : ", ") + printable(name);
    const std::string whole = about.empty() ? effect.text : about + ": " + effect.text;
    for (std::string_view rest = whole; !rest.empty();) {
      if (rest.size() < whole.size()) write(std::string(2 + label_width, ' '));
      const std::size_t end = line_end(rest);
      write(rest.substr(0, end)).write("\n");
      rest.remove_prefix(end);
      if (rest.starts_with(' ')) rest.remove_prefix(1);
    }
  }
}

// --- JSON

class JsonWriter {
 public:
  JsonWriter& key(std::string_view name) { return comma().quoted(name).raw(":").fresh(); }
  JsonWriter& value(std::string_view text) { return comma().quoted(text); }
  JsonWriter& literal(std::string_view text) { return comma().raw(text); }
  JsonWriter& open(std::string_view bracket) { return comma().raw(bracket).fresh(); }
  JsonWriter& close(std::string_view bracket) {
    first_ = false;
    return raw(bracket);
  }
  void effects(const std::vector<ExplainedEffect>& effects);
  std::string take() { return std::move(out_); }

 private:
  JsonWriter& comma() {
    if (!first_) out_ += ',';
    first_ = false;
    return *this;
  }
  JsonWriter& fresh() {
    first_ = true;
    return *this;
  }
  JsonWriter& raw(std::string_view text) {
    out_ += text;
    return *this;
  }
  // Of printable text.
  JsonWriter& quoted(std::string_view text) {
    out_ += '"';
    for (const char c : text) {
      if (c == '"' || c == '\\') out_ += '\\';
      out_ += c;
    }
    out_ += '"';
    return *this;
  }

  bool first_ = true;
  std::string out_;
};

void JsonWriter::effects(const std::vector<ExplainedEffect>& effects) {
  key("effects").open("[");
  for (const ExplainedEffect& effect : effects) {
    open("{").key("kind").value(to_string(effect.kind)).key("names").open("[");
    for (const std::string& name : effect.names) value(printable(name));
    close("]").key("text").value(effect.text).close("}");
  }
  close("]");
}

std::string_view mode_of(const Explanation& explanation) {
  return explanation.judgement.strict ? "strict" : "tracked";
}

}  // namespace

std::string explanation_as_text(const Explanation& explanation, bool colour) {
  TextWriter out(colour);
  out.effects(explanation.effects);
  for (const ExplainedStatement& statement : explanation.statements) {
    out.write(statement.words, Style::bold).write("\n");
    out.effects(statement.effects);
    if (statement.effects.empty()) out.write("  leaves nothing behind\n");
  }
  if (explanation.statements.empty()) out.write("no statement\n");
  if (explanation.more_statements > 0) {
    out.write("and " + std::to_string(explanation.more_statements) + " more statements\n");
  }
  out.write(verdict_of(explanation), explanation.pins.empty() ? Style::good : Style::bad).write("\n");
  return out.take();
}

std::string explanation_as_json(const Explanation& explanation) {
  JsonWriter out;
  out.open("{").key("verdict").value(verdict_of(explanation)).key("may_pin").open("[");
  for (std::size_t i = 0; i < pin_count; ++i) {
    const Pin pin = static_cast<Pin>(i);
    if (explanation.pins.contains(pin)) out.value(text_of(pin).name);
  }
  out.close("]").key("depends_on").open("[");
  for (const Doubt doubt : explanation.doubts) out.value(to_string(doubt));
  out.close("]").key("mode").value(mode_of(explanation));
  out.key("trust_triggers").literal(explanation.judgement.trust_triggers ? "true" : "false");
  out.effects(explanation.effects);
  out.key("statements").open("[");
  for (const ExplainedStatement& statement : explanation.statements) {
    out.open("{").key("words").value(statement.words);
    out.effects(statement.effects);
    out.close("}");
  }
  out.close("]").key("more_statements").literal(std::to_string(explanation.more_statements)).close("}");
  return out.take() + '\n';
}

}  // namespace pgweir
