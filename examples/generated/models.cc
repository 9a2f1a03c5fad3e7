#include "generated/models.h"

#include "lib/random_model.h"

namespace mote::examples {

using ir::TensorId;

namespace {

constexpr Window square(int size, int stride) {
  return {{size, size}, {stride, stride}};
}

/// A residual block of two 3x3 convolutions; with a stride the shortcut is a 1x1 convolution.
TensorId residual(RandomModel& model, TensorId x, int channels, int stride) {
  TensorId y = model.conv(x, square(3, stride), channels, Activation::kRelu);
  y = model.conv(y, square(3, 1), channels, Activation::kNone);
  const TensorId shortcut = stride == 1 ? x : model.conv(x, square(1, stride), channels, Activation::kNone);
  return model.add(shortcut, y, Activation::kRelu);
}

/// Averages what is left of the image, then classifies.
ir::Graph classified(RandomModel& model, TensorId x, int classes) {
  const ir::Shape shape = model.shape(x);
  x = model.average_pool(x, {{shape[1], shape[2]}, {shape[1], shape[2]}, false});
  x = model.dense(model.reshape(x, {1, shape[3]}), classes, Activation::kNone);
  return model.finish(model.softmax(x));
}

}  // namespace

ir::Graph article_cnn() {
  RandomModel model("article_cnn", 1, {1, 32, 32, 3}, 4);
  TensorId x = model.conv(model.input(), square(5, 1), 32, Activation::kRelu);
  x = model.max_pool(x, square(3, 2));
  x = model.conv(x, square(5, 1), 32, Activation::kRelu);
  x = model.average_pool(x, square(3, 2));
  x = model.conv(x, square(5, 1), 64, Activation::kRelu);
  x = model.average_pool(x, square(3, 2));
  x = model.reshape(x, {1, 4 * 4 * 64});
  return model.finish(model.dense(x, 10, Activation::kNone));
}

ir::Graph ds_cnn() {
  RandomModel model("ds_cnn", 2, {1, 49, 10, 1}, 8);
  TensorId x = model.conv(model.input(), {{10, 4}, {2, 2}}, 64, Activation::kRelu);
  for (int block = 0; block < 4; ++block) {
    x = model.depthwise(x, square(3, 1), Activation::kRelu);
    x = model.conv(x, square(1, 1), 64, Activation::kRelu);
  }
  return classified(model, x, 12);
}

ir::Graph resnet_8() {
  RandomModel model("resnet_8", 3, {1, 32, 32, 3}, 4);
  TensorId x = model.conv(model.input(), square(3, 1), 16, Activation::kRelu);
  x = residual(model, x, 16, 1);
  x = residual(model, x, 32, 2);
  x = residual(model, x, 64, 2);
  return classified(model, x, 10);
}

ir::Graph auto_encoder() {
  RandomModel model("auto_encoder", 4, {1, 640}, 64);
  TensorId x = model.input();
  for (int channels : {128, 128, 128, 128, 8, 128, 128, 128, 128}) x = model.dense(x, channels, Activation::kRelu);
  return model.finish(model.dense(x, 640, Activation::kNone));
}

const std::vector<GeneratedModel>& generated_models() {
  static const std::vector<GeneratedModel> kModels = {{"article_cnn.tflite", article_cnn},
                                                      {"ds_cnn.tflite", ds_cnn},
                                                      {"resnet_8.tflite", resnet_8},
                                                      {"auto_encoder.tflite", auto_encoder},
                                                      {"mobilenet_v1.tflite", mobilenet_v1}};
  return kModels;
}

}  // namespace mote::examples
