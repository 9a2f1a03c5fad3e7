#include "fuzz.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "support/error.h"
#include "support/files.h"
#include "support/random.h"

// Of the sanitizers' runtime, where there is one.
extern "C" void __sanitizer_set_death_callback(void (*callback)()) __attribute__((weak));
// UndefinedBehaviorSanitizer has a runtime of its own, which knows nothing of that callback: it shall abort.
extern "C" const char* __ubsan_default_options();
extern "C" const char* __ubsan_default_options() {
  return "abort_on_error=1:print_stacktrace=1";
}

namespace mote::fuzz {
namespace {

constexpr const char* kFindingFile = "fuzz-finding.bin";
constexpr size_t kMaxSize = 1 << 20;

Bytes g_input;  // what the target is at work on: for the handlers below, which can take no argument

/// Saves the input; nothing but system calls, as the process may be in any state.
void save_finding() {
  const int file = open(kFindingFile, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file < 0 || write(file, g_input.data(), g_input.size()) < 0) return;
  close(file);
  constexpr char kMessage[] = "\nthe input that did it is in fuzz-finding.bin\n";
  if (write(STDERR_FILENO, kMessage, sizeof(kMessage) - 1) < 0) return;
}

void on_signal(int signal) {
  save_finding();
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

/// Whether the input was taken. Ends the program on a finding.
bool try_input(Target target, Bytes input) {
  g_input = std::move(input);
  try {
    target(g_input);
    return true;
  } catch (const InputError&) {
    return false;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "unexpected exception: %s\n", error.what());
    save_finding();
    std::exit(1);
  }
}

/// Numbers at which sizes and indices go wrong.
int64_t interesting_number(Random& random) {
  constexpr int64_t kNumbers[] = {0,    1,     -1,    2,     127,        128,        255,        256,
                                  -128, 32767, 65535, 65536, 0x7fffffff, 0x80000000, 0xffffffff, 0x7fffffffffffffff};
  return kNumbers[random.below(std::size(kNumbers))];
}

/// Replaces a decimal number, if one stands behind `at`, or else 1 to 8 bytes.
void put_number(Bytes& bytes, size_t at, Random& random) {
  const auto is_digit = [](std::byte b) { return b >= std::byte{'0'} && b <= std::byte{'9'}; };
  const int64_t number = interesting_number(random);
  if (random.below(2) == 0) {
    const size_t size = std::min(bytes.size() - at, size_t{1} << random.below(4));
    for (size_t i = 0; i < size; ++i) bytes[at + i] = static_cast<std::byte>(number >> (8 * i));
    return;
  }
  const std::vector<std::byte>::iterator from =
      std::find_if(bytes.begin() + static_cast<std::ptrdiff_t>(at), bytes.end(), is_digit);
  const std::vector<std::byte>::iterator to = std::find_if_not(from, bytes.end(), is_digit);
  const std::string text = std::to_string(number);
  const Bytes digits = to_bytes(std::span<const char>(text));
  bytes.insert(bytes.erase(from, to), digits.begin(), digits.end());
}

/// Overwrites an aligned 32-bit word, as binary formats have them, with a number or with another such word: an offset,
/// an index, a length.
void put_word(Bytes& bytes, size_t at, Random& random) {
  const size_t to = at & ~size_t{3};
  const size_t from = random.below(bytes.size()) & ~size_t{3};
  int64_t word = interesting_number(random);
  if (random.below(2) == 0) std::memcpy(&word, &bytes[from], std::min<size_t>(4, bytes.size() - from));
  std::memcpy(&bytes[to], &word, std::min<size_t>(4, bytes.size() - to));
}

void mutate_once(Bytes& bytes, const Bytes& other, Random& random) {
  const size_t at = random.below(bytes.size());
  const size_t size = std::min<size_t>(bytes.size() - at, 1 + random.below(16));
  const std::ptrdiff_t begin = static_cast<std::ptrdiff_t>(at);
  switch (random.below(9)) {
    case 0:
      bytes[at] ^= static_cast<std::byte>(1 << random.below(8));
      return;
    case 1:
      bytes[at] = static_cast<std::byte>(random.bits());
      return;
    case 2:
    case 3:
      put_number(bytes, at, random);
      return;
    case 4:
      bytes.erase(bytes.begin() + begin, bytes.begin() + begin + static_cast<std::ptrdiff_t>(size));
      return;
    case 5:
      if (random.below(4) == 0) bytes.resize(at);
      return;
    case 6:
    case 7:
      return put_word(bytes, at, random);
    default:  // a piece of another input in this one's place
      if (other.empty()) return;
      const size_t from = random.below(other.size());
      const size_t length = std::min<size_t>(other.size() - from, 1 + random.below(64));
      bytes.insert(bytes.begin() + begin, other.begin() + static_cast<std::ptrdiff_t>(from),
                   other.begin() + static_cast<std::ptrdiff_t>(from + length));
  }
}

Bytes mutation_of(const std::vector<Bytes>& corpus, Random& random) {
  Bytes bytes = corpus[random.below(corpus.size())];
  const Bytes& other = corpus[random.below(corpus.size())];
  for (uint64_t left = 1 + random.below(4); left > 0 && !bytes.empty(); --left) mutate_once(bytes, other, random);
  if (bytes.size() > kMaxSize) bytes.resize(kMaxSize);
  return bytes;
}

struct Options {
  std::vector<std::string> folders;
  uint64_t runs = 20000;
  uint64_t seconds = 0;
  uint64_t seed = 1;
};

Options options_of(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--runs" && i + 1 < argc) {
      options.runs = std::strtoull(argv[++i], nullptr, 10);
    } else if (word == "--seed" && i + 1 < argc) {
      options.seed = std::strtoull(argv[++i], nullptr, 10);
    } else if (word == "--seconds" && i + 1 < argc) {
      options.seconds = std::strtoull(argv[++i], nullptr, 10);
    } else {
      options.folders.push_back(word);
    }
  }
  return options;
}

}  // namespace

int run(int argc, char** argv, Target target) {
  const Options options = options_of(argc, argv);
  for (int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) std::signal(signal, on_signal);
  if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(save_finding);

  std::vector<std::filesystem::path> files;
  for (const std::string& folder : options.folders) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  std::vector<Bytes> corpus;
  uint64_t taken = 0;
  for (const std::filesystem::path& file : files) {
    corpus.push_back(read_bytes(file));
    taken += try_input(target, corpus.back());
  }
  if (taken == 0) {
    std::fprintf(stderr, "no file of the corpus is taken: there is nothing to start from\n");
    return 1;
  }
  std::printf("%zu files of the corpus, %llu taken; seed %llu\n", corpus.size(), static_cast<unsigned long long>(taken),
              static_cast<unsigned long long>(options.seed));
  Random random(options.seed);
  taken = 0;
  const auto start = std::chrono::steady_clock::now();
  const auto go_on = [&](uint64_t done) {
    if (options.seconds == 0) return done < options.runs;
    return std::chrono::steady_clock::now() - start < std::chrono::seconds(options.seconds);
  };
  uint64_t done = 0;
  for (; go_on(done); ++done) taken += try_input(target, mutation_of(corpus, random));
  std::printf("%llu mutations, %llu taken\n", static_cast<unsigned long long>(done),
              static_cast<unsigned long long>(taken));
  return 0;
}

}  // namespace mote::fuzz
