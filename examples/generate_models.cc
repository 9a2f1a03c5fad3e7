// Writes the models with generated weights (generated/models.h).
//
//   generate_models FOLDER
#include <fmt/format.h>

#include <stdexcept>

#include "generated/models.h"
#include "import/tflite/writer.h"
#include "support/files.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: generate_models FOLDER\n");
    return 2;
  }
  try {
    for (const mote::examples::GeneratedModel& model : mote::examples::generated_models()) {
      const std::string path = fmt::format("{}/{}", argv[1], model.file);
      mote::write_file(path, mote::import::write_tflite(model.make()));
      fmt::print("{}\n", path);
    }
  } catch (const std::exception& error) {
    fmt::print(stderr, "generate_models: {}\n", error.what());
    return 1;
  }
}
