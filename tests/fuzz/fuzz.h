// A small mutating fuzzer that needs no special compiler: seeded, so that every run can be repeated.
#pragma once

#include <cstddef>
#include <span>

namespace mote::fuzz {

/// What is fuzzed: does its work on `input`, and throws InputError if it refuses it. Anything else that it throws, a
/// crash, or a sanitizer's report is a finding.
using Target = void (*)(std::span<const std::byte> input);

/// The main() of a fuzzer. Arguments: CORPUS_FOLDER... [--runs N | --seconds N] [--seed S]. Runs `target` on every file
/// of the folders, then on N mutations of them, or for N seconds. A finding is written to ./fuzz-finding.bin: fix the
/// bug, and add the file to the corpus.
int run(int argc, char** argv, Target target);

}  // namespace mote::fuzz
