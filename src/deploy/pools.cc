#include "deploy/pools.h"

#include <algorithm>
#include <numeric>
#include <optional>

#include "codegen/emit.h"
#include "memory/pools.h"
#include "target/fast_memory.h"

namespace mote::deploy {
namespace {

// For what a firmware has in its main RAM beside the arena and the stack.
constexpr int64_t kOtherVariables = 512;
// Of a convolution's outputs at one position, so many are computed from one read of the window.
constexpr int64_t kChannelsAtATime = 4;
constexpr int64_t kBytesOfColumn = 2;  // windows are kept as int16

/// Bytes that the operators move in and out of a part of a region: a tensor as often as an operator touches it; scratch
/// memory, where windows are gathered, as often as they are multiplied.
int64_t traffic_of(const ir::Graph& graph, const Part& part, const Region& region) {
  if (region.scratch_of >= 0) {
    const int64_t macs = ir::macs_of(graph, graph.operators[static_cast<size_t>(region.scratch_of)]);
    return std::max(2 * part.size, macs * kBytesOfColumn / kChannelsAtATime);
  }
  int64_t touches = 0;
  for (const ir::Operator& op : graph.operators) {
    touches += op.output == part.tensor ? 1 : 0;
    touches += std::find(op.inputs.begin(), op.inputs.end(), part.tensor) != op.inputs.end() ? 1 : 0;
  }
  return touches * part.size;
}

struct Room {
  const target::MemoryRegion* memory = nullptr;
  memory::Pool pool;
};

/// The memories that may hold activations, the main RAM first.
std::vector<Room> rooms_of(const Arena& arena, const ir::Graph& graph, const target::Board& board) {
  std::vector<int64_t> traffic;
  for (const Region& region : arena.regions) {
    int64_t bytes = 0;
    for (const Part& part : region.parts) bytes += traffic_of(graph, part, region);
    traffic.push_back(bytes);
  }
  std::vector<Room> rooms;
  const auto add = [&](const target::MemoryRegion& region, int64_t free) {
    const target::MemoryReads reads = target::data_reads(board, region);
    Room room{&region, {std::max<int64_t>(free, 0), {}}};
    for (const int64_t bytes : traffic) room.pool.costs.push_back(bytes / reads.line * reads.miss);
    rooms.push_back(std::move(room));
  };
  add(board.ram(), int64_t{board.ram().size} - board.stack_bytes - kOtherVariables);
  for (const target::MemoryRegion& region : board.regions) {
    using Kind = target::MemoryRegion::Kind;
    const bool is_for_data = region.kind == Kind::kRam || region.kind == Kind::kTightlyCoupledData;
    if (is_for_data && &region != &board.ram()) add(region, region.size);
  }
  return rooms;
}

std::string unused(std::string name, const std::vector<ArenaPool>& pools) {
  while (std::any_of(pools.begin(), pools.end(), [&](const ArenaPool& pool) { return pool.suffix == name; }))
    name += "_";
  return name;
}

/// The first pool that is used is the arena proper; the others' C names say which memory they are for.
void apply(const memory::PoolPlan& plan, const std::vector<Room>& rooms, Arena& arena) {
  std::vector<size_t> place(rooms.size(), 0);
  for (size_t p = 0; p < rooms.size(); ++p) {
    if (plan.bytes[p] == 0) continue;
    const std::string& memory = rooms[p].memory->name;
    place[p] = arena.pools.size();
    const std::string suffix = arena.pools.empty() ? "" : unused("_" + codegen::identifier(memory), arena.pools);
    arena.pools.push_back({memory, suffix, plan.bytes[p]});
  }
  for (size_t i = 0; i < arena.regions.size(); ++i) {
    arena.regions[i].pool = place[static_cast<size_t>(plan.pool_of[i])];
    arena.regions[i].offset = plan.offsets[i];
  }
  // One after the other in a single memory they would be a plan, too, but for the alignment of each: so much of what is
  // known of the least remains true.
  arena.plan.offsets = plan.offsets;
  arena.plan.peak_bytes = std::accumulate(plan.bytes.begin(), plan.bytes.end(), int64_t{0});
  if (arena.plan.peak_bytes < arena.plan.lower_bound_bytes)
    arena.plan.lower_bound_bytes -= static_cast<int64_t>(rooms.size() - 1) * (arena.alignment - 1);
  arena.plan.optimal = arena.plan.peak_bytes == arena.plan.lower_bound_bytes;
}

int64_t cost_of(const memory::Pool& pool) {
  return std::accumulate(pool.costs.begin(), pool.costs.end(), int64_t{0});
}

/// All of the arena in the one memory that costs least of those that hold it.
std::optional<memory::PoolPlan> in_one(const Arena& arena, const std::vector<Room>& rooms) {
  std::optional<memory::PoolPlan> best;
  for (size_t p = 0; p < rooms.size(); ++p) {
    const memory::Pool& pool = rooms[p].pool;
    if (pool.bytes < arena.bytes() || (best && best->cost <= cost_of(pool))) continue;
    best = memory::PoolPlan{std::vector<int>(arena.regions.size(), static_cast<int>(p)), arena.plan.offsets,
                            std::vector<int64_t>(rooms.size(), 0), cost_of(pool)};
    best->bytes[p] = arena.bytes();
  }
  return best;
}

}  // namespace

Arena distribute(Arena arena, const Network& network, const target::Board& board, bool fast) {
  if (!board.target.cortex_m()) return arena;
  const bool is_too_large = arena.bytes() + board.stack_bytes > board.ram().size;
  const target::FastMemory fast_memory = target::fast_data_memory(board);
  const bool could_be_faster =
      fast && fast_memory.region != nullptr && fast_memory.region != &board.ram() && arena.bytes() > fast_memory.size();
  if (!is_too_large && !could_be_faster) return arena;
  const std::vector<Room> rooms = rooms_of(arena, network.graph, board);
  std::optional<memory::PoolPlan> best = in_one(arena, rooms);
  std::vector<memory::Pool> pools;
  for (const Room& room : rooms) pools.push_back(room.pool);
  std::optional<memory::PoolPlan> divided = memory::plan_in_pools(arena.problem, pools);
  if (divided && (!best || divided->cost < best->cost)) best = std::move(divided);
  if (best) apply(*best, rooms, arena);
  return arena;
}

std::vector<ArenaPool> pools_of(const Library& library, const target::Board& board) {
  if (!library.arena.pools.empty()) return library.arena.pools;
  const std::string& memory = library.placement.arena ? library.placement.data_memory : board.ram().name;
  return {{memory, "", library.arena.bytes()}};
}

int64_t arena_bytes_in(const Arena& arena, const target::Board& board, const std::string& memory) {
  if (arena.pools.empty()) return memory == board.ram().name ? arena.bytes() : 0;
  for (const ArenaPool& pool : arena.pools) {
    if (pool.memory == memory) return pool.bytes;
  }
  return 0;
}

}  // namespace mote::deploy
