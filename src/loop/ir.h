// The loop IR: what a kernel computes, as loops over buffers. Semantics:
//
//  - A Program is one C function. Buffers are row-major arrays of known shape; inputs and outputs are its parameters,
//  constants
//    carry their bytes, workspace is scratch memory the caller provides, locals live in registers or on the stack.
//  - Every loop runs from 0 to a constant extent. Variables are int32. Indices are affine, one per dimension.
//  - A load may have a value for outside: it is used when an index leaves the buffer's shape (padding). Code for that
//  is made only
//    where an index can leave, so peeling the border off a loop removes the tests.
//  - Arithmetic is done in int32, int64 or float as the operands' type says; int8 and int16 are widened to int32 when
//  loaded
//    and wrapped when stored. Signed overflow does not occur in a legal program.
//  - A load or store of several lanes moves lanes * size bytes as one little-endian word (int8 x 4, int16 x 2: type
//  kU32).
//  - Inputs and outputs do not overlap unless the program says so by naming the same buffer.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "loop/affine.h"
#include "support/bytes.h"

namespace mote::loop {

enum class Type : uint8_t { kI8, kI16, kI32, kU32, kI64, kF32 };

/// Bytes an element takes.
size_t size_of(Type type);
/// "int8_t", ...
const char* c_name(Type type);

struct Buffer {
  enum class Kind : uint8_t { kInput, kOutput, kConstant, kWorkspace, kLocal };
  std::string name;  // a C identifier
  Type type = Type::kI8;
  std::vector<int64_t> shape;
  Kind kind = Kind::kLocal;
  Bytes data;         // constants: elements() * size_of(type) bytes
  int alignment = 4;  // bytes; of constants and workspace

  int64_t elements() const;
  size_t size_bytes() const { return static_cast<size_t>(elements()) * size_of(type); }
  bool operator==(const Buffer&) const = default;
};

struct Intrinsic;  // loop/intrinsics.h
struct ExprNode;
/// An immutable expression, shared freely.
using Expr = std::shared_ptr<const ExprNode>;

struct IntConst {
  int64_t value;
  Type type;
};
struct FloatConst {
  float value;
};
/// The value of an index expression, int32.
struct IndexValue {
  Affine index;
};
struct Load {
  std::string buffer;
  std::vector<Affine> index;
  int lanes = 1;
  Expr outside;  // may be null: then every index is in range
};
/// buffer[index] with an index that is itself computed; flat, in elements. It must be in range.
struct Gather {
  std::string buffer;
  Expr index;
};
enum class BinaryOp : uint8_t { kAdd, kSub, kMul, kDiv, kMin, kMax, kShiftLeft, kShiftRight, kAnd, kLess, kEqual };
/// kDiv truncates toward zero; kShiftRight is arithmetic on signed types; comparisons give int32 0 or 1.
struct Binary {
  BinaryOp op;
  Expr a, b;
};
struct Cast {
  Type to;
  Expr value;
};
struct Select {
  Expr condition, yes, no;
};
/// A pure function with a C text and a meaning.
struct Call {
  const Intrinsic* intrinsic;
  std::vector<Expr> arguments;
};

struct ExprNode {
  std::variant<IntConst, FloatConst, IndexValue, Load, Gather, Binary, Cast, Select, Call> node;
};

struct Stmt;
using Block = std::vector<Stmt>;

struct For {
  std::string variable;
  int64_t extent = 0;
  Block body;
};
struct Store {
  std::string buffer;
  std::vector<Affine> index;
  int lanes = 1;
  Expr value;
};
/// Runs `body` when the condition is not 0.
struct If {
  Expr condition;
  Block body;
};
/// Calls function `function` (one of Program::functions) with addresses of buffer elements and integer values.
struct Invoke {
  struct Argument {
    std::string buffer;         // "" for an integer
    std::vector<Affine> index;  // of the element whose address is passed
    Affine value;               // the integer
  };
  std::string function;
  std::vector<Argument> arguments;
};
/// One line for the reader of the emitted C.
struct Comment {
  std::string text;
};

struct Stmt {
  std::variant<For, Store, If, Invoke, Comment> node;
};

/// Bytes that a Function reads or writes: `count` runs of `bytes`, the first at `offset` from the address it is given
/// as argument `argument`, each `step` behind the one before.
struct Touch {
  int argument = 0;
  int64_t offset = 0, bytes = 0, step = 0, count = 1;
};

/// A C function that stands before the program's own: a hand-scheduled micro-kernel in assembly with a C form of the
/// same meaning.
struct Function {
  std::string name;
  std::string text;  // complete C definitions, static where possible
  /// What a call with these integers (the Invoke arguments that are numbers, in order) touches, in the order in which
  /// it does. Reads may really happen earlier and writes later; where even that is not promised, the write stands
  /// before the read. Arguments never listed are constants. Without it nothing is known, and its operands never
  /// overlap.
  std::function<std::vector<Touch>(const std::vector<int64_t>& numbers)> touches = {};
  std::string prototype = {};  // "void f(const int8_t *x)", of a function that other files may call; else empty
  size_t code_bytes = 0;       // of the machine code, about; 0: not known
};

struct Program {
  std::string name;   // C identifier of the function
  std::string title;  // for the comment above it
  std::vector<Buffer> buffers;
  Block body;
  std::vector<Function> functions;
  bool may_alias = false;  // memory of inputs, output and workspace overlaps, as far as loop/access.h allows: emitted
                           // without `restrict`

  const Buffer& buffer(const std::string& name) const;
  Buffer& buffer(const std::string& name);
  /// Bytes of all workspace buffers, each at its alignment, in order: what the caller must provide.
  size_t workspace_bytes() const;
  /// Bytes of all constants.
  size_t constant_bytes() const;
};

/// A schedule that cannot be applied to this program: a candidate's failure, turned into a value by whoever lowers.
class ScheduleError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The type an expression's value has: loads of small integers give kI32, words kU32.
Type type_of(const Program& program, const Expr& expr);

/// All loop variables with their extents. A name that stands for several loops has the greatest.
Extents extents_of(const Program& program);

}  // namespace mote::loop
