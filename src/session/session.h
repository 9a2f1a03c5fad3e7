// A conversation with one board: load modules into its RAM, allocate tensors, call functions, read results and cycles.
//
// Calls are lazy when wanted: they go into a queue on the device, which is run when it is full, when something is read,
// or on sync(). Whatever a called function does - fault, hang, overflow its stack - comes back as a value; the board is
// reset and the session goes on. Then generation() has grown: what tensors hold is not to be trusted any more (a wild
// store may have hit them); modules are loaded again by the session itself.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "device/device.h"
#include "session/arena.h"
#include "session/fault.h"
#include "session/runner.h"
#include "toolchain/toolchain.h"

namespace mote::session {

class Session;

/// Code in the board's RAM. Frees it when destroyed; must not outlive its session.
class Module {
 public:
  Module(Module&& other) noexcept : session_(other.session_), id_(other.id_) { other.session_ = nullptr; }
  Module& operator=(Module&& other) noexcept;
  ~Module();
  const toolchain::Image& image() const;
  /// What a call jumps to. Throws JobError when there is no such function.
  uint32_t address_of(const std::string& symbol) const;

 private:
  friend class Session;
  Module(Session* session, int id) : session_(session), id_(id) {}
  Session* session_;
  int id_;
};

/// That a module cannot be loaded is an outcome of its candidate.
struct LoadFailure {
  enum class Kind : uint8_t { kLink, kTooLarge } kind;
  std::string text;
};
using LoadResult = std::variant<Module, LoadFailure>;

struct Call {
  uint32_t function = 0;            // Module::address_of()
  std::vector<uint32_t> arguments;  // up to 8 words: addresses, integers
  uint32_t repeats = 1;             // at least 1
};

struct CallResult {
  std::optional<Fault> fault;
  uint64_t cycles = 0;           // of all repeats together, less the cost of calling
  uint64_t least = 0, most = 0;  // of one repeat
  uint32_t repeats = 0;
  bool ok() const { return !fault.has_value(); }
};

class Session {
 public:
  using Limit = std::optional<std::chrono::milliseconds>;
  static constexpr uint32_t kAlignment = 16;  // of data, where no other is asked for

  /// Resets the board and loads the runner. `device` and `toolchain` must outlive the session. Throws ConnectionError,
  /// JobError.
  Session(device::Device& device, const target::Board& board, toolchain::Toolchain& toolchain);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Memory for data. Throws JobError that says what is free when there is not enough.
  uint32_t allocate(uint32_t bytes, uint32_t alignment = kAlignment);
  void free(uint32_t address);
  /// The most bytes one allocate() can give now.
  uint32_t largest_free(uint32_t alignment = kAlignment) const { return arena_.largest(alignment).size; }

  /// Queued calls run first: writes and reads are in order with them.
  void write(uint32_t address, std::span<const std::byte> bytes);
  void read(uint32_t address, std::span<std::byte> out);
  Bytes read(uint32_t address, uint32_t bytes);
  /// The bytes that mote::Random(seed).fill() makes: made on the device by a queued task, or sent where sending is
  /// faster.
  void fill_random(uint32_t address, uint32_t bytes, uint64_t seed);
  /// The same for equal bytes.
  void fill(uint32_t address, uint32_t bytes, std::byte value);

  /// Links `objects` for free RAM and loads them, if there is room behind them for `tensors` too: the bytes of what is
  /// to be allocate()d next, in that order. Nothing is sent to the device of a module that does not fit.
  LoadResult load(const std::vector<toolchain::Object>& objects, const std::vector<uint32_t>& tensors = {});

  /// Strict: runs what is queued, then this call, and waits. `limit`: wall-clock time; the board's limits.run when it
  /// is not given.
  CallResult call(const Call& call, Limit limit = {});
  CallResult call(const Module& module, const std::string& symbol, const std::vector<uint32_t>& arguments,
                  uint32_t repeats = 1, Limit limit = {});
  /// Lazy: queued. A full queue is run at once, within the largest limit in it.
  void enqueue(const Call& call, Limit limit = {});
  /// Runs what is queued; the results of all enqueued calls since the last sync(), in order.
  std::vector<CallResult> sync();

  /// Grows whenever tensors may have changed by other than calls: after a fault, a timeout, a lost board.
  uint64_t generation() const { return generation_; }
  const target::Board& board() const { return board_; }
  device::Device& device() { return device_; }

 private:
  friend class Module;
  struct Loaded {
    int id;
    Block block;
    toolchain::Image image;
  };
  struct Queued {
    Call call;
    bool wanted;  // its result is for sync()
    std::chrono::milliseconds limit;
  };

  static constexpr uint32_t kGuardWords = 8;  // at the stack's low end

  void start();
  void ensure_loaded();
  void load_image(const toolchain::Image& image);
  std::string why_no_room(const std::vector<uint32_t>& tensors) const;
  void unload(int id);
  const Loaded& loaded(int id) const;
  void queue(const Call& call, bool wanted, Limit limit);
  void flush();
  void run_queue(std::span<const Queued> tasks);
  std::optional<Fault> run_runner(std::span<const Queued> tasks, uint32_t& done, Bytes& state);
  CallResult result_of(const Call& call, std::span<const std::byte> state, size_t task) const;
  Fault fault_from(const device::Stop& stop, std::span<const std::byte> state);
  void locate(Fault& fault);
  void recover();

  device::Device& device_;
  target::Board board_;
  toolchain::Toolchain& toolchain_;
  Arena arena_;
  Runner runner_;
  std::vector<std::pair<std::string, uint32_t>> known_;  // symbols that modules may use
  std::map<uint32_t, Block> tensors_;
  std::vector<Loaded> modules_;
  std::vector<Queued> queue_;
  std::vector<CallResult> results_;
  int next_module_ = 0;
  uint64_t overhead_ = 0;  // cycles of calling a function that does nothing
  uint64_t generation_ = 0;
  uint64_t incarnation_ = 0;  // of the device, when the runner was loaded
};

}  // namespace mote::session
