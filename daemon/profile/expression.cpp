#include "profile/expression.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace fettle::profile {
namespace {

constexpr std::size_t longest_expression = 1000;
constexpr unsigned deepest_nesting = 32;

std::string_view word_of(Type type) {
  switch (type) {
    case Type::number:
      return "a number";
    case Type::truth:
      return "true or false";
    case Type::text:
      return "a text";
  }
  return "something";
}

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_power_of_two(double number) {
  if (number < 1 || number != std::floor(number)) return false;
  while (number > 1) number /= 2;
  return number == 1;
}

}  // namespace

std::optional<std::size_t> find_symbol(const Symbols& symbols, std::string_view name) {
  const auto found =
      std::find_if(symbols.begin(), symbols.end(), [&](const Symbol& each) { return each.name == name; });
  if (found == symbols.end()) return std::nullopt;
  return static_cast<std::size_t>(found - symbols.begin());
}

// Reads from left to right; the first mistake ends it.
class ExpressionParser {
 public:
  using Kind = Expression::Kind;

  ExpressionParser(std::string_view text, const Symbols& symbols) : text_(text), symbols_(symbols) {}

  Expression::Parsed parse() {
    Expression::Parsed parsed;
    if (text_.size() > longest_expression) {
      return {{},
              Expression::Mistake{0, "the expression is longer than 1000 bytes",
                                  "a derived fact can take a part of it"}};
    }
    const Operand whole = choice();
    skip_space();
    if (!mistake_ && at_ != text_.size())
      complain(at_, "the expression goes on with something that does not fit", "");
    if (mistake_) {
      parsed.mistake = mistake_;
      return parsed;
    }
    out_.type_ = whole.type;
    std::sort(out_.uses_.begin(), out_.uses_.end());
    out_.uses_.erase(std::unique(out_.uses_.begin(), out_.uses_.end()), out_.uses_.end());
    parsed.expression = std::move(out_);
    return parsed;
  }

 private:
  struct Operand {
    std::size_t step = 0;
    Type type = Type::number;
  };

  void complain(std::size_t offset, std::string what, std::string allowed) {
    if (!mistake_) mistake_ = Expression::Mistake{offset, std::move(what), std::move(allowed)};
  }

  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }

  bool take(std::string_view sign) {
    skip_space();
    if (mistake_ || text_.substr(at_, sign.size()) != sign) return false;
    at_ += sign.size();
    return true;
  }

  void need(std::string_view sign) {
    if (!take(sign)) complain(at_, "'" + std::string(sign) + "' is missing here", "");
  }

  Operand add(Kind kind, Type type, std::size_t a, std::size_t b = 0, std::size_t c = 0) {
    out_.steps_.push_back({kind, a, b, c});
    return {out_.steps_.size() - 1, type};
  }

  Operand add_constant(Type type, double number, std::string text) {
    out_.constants_.push_back({type, number, std::move(text)});
    return add(Kind::constant, type, out_.constants_.size() - 1);
  }

  void must_be(const Operand& operand, Type type, std::size_t offset) {
    if (operand.type != type) {
      complain(offset, "this is " + std::string(word_of(operand.type)),
               std::string(word_of(type)) + " is wanted here");
    }
  }

  Operand choice() {
    if (++depth_ > deepest_nesting) {
      complain(at_, "the expression is nested deeper than 32 levels", "");
      return {};
    }
    const std::size_t begin = at_;
    Operand result = either();
    if (take("?")) {
      must_be(result, Type::truth, begin);
      const Operand yes = choice();
      need(":");
      const std::size_t other = at_;
      const Operand no = choice();
      must_be(no, yes.type, other);
      result = add(Kind::choose, yes.type, result.step, yes.step, no.step);
    }
    --depth_;
    return result;
  }

  Operand either() {
    const std::size_t begin = at_;
    Operand left = both();
    while (take("||")) {
      must_be(left, Type::truth, begin);
      const std::size_t offset = at_;
      const Operand right = both();
      must_be(right, Type::truth, offset);
      left = add(Kind::either, Type::truth, left.step, right.step);
    }
    return left;
  }

  Operand both() {
    const std::size_t begin = at_;
    Operand left = comparison();
    while (take("&&")) {
      must_be(left, Type::truth, begin);
      const std::size_t offset = at_;
      const Operand right = comparison();
      must_be(right, Type::truth, offset);
      left = add(Kind::both, Type::truth, left.step, right.step);
    }
    return left;
  }

  Operand comparison() {
    struct Row {
      std::string_view sign;
      Kind kind;
    };
    static constexpr std::array rows{Row{"==", Kind::equal},   Row{"!=", Kind::unequal},
                                     Row{"<=", Kind::at_most}, Row{">=", Kind::at_least},
                                     Row{"<", Kind::less},     Row{">", Kind::more}};
    const std::size_t begin = at_;
    const Operand left = sum();
    if (take_word("in")) return membership(left);
    for (const Row& row : rows) {
      if (!take(row.sign)) continue;
      const std::size_t offset = at_;
      const Operand right = sum();
      must_be(right, left.type, offset);
      if (row.kind != Kind::equal && row.kind != Kind::unequal) must_be(left, Type::number, begin);
      return add(row.kind, Type::truth, left.step, right.step);
    }
    return left;
  }

  bool take_word(std::string_view word) {
    skip_space();
    const std::size_t end = at_ + word.size();
    if (text_.substr(at_, word.size()) != word || (end < text_.size() && is_name_character(text_[end])))
      return false;
    at_ = end;
    return true;
  }

  Operand membership(const Operand& left) {
    need("[");
    std::optional<Operand> any;
    do {
      const std::size_t offset = at_;
      const Operand item = sum();
      must_be(item, left.type, offset);
      const Operand same = add(Kind::equal, Type::truth, left.step, item.step);
      any = any ? add(Kind::either, Type::truth, any->step, same.step) : same;
    } while (take(","));
    need("]");
    return *any;
  }

  Operand arithmetic(Operand left, Kind kind, std::size_t begin, Operand (ExpressionParser::*next)()) {
    must_be(left, Type::number, begin);
    const std::size_t offset = at_;
    const Operand right = (this->*next)();
    must_be(right, Type::number, offset);
    return add(kind, Type::number, left.step, right.step);
  }

  Operand sum() {
    const std::size_t begin = at_;
    Operand left = product();
    while (true) {
      if (take("+")) {
        left = arithmetic(left, Kind::add, begin, &ExpressionParser::product);
      } else if (take("-")) {
        left = arithmetic(left, Kind::subtract, begin, &ExpressionParser::product);
      } else {
        return left;
      }
    }
  }

  Operand product() {
    const std::size_t begin = at_;
    Operand left = single();
    while (true) {
      if (take("*")) {
        left = arithmetic(left, Kind::multiply, begin, &ExpressionParser::single);
      } else if (take("/")) {
        left = arithmetic(left, Kind::divide, begin, &ExpressionParser::single);
      } else if (take("%")) {
        left = arithmetic(left, Kind::remainder, begin, &ExpressionParser::single);
      } else {
        return left;
      }
    }
  }

  Operand single() {
    skip_space();
    const std::size_t begin = at_;
    if (mistake_ || at_ == text_.size()) {
      complain(at_, "the expression ends where a value is wanted", "");
      return {};
    }
    if (take("(")) {
      const Operand inner = choice();
      need(")");
      return inner;
    }
    if (text_[at_] == '!' || text_[at_] == '-') {
      const bool is_not = text_[at_++] == '!';
      if (++depth_ > deepest_nesting) complain(at_, "the expression is nested deeper than 32 levels", "");
      const Operand inner = mistake_ ? Operand{} : single();
      --depth_;
      must_be(inner, is_not ? Type::truth : Type::number, begin);
      return add(is_not ? Kind::negate : Kind::minus, inner.type, inner.step);
    }
    if (text_[at_] == '\'') return quoted();
    if (is_digit(text_[at_])) return number();
    return name();
  }

  Operand quoted() {
    const std::size_t begin = at_++;
    const std::size_t end = text_.find('\'', at_);
    if (end == std::string_view::npos) {
      complain(begin, "the text that begins here does not end", "");
      return {};
    }
    std::string content(text_.substr(at_, end - at_));
    at_ = end + 1;
    return add_constant(Type::text, 0, std::move(content));
  }

  Operand number() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && (is_digit(text_[at_]) || text_[at_] == '.')) ++at_;
    double value = 0;
    const char* const end = text_.data() + at_;
    const auto [rest, err] = std::from_chars(text_.data() + begin, end, value);
    if (err != std::errc() || rest != end || at_ - begin > 15) {
      complain(begin, "'" + std::string(text_.substr(begin, at_ - begin)) + "' is no number",
               "at most 15 digits");
    }
    return add_constant(Type::number, value, {});
  }

  Operand name() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_name_character(text_[at_])) ++at_;
    const std::string_view word = text_.substr(begin, at_ - begin);
    if (word.empty()) {
      complain(begin, "no value begins with '" + std::string(text_.substr(begin, 1)) + "'",
               "a fact, a number, 'a text', '(' or '!'");
      return {};
    }
    if (word == "true" || word == "false") return add_constant(Type::truth, word == "true" ? 1 : 0, {});
    if (word == "is_power_of_two") {
      need("(");
      const std::size_t offset = at_;
      const Operand inner = choice();
      must_be(inner, Type::number, offset);
      need(")");
      return add(Kind::power_of_two, Type::truth, inner.step);
    }
    const auto symbol = find_symbol(symbols_, word);
    if (!symbol) {
      complain(begin, "there is no fact '" + std::string(word) + "'", "");
      return {};
    }
    out_.uses_.push_back(*symbol);
    return add(Kind::fact, symbols_[*symbol].type, *symbol);
  }

  std::string_view text_;
  const Symbols& symbols_;
  std::size_t at_ = 0;
  unsigned depth_ = 0;
  std::optional<Expression::Mistake> mistake_;
  Expression out_;
};

Expression::Parsed Expression::parse(std::string_view text, const Symbols& symbols) {
  return ExpressionParser(text, symbols).parse();
}

Value Expression::constant(std::size_t at) const {
  return {constants_[at].type, constants_[at].number, constants_[at].text};
}

Value Expression::evaluate(const std::vector<Value>& facts) const {
  if (steps_.empty()) return {Type::truth, 1, {}};  // no condition
  return value_of(steps_.size() - 1, facts);
}

Value Expression::value_of(std::size_t step, const std::vector<Value>& facts) const {
  const Step& each = steps_[step];
  const auto a = [&] { return value_of(each.a, facts); };
  const auto b = [&] { return value_of(each.b, facts); };
  const auto truth = [](bool value) { return Value{Type::truth, value ? 1.0 : 0.0, {}}; };
  const auto number = [](double value) { return Value{Type::number, value, {}}; };
  const auto same = [&] {
    const Value left = a();
    const Value right = b();
    return left.number == right.number && left.text == right.text;
  };
  switch (each.kind) {
    case Kind::constant:
      return constant(each.a);
    case Kind::fact:
      return facts[each.a];
    case Kind::both:
      return truth(a().number != 0 && b().number != 0);
    case Kind::either:
      return truth(a().number != 0 || b().number != 0);
    case Kind::negate:
      return truth(a().number == 0);
    case Kind::minus:
      return number(-a().number);
    case Kind::equal:
      return truth(same());
    case Kind::unequal:
      return truth(!same());
    case Kind::less:
      return truth(a().number < b().number);
    case Kind::at_most:
      return truth(a().number <= b().number);
    case Kind::more:
      return truth(a().number > b().number);
    case Kind::at_least:
      return truth(a().number >= b().number);
    case Kind::add:
      return number(a().number + b().number);
    case Kind::subtract:
      return number(a().number - b().number);
    case Kind::multiply:
      return number(a().number * b().number);
    case Kind::divide: {
      const double divisor = b().number;
      return number(divisor == 0 ? 0 : a().number / divisor);
    }
    case Kind::remainder: {
      const double divisor = b().number;
      return number(divisor == 0 ? 0 : std::fmod(a().number, divisor));
    }
    case Kind::choose:
      return a().number != 0 ? b() : value_of(each.c, facts);
    case Kind::power_of_two:
      return truth(is_power_of_two(a().number));
  }
  return {};
}

}  // namespace fettle::profile
