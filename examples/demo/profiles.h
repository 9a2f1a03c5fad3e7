// What `mote profile --json` printed, and a table that holds two of them side by side.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mote::examples {

struct Profile {
  struct Operator {
    std::string index;  // the source model's operators it was fused from: "3" or "3+4"
    std::string name;   // as the model names its output
    std::string kind;
    int64_t cycles = 0;
    int64_t macs = 0;
  };
  std::string model, board;
  int64_t total_cycles = 0, macs = 0, ram_bytes = 0, flash_bytes = 0;
  std::vector<Operator> operators;
};

/// Reads the document in `file`. Throws InputError when it is not one.
Profile read_profile(const std::string& file);

/// Untuned and tuned cycles of each operator and of the whole, and what was gained.
std::string comparison(const Profile& untuned, const Profile& tuned);

}  // namespace mote::examples
