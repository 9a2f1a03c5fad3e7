// Models with the shapes of well-known networks and generated weights, int8. Equal code, equal bytes.
#pragma once

#include <vector>

#include "ir/graph.h"

namespace mote::examples {

/// The CIFAR-10 network of the microTVM article (32x32x3): 5x5 convolutions 3->32, 32->32 and 32->64, each with a 3x3
/// pool of stride 2 behind it (one maximum, two averages), and a dense layer to 10. 12.3 million MACs.
ir::Graph article_cnn();

/// DS-CNN, keyword spotting (49x10x1): a 10x4 convolution and four depthwise-separable blocks of 64 channels. 2.7
/// million MACs.
ir::Graph ds_cnn();

/// ResNet-8, image classification (32x32x3): three residual blocks of 16, 32 and 64 channels. 12.5 million MACs.
ir::Graph resnet_8();

/// Dense auto-encoder, anomaly detection (640 values): four layers of 128, a bottleneck of 8, four layers of 128. 0.26
/// million.
ir::Graph auto_encoder();

/// MobileNetV1 of width 0.25 (96x96x3), visual wake words. 7.5 million MACs, half of them for channels that are the
/// same for every input: with weights of zero and a bias that is zero, negative or positive, or with weights that can
/// never lift them off the lower bound or pull them off the upper one. 3.73 million MACs (+-1 %) are live.
ir::Graph mobilenet_v1();

struct GeneratedModel {
  const char* file;  // in examples/models
  ir::Graph (*make)();
};
/// All of the above.
const std::vector<GeneratedModel>& generated_models();

}  // namespace mote::examples
