// .npy files: what can be read can be written and read again.
#include "fuzz.h"
#include "support/npy.h"

namespace mote {
namespace {

void fuzz_one(std::span<const std::byte> input) {
  const NpyArray array = parse_npy(input, "input");
  check(parse_npy(npy_of(array), "again") == array, "the array does not round-trip");
}

}  // namespace
}  // namespace mote

int main(int argc, char** argv) {
  return mote::fuzz::run(argc, argv, mote::fuzz_one);
}
