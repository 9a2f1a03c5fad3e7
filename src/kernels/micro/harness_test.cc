#include "kernels/micro/harness_test.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <sstream>

#include "support/error.h"
#include "support/files.h"
#include "support/subprocess.h"

namespace mote::kernels::micro {
namespace {

constexpr const char* kHostPrint = R"(#include <stdio.h>
static void print(const char *text) { fputs(text, stdout); }
static void leave(void) {}
)";

// Semihosting: SYS_WRITE0 and SYS_EXIT.
constexpr const char* kBoardPrint = R"(
static int semihost(int operation, const void *argument) {
  register int r0 __asm__("r0") = operation;
  register const void *r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}
static void print(const char *text) { semihost(4, text); }
static void leave(void) { semihost(0x18, (const void *)0x20026); for (;;) {} }
int main(void);
extern unsigned char bss_begin[], bss_end[], data_begin[], data_end[], data_image[], stack_end[];
static void start(void) {
  *(volatile uint32_t *)0xE000ED88 |= 0xF << 20;
  __asm__ volatile("dsb\n isb");
  unsigned char *from = data_image;
  for (unsigned char *to = data_begin; to < data_end; ++to) *to = *from++;
  for (unsigned char *to = bss_begin; to < bss_end; ++to) *to = 0;
  main();
}
static void fault(void) { print("fault\n"); leave(); }
__attribute__((section(".vectors"), used)) static void *const vectors[] = {
    stack_end, (void *)start, (void *)fault, (void *)fault, (void *)fault, (void *)fault, (void *)fault};
)";

constexpr const char* kLinkerScript = R"(
MEMORY { CODE (rx) : ORIGIN = 0, LENGTH = 4M
  DATA (rwx) : ORIGIN = 0x20000000, LENGTH = 4M }
SECTIONS {
  .text : { KEEP(*(.vectors)) *(.text*) *(.rodata*) . = ALIGN(8); } > CODE
  .data : { data_begin = .; *(.data*) . = ALIGN(8); data_end = .; } > DATA AT > CODE
  data_image = LOADADDR(.data);
  .bss (NOLOAD) : { bss_begin = .; *(.bss*) *(COMMON) . = ALIGN(8); bss_end = .; } > DATA
  stack_end = ORIGIN(DATA) + LENGTH(DATA);
}
)";

constexpr const char* kPrintNumber = R"(
static void print_number(unsigned value) {
  char text[12] = "";
  int at = 10;
  do { text[--at] = (char)('0' + value % 10); value /= 10; } while (value != 0);
  print(text + at);
  print("\n");
}
)";

/// Writes one file per trial, which defines trial_N(), and main.c.
std::vector<std::string> write_sources(const std::vector<Trial>& trials, const std::filesystem::path& folder,
                                       bool board) {
  std::vector<std::string> files;
  std::string main = std::string("#include <stdint.h>\n") + (board ? kBoardPrint : kHostPrint) + kPrintNumber, body;
  for (size_t i = 0; i < trials.size(); ++i) {
    MicroKernel kernel = trials[i].kernel;
    if (!board) kernel.assembly.clear();
    const std::string text =
        c_file(kernel) + "\n" + kernel.prototype + ";\n" + trials[i].data +
        fmt::format("int trial_{}(void) {{\n  int bad = 0;\n{}\n  return bad;\n}}\n", i, trials[i].call);
    write_file(folder / fmt::format("trial_{}.c", i), text);
    files.push_back(fmt::format("trial_{}.c", i));
    main += fmt::format("int trial_{}(void);\n", i);
    body += fmt::format("  print_number((unsigned)trial_{}());\n", i);
  }
  write_file(folder / "main.c", main + "int main(void) {\n" + body + "  leave();\n  return 0;\n}\n");
  files.push_back("main.c");
  return files;
}

CommandResult run(std::vector<std::string> arguments, const std::filesystem::path& folder) {
  Command command;
  command.arguments = std::move(arguments);
  command.folder = folder.string();
  command.limit = std::chrono::minutes(2);
  return run_command(command);
}

std::vector<int> numbers_in(const std::string& text, size_t expected) {
  std::vector<int> numbers;
  std::istringstream stream(text);
  for (int value = 0; stream >> value;) numbers.push_back(value);
  check(numbers.size() == expected, "a trial program did not finish: " + text);
  return numbers;
}

void compile(std::vector<std::string> arguments, const std::vector<std::string>& files,
             const std::filesystem::path& folder) {
  arguments.insert(arguments.end(), files.begin(), files.end());
  const CommandResult result = run(std::move(arguments), folder);
  if (!result.ok()) throw JobError("a trial program does not compile:\n" + result.err);
}

/// The number of wrong outputs of each trial.
std::vector<int> run_on_host(const std::vector<Trial>& trials) {
  const TemporaryFolder folder;
  const std::vector<std::string> files = write_sources(trials, folder.path(), false);
  compile({"cc", "-std=c99", "-O1", "-Wall", "-Wextra", "-Werror", "-o", "trials"}, files, folder.path());
  return numbers_in(run({(folder.path() / "trials").string()}, folder.path()).out, trials.size());
}

std::vector<int> run_on_board(const std::vector<Trial>& trials, const target::Target& target) {
  const TemporaryFolder folder;
  const std::vector<std::string> files = write_sources(trials, folder.path(), true);
  write_file(folder.path() / "board.ld", std::string_view(kLinkerScript));
  std::vector<std::string> compiler{"arm-none-eabi-gcc", "-std=gnu99", "-O1", "-nostdlib", "-ffreestanding"};
  compiler.insert(compiler.end(), target.flags.begin(), target.flags.end());
  for (const char* flag : {"-Wno-main", "-T", "board.ld", "-o", "trials.elf"}) compiler.emplace_back(flag);
  std::vector<std::string> inputs = files;
  inputs.emplace_back("-lgcc");
  compile(compiler, inputs, folder.path());
  const std::string machine = target.pipeline == "m7" ? "mps2-an500" : "mps2-an386";
  const CommandResult result = run({"qemu-system-arm", "-M", machine, "-display", "none", "-monitor", "none", "-serial",
                                    "none", "-semihosting-config", "enable=on,target=native", "-kernel", "trials.elf"},
                                   folder.path());
  return numbers_in(result.out + result.err, trials.size());
}

void expect_no_errors(const std::vector<Trial>& trials, const std::vector<int>& bad) {
  for (size_t i = 0; i < trials.size(); ++i) EXPECT_EQ(bad[i], 0) << trials[i].name;
}

}  // namespace

void expect_right_on_host(const std::vector<Trial>& trials) {
  expect_no_errors(trials, run_on_host(trials));
}

void expect_right_on_board(const std::vector<Trial>& trials, const target::Target& target) {
  if (!find_program("arm-none-eabi-gcc") || !find_program("qemu-system-arm")) {
    GTEST_SKIP() << "needs arm-none-eabi-gcc and qemu-system-arm";
  }
  for (const Trial& trial : trials) EXPECT_FALSE(trial.kernel.assembly.empty()) << trial.name;
  expect_no_errors(trials, run_on_board(trials, target));
}

}  // namespace mote::kernels::micro
