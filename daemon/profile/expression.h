// Expressions: the conditions of model rules, checked when they are read and quick to evaluate.
//
// && || ! == != < <= > >= + - * / % and a ? b : c, parentheses, numbers, 'texts', true and false,
// x in [1, 2, 3], is_power_of_two(x). Names are those of a table of symbols; a text is never compared with a
// number. At most 1000 bytes and 32 levels. Dividing by zero gives zero: no condition can stop the program.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fettle::profile {

enum class Type { number, truth, text };

// A fact's value. A truth is the number 0 or 1; a text lives elsewhere.
struct Value {
  Type type = Type::number;
  double number = 0;
  std::string_view text;
};

// What a name stands for while rules are read.
struct Symbol {
  std::string name;
  Type type = Type::number;
  bool after_layout =
      false;  // known only when the parallel layout is: tp, what is computed from it, settings
  std::vector<std::string> variables;  // the settings that it looks at: "VLLM_ROCM_USE_AITER"
};

// The position of a symbol in the table is the position of its value in what evaluate() is given.
using Symbols = std::vector<Symbol>;
std::optional<std::size_t> find_symbol(const Symbols& symbols, std::string_view name);

class Expression {
 public:
  struct Mistake {
    std::size_t offset = 0;  // in the text, from 0
    std::string what;
    std::string allowed;
  };
  // The expression, or why it is none.
  struct Parsed;
  static Parsed parse(std::string_view text, const Symbols& symbols);

  Value evaluate(const std::vector<Value>& facts) const;
  bool holds(const std::vector<Value>& facts) const { return evaluate(facts).number != 0; }

  Type type() const { return type_; }
  const std::vector<std::size_t>& uses() const { return uses_; }  // positions in the table of symbols

 private:
  friend class ExpressionParser;
  enum class Kind {
    constant,
    fact,
    both,
    either,
    negate,
    minus,
    equal,
    unequal,
    less,
    at_most,
    more,
    at_least,
    add,
    subtract,
    multiply,
    divide,
    remainder,
    choose,
    power_of_two
  };
  struct Step {
    Kind kind = Kind::constant;
    std::size_t a = 0;  // of an operand: its step; of a fact: its position; of a constant: its position
    std::size_t b = 0;
    std::size_t c = 0;
  };
  Value value_of(std::size_t step, const std::vector<Value>& facts) const;
  Value constant(std::size_t at) const;

  struct Constant {
    Type type = Type::number;
    double number = 0;
    std::string text;
  };
  std::vector<Step> steps_;  // the last one is the whole
  std::vector<Constant> constants_;
  std::vector<std::size_t> uses_;
  Type type_ = Type::truth;
};

struct Expression::Parsed {
  Expression expression;
  std::optional<Mistake> mistake;
};

}  // namespace fettle::profile
