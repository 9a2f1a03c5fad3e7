// The attributes of operators as (name, member) pairs, and each member type as one word of text: what print() and
// parse() share, so that neither can know a field that the other does not.
#pragma once

#include <string>
#include <string_view>

#include "ir/graph.h"

namespace mote::ir {

/// Calls field(name, member) for every member of an operator's attributes. The members are references into
/// `attributes`.
template <typename Field>
void for_each_field(OpAttributes& attributes, Field field) {
  const auto window_fields = [&](auto& a) {
    field("stride", a.stride);
    field("padding", a.padding);
    field("clamp", a.clamp);
  };
  std::visit(Overloaded{
                 [&](Conv2D& a) {
                   field("dilation", a.dilation);
                   window_fields(a);
                 },
                 [&](DepthwiseConv2D& a) {
                   field("multiplier", a.multiplier);
                   field("dilation", a.dilation);
                   window_fields(a);
                 },
                 [&](Dense& a) { field("clamp", a.clamp); },
                 [&](Add& a) { field("clamp", a.clamp); },
                 [&](Mul& a) { field("clamp", a.clamp); },
                 [&](AveragePool2D& a) {
                   field("window", a.window);
                   window_fields(a);
                 },
                 [&](MaxPool2D& a) {
                   field("window", a.window);
                   window_fields(a);
                 },
                 [&](Mean& a) { field("axes", a.axes); },
                 [&](Softmax& a) { field("beta", a.beta); },
                 [](Logistic&) {},
                 [](Tanh&) {},
                 [&](Relu& a) { field("kind", a.kind); },
                 [&](Pad& a) {
                   field("before", a.before);
                   field("after", a.after);
                   field("value", a.value);
                 },
                 [](Reshape&) {},
                 [&](Concat& a) { field("axis", a.axis); },
                 [&](Slice& a) { field("begin", a.begin); },
                 [&](Insert& a) { field("begin", a.begin); },
                 [](Quantize&) {},
                 [](Dequantize&) {},
                 [&](Lookup& a) { field("table", a.table); },
             },
             attributes);
}

/// One word for a value; from_text() gives it back. Numbers take the fewest digits that do.
std::string to_text(int32_t value);
std::string to_text(int64_t value);
std::string to_text(float value);
std::string to_text(double value);
std::string to_text(Size2D value);
std::string to_text(const Padding2D& value);
std::string to_text(const Clamp& value);
std::string to_text(Relu::Kind value);
std::string to_text(const std::vector<int32_t>& value);
std::string to_text(const Table& value);
std::string to_text(const Quantization& value);
std::string to_text(const Bytes& value);

/// Whether `text` is a value of that type, which is then stored in `value`.
bool from_text(std::string_view text, int32_t& value);
bool from_text(std::string_view text, int64_t& value);
bool from_text(std::string_view text, float& value);
bool from_text(std::string_view text, double& value);
bool from_text(std::string_view text, Size2D& value);
bool from_text(std::string_view text, Padding2D& value);
bool from_text(std::string_view text, Clamp& value);
bool from_text(std::string_view text, Relu::Kind& value);
bool from_text(std::string_view text, std::vector<int32_t>& value);
bool from_text(std::string_view text, Table& value);
bool from_text(std::string_view text, Quantization& value);
bool from_text(std::string_view text, Bytes& value);

/// `name` between quotes, on one line of printable ASCII; unquote() gives it back, or false.
std::string quote(std::string_view name);
bool unquote(std::string_view text, std::string& name);

}  // namespace mote::ir
