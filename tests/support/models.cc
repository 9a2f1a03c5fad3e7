#include "support/models.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "support/data_dir.h"

namespace mote::tests {

namespace fs = std::filesystem;

std::vector<std::string> all_models() {
  std::vector<fs::path> folders = {source_dir() / "examples"};
  if (const char* const folder = std::getenv("MOTE_MODELS")) folders.emplace_back(folder);
  std::vector<std::string> models;
  for (const fs::path& folder : folders) {
    const size_t before = models.size();
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
      if (entry.path().extension() == ".tflite") models.push_back(entry.path());
    }
    std::sort(models.begin() + static_cast<std::ptrdiff_t>(before), models.end());
  }
  return models;
}

}  // namespace mote::tests
