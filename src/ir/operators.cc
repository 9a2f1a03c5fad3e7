#include "ir/operators.h"

namespace mote::ir {

std::string_view kind_of(const OpAttributes& attributes) {
  using Name = std::string_view;
  return std::visit(Overloaded{
                        [](const Conv2D&) -> Name { return "conv_2d"; },
                        [](const DepthwiseConv2D&) -> Name { return "depthwise_conv_2d"; },
                        [](const Dense&) -> Name { return "dense"; },
                        [](const Add&) -> Name { return "add"; },
                        [](const Mul&) -> Name { return "mul"; },
                        [](const AveragePool2D&) -> Name { return "average_pool_2d"; },
                        [](const MaxPool2D&) -> Name { return "max_pool_2d"; },
                        [](const Mean&) -> Name { return "mean"; },
                        [](const Softmax&) -> Name { return "softmax"; },
                        [](const Logistic&) -> Name { return "logistic"; },
                        [](const Tanh&) -> Name { return "tanh"; },
                        [](const Relu&) -> Name { return "relu"; },
                        [](const Pad&) -> Name { return "pad"; },
                        [](const Reshape&) -> Name { return "reshape"; },
                        [](const Concat&) -> Name { return "concat"; },
                        [](const Slice&) -> Name { return "slice"; },
                        [](const Insert&) -> Name { return "insert"; },
                        [](const Quantize&) -> Name { return "quantize"; },
                        [](const Dequantize&) -> Name { return "dequantize"; },
                        [](const Lookup&) -> Name { return "lookup"; },
                    },
                    attributes);
}

}  // namespace mote::ir
