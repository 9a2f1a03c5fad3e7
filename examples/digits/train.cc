// Trains the digit classifier, quantises it to int8 and judges it on digits it has never seen.
//
//   train_digits DATA OUT    DATA: the folder get_data.sh filled; OUT: where digits.tflite and held_out.bin are written
//
// Of the distinct digits, 1,000 are held out for the final verdict and 1,000 for looking at progress; the rest train
// the network, and 500 of those also set the activation ranges of the quantised model.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <set>
#include <span>
#include <stdexcept>

#include "digits/digits.h"
#include "digits/network.h"
#include "digits/quantized_digits.h"
#include "import/tflite/writer.h"
#include "nlohmann/json.hpp"
#include "support/error.h"
#include "support/files.h"

namespace mote::examples {

namespace {

constexpr uint64_t kSeed = 1;
constexpr size_t kHeldOut = 1000;
constexpr size_t kValidation = 1000;
constexpr size_t kCalibration = 500;
constexpr int kEpochs = 40;
constexpr int kBatch = 32;
constexpr float kRate = 0.002f;

std::vector<Digit> load_json(const std::string& folder) {
  std::vector<Digit> digits;
  std::set<std::array<uint8_t, kDigitSize * kDigitSize>> seen;
  for (int label = 0; label < 10; ++label) {
    const std::string path = fmt::format("{}/{}.json", folder, label);
    std::ifstream file(path);
    if (!file) throw InputError(path, "cannot be opened; get_data.sh fetches it");
    const std::vector<double> ink = nlohmann::json::parse(file).at("data").get<std::vector<double>>();
    for (size_t start = 0; start + kDigitSize * kDigitSize <= ink.size(); start += kDigitSize * kDigitSize) {
      Digit digit;
      digit.label = static_cast<uint8_t>(label);
      for (size_t i = 0; i < digit.pixels.size(); ++i) {
        digit.pixels[i] = static_cast<uint8_t>(std::lround(ink[start + i] * 255));
      }
      if (seen.insert(digit.pixels).second) digits.push_back(digit);
    }
  }
  return digits;
}

template <typename T>
void shuffle(std::vector<T>& values, Random& random) {
  for (size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[random.below(i)]);
}

std::vector<float> ink_of(const Digit& digit) {
  std::vector<float> ink(digit.pixels.size());
  std::transform(digit.pixels.begin(), digit.pixels.end(), ink.begin(), [](uint8_t p) { return p / 255.0f; });
  return ink;
}

/// The image turned, scaled, slanted and shifted a little, at random.
std::vector<float> varied(const std::vector<float>& image, Random& random) {
  const auto around_zero = [&random](double reach) { return reach * (2 * random.unit() - 1); };
  const double angle = around_zero(0.2), scale = 1 + around_zero(0.12), slant = around_zero(0.15);
  const double shift_x = around_zero(2.5), shift_y = around_zero(2.5);
  const double centre = (kDigitSize - 1) / 2.0;
  const auto pixel = [&image](int y, int x) {
    return y < 0 || y >= kDigitSize || x < 0 || x >= kDigitSize ? 0.0f : image[static_cast<size_t>(y * kDigitSize + x)];
  };
  std::vector<float> result(image.size());
  for (int y = 0; y < kDigitSize; ++y) {
    for (int x = 0; x < kDigitSize; ++x) {
      const double v = y - centre - shift_y, u = x - centre - shift_x + slant * v;
      const double from_x = (std::cos(angle) * u - std::sin(angle) * v) * scale + centre;
      const double from_y = (std::sin(angle) * u + std::cos(angle) * v) * scale + centre;
      const int x0 = static_cast<int>(std::floor(from_x)), y0 = static_cast<int>(std::floor(from_y));
      const float fx = static_cast<float>(from_x - x0), fy = static_cast<float>(from_y - y0);
      const float top = pixel(y0, x0) * (1 - fx) + pixel(y0, x0 + 1) * fx;
      const float bottom = pixel(y0 + 1, x0) * (1 - fx) + pixel(y0 + 1, x0 + 1) * fx;
      result[static_cast<size_t>(y * kDigitSize + x)] = top * (1 - fy) + bottom * fy;
    }
  }
  return result;
}

double float_accuracy(const Network& network, std::span<const Digit> digits) {
  int right = 0;
  for (const Digit& digit : digits) {
    const std::vector<float> result = scores(network, ink_of(digit));
    right += std::max_element(result.begin(), result.end()) - result.begin() == digit.label;
  }
  return static_cast<double>(right) / static_cast<double>(digits.size());
}

Network train(std::span<const Digit> training, std::span<const Digit> validation, Random& random) {
  Network network = make_network(kDigitSize, {8, 16, 32}, 10, random);
  Network gradient = network;
  for (std::vector<float>* values : parameters(gradient)) std::fill(values->begin(), values->end(), 0.0f);
  Adam adam(network);
  std::vector<size_t> order(training.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  for (int epoch = 0; epoch < kEpochs; ++epoch) {
    shuffle(order, random);
    double loss = 0;
    const float rate = kRate * 0.5f * (1 + std::cos(3.14159265f * static_cast<float>(epoch) / kEpochs));
    for (size_t i = 0; i < order.size(); ++i) {
      const Digit& digit = training[order[i]];
      loss += accumulate_gradient(network, varied(ink_of(digit), random), digit.label, gradient);
      if ((i + 1) % kBatch == 0) adam.step(network, gradient, kBatch, rate);
    }
    fmt::print("epoch {:2}: loss {:.4f}, validation accuracy {:.4f}\n", epoch + 1,
               loss / static_cast<double>(order.size()), float_accuracy(network, validation));
    std::fflush(stdout);
  }
  return network;
}

void run(const std::string& data, const std::string& out) {
  Random random(kSeed);
  std::vector<Digit> digits = load_json(data);
  shuffle(digits, random);
  check(digits.size() > 2 * (kHeldOut + kValidation), "too few digits");
  const std::span<const Digit> all(digits);
  const std::span<const Digit> held_out = all.first(kHeldOut), validation = all.subspan(kHeldOut, kValidation),
                               training = all.subspan(kHeldOut + kValidation);
  fmt::print("{} distinct digits: {} train, {} validate, {} are held out\n", digits.size(), training.size(),
             validation.size(), held_out.size());
  const Network network = train(training, validation, random);
  fmt::print("float accuracy on the held-out digits: {:.4f}\n", float_accuracy(network, held_out));
  write_digits(out + "/held_out.bin", {held_out.begin(), held_out.end()});
  const ir::Graph model = quantized(network, training.first(kCalibration));
  fmt::print("int8 accuracy on the validation digits: {:.4f}\n", int8_accuracy(model, validation));
  fmt::print("int8 accuracy on the held-out digits: {:.4f}\n", int8_accuracy(model, held_out));
  write_file(out + "/digits.tflite", import::write_tflite(model));
}

}  // namespace

}  // namespace mote::examples

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: train_digits DATA OUT\n");
    return 2;
  }
  try {
    mote::examples::run(argv[1], argv[2]);
  } catch (const std::exception& error) {
    fmt::print(stderr, "train_digits: {}\n", error.what());
    return 1;
  }
}
