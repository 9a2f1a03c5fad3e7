#include "session/session.h"

#include <fmt/core.h>

#include <algorithm>

#include "runtime/runner.h"

namespace mote::session {

using toolchain::Image;
using toolchain::Object;

namespace {

constexpr uint32_t kModuleAlignment = 32;  // a cache line, so that a kernel's timing does not depend on where it landed
constexpr uint32_t kLibraryAllowance = 2048;  // first guess of what the C library adds to a module

uint32_t padded(uint32_t bytes) {
  return bytes + 16;
}  // sections are aligned to 16

std::string no_room_text(const std::string& board, const Arena& arena, uint32_t bytes, uint32_t alignment) {
  return fmt::format("{}: no room for {} bytes; the largest free block has {}, {} are free in all", board, bytes,
                     arena.largest(alignment).size, arena.free_bytes());
}

}  // namespace

Module& Module::operator=(Module&& other) noexcept {
  std::swap(session_, other.session_);
  std::swap(id_, other.id_);
  return *this;
}

Module::~Module() {
  if (session_) session_->unload(id_);
}

const Image& Module::image() const {
  return session_->loaded(id_).image;
}

uint32_t Module::address_of(const std::string& symbol) const {
  const toolchain::Symbol* found = image().find(symbol);
  if (!found) throw JobError(fmt::format("the module has no symbol '{}'", symbol));
  return found->value;
}

Session::Session(device::Device& device, const target::Board& board, toolchain::Toolchain& toolchain)
    : device_(device), board_(board), toolchain_(toolchain), arena_(board) {
  runner_ = build_runner(board_, toolchain_, arena_);
  if (!board_.target.cortex_m()) {  // whose C library cannot be linked into a module
    for (const char* name : {"memcpy", "memmove", "memset"}) known_.emplace_back(name, runner_.image.find(name)->value);
  }
  device_.reset();
  start();
  const CallResult nothing = call(Call{runner_.nothing, {}, 8});
  if (!nothing.ok())
    throw JobError(fmt::format("{}: the runner does not run: {}", device_.name(), nothing.fault->text()));
  overhead_ = nothing.least;
}

Session::~Session() = default;

/// Puts the runner, its stack's guard and all modules where they belong.
void Session::start() {
  incarnation_ = device_.incarnation();
  const std::vector<uint32_t> guard(kGuardWords, MOTE_GUARD);
  device_.write(runner_.stack.address, std::as_bytes(std::span(guard)));
  load_image(runner_.image);
  for (const Loaded& module : modules_) load_image(module.image);
}

/// The device may have lost its memory since: a simulator that was started again.
void Session::ensure_loaded() {
  if (device_.incarnation() != incarnation_) recover();
}

void Session::load_image(const Image& image) {
  for (const toolchain::Segment& segment : image.segments) {
    Bytes bytes = segment.bytes;
    bytes.resize(segment.memory_size);  // variables begin as zeroes
    device_.write(segment.address, bytes);
  }
}

uint32_t Session::allocate(uint32_t bytes, uint32_t alignment) {
  check(alignment > 0 && (alignment & (alignment - 1)) == 0, "an alignment is a power of two");
  const std::optional<Block> block = arena_.take(bytes, alignment);
  if (!block) throw JobError(no_room_text(board_.name, arena_, bytes, alignment));
  tensors_[block->address] = *block;
  return block->address;
}

void Session::free(uint32_t address) {
  const auto found = tensors_.find(address);
  check(found != tensors_.end(), "what is freed was allocated");
  arena_.give_back(found->second);
  tensors_.erase(found);
}

void Session::write(uint32_t address, std::span<const std::byte> bytes) {
  flush();
  ensure_loaded();
  device_.write(address, bytes);
}

void Session::read(uint32_t address, std::span<std::byte> out) {
  flush();
  device_.read(address, out);
}

Bytes Session::read(uint32_t address, uint32_t bytes) {
  Bytes out(bytes);
  read(address, out);
  return out;
}

/// Empty when there is room for all of them.
std::string Session::why_no_room(const std::vector<uint32_t>& tensors) const {
  Arena arena = arena_;
  for (const uint32_t bytes : tensors) {
    if (!arena.take(bytes, kAlignment)) return no_room_text(board_.name, arena, bytes, kAlignment);
  }
  return "";
}

LoadResult Session::load(const std::vector<Object>& objects, const std::vector<uint32_t>& tensors) {
  flush();
  ensure_loaded();
  uint32_t size = kLibraryAllowance;
  for (const Object& object : objects) {
    const toolchain::Sizes& sizes = object.sizes;
    size += padded(sizes.text) + padded(sizes.rodata) + padded(sizes.data) + padded(sizes.bss);
  }
  // The second round is for a module that the C library made larger than allowed for.
  for (int round = 0; round < 2; ++round) {
    const std::optional<Block> block = arena_.take_code(size, kModuleAlignment);
    if (!block) {
      return LoadFailure{LoadFailure::Kind::kTooLarge,
                         fmt::format("the module needs {} bytes of executable RAM; the largest free block has {}", size,
                                     largest_free())};
    }
    toolchain::LinkResult linked = toolchain_.link(objects, {block->address, {}}, known_);
    if (!linked.ok()) {
      arena_.give_back(*block);
      return LoadFailure{LoadFailure::Kind::kLink, linked.messages};
    }
    uint64_t end = block->address;
    for (const toolchain::Segment& segment : linked.image->segments) {
      check(segment.address >= block->address, "a module lies in its block");
      end = std::max(end, uint64_t{segment.address} + segment.memory_size);
    }
    const uint32_t used = std::max(static_cast<uint32_t>(end - block->address), 1u);
    if (used > size) {
      arena_.give_back(*block);
      size = used;
      continue;
    }
    arena_.give_back({block->address + used, block->size - used});
    std::string no_room = why_no_room(tensors);
    if (!no_room.empty()) {
      arena_.give_back({block->address, used});
      return LoadFailure{LoadFailure::Kind::kTooLarge, std::move(no_room)};
    }
    modules_.push_back({next_module_, {block->address, used}, std::move(*linked.image)});
    load_image(modules_.back().image);
    return Module(this, next_module_++);
  }
  return LoadFailure{LoadFailure::Kind::kTooLarge, "the module grows each time it is linked"};
}

void Session::unload(int id) {
  const auto found = std::find_if(modules_.begin(), modules_.end(), [&](const Loaded& m) { return m.id == id; });
  check(found != modules_.end(), "a module is unloaded once");
  arena_.give_back(found->block);
  modules_.erase(found);
}

const Session::Loaded& Session::loaded(int id) const {
  const auto found = std::find_if(modules_.begin(), modules_.end(), [&](const Loaded& m) { return m.id == id; });
  check(found != modules_.end(), "a module that is used is loaded");
  return *found;
}

}  // namespace mote::session
