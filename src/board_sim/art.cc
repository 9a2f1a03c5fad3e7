#include "board_sim/art.h"

#include <algorithm>

namespace mote::board_sim {
namespace {

constexpr uint32_t kLineBytes = 32, kInstructionLines = 32, kDataLines = 8;  // fully associative
constexpr uint32_t kLatencyMask = 0xF, kInstructionCacheOn = 1u << 9, kDataCacheOn = 1u << 10;
constexpr int64_t kRedirect = 2;  // cycles before the end of a taken branch that its target is fetched

/// The last instruction of `block` that loads; 0 when none does.
size_t last_load(const Block& block) {
  for (size_t i = block.insns.size(); i-- > 0;) {
    if (block.insns[i].loads()) return i;
  }
  return 0;
}

}  // namespace

ArtModel::ArtModel(const target::Board& board)
    : first_(board.flash().address),
      alias_(board.flash().alias.value_or(board.flash().address)),
      bytes_(board.flash().size),
      reset_wait_states_(board.flash().wait_states),
      instructions_(1, kInstructionLines, kLineBytes, kWordBytes),
      data_(1, kDataLines, kLineBytes, kWordBytes) {
  reset();
}

std::unique_ptr<MemoryModel> ArtModel::clone() const {
  return std::unique_ptr<MemoryModel>(new ArtModel(*this));
}

// Firmware that never sets the wait states is taken to run at the board's clock, with what that needs.
void ArtModel::reset() {
  wait_states_ = reset_wait_states_;
  instruction_cache_on_ = data_cache_on_ = true;
  instructions_.clear();
  data_.clear();
  current_instruction_ = current_data_ = kNoWord;
  fetching_ = false;
}

void ArtModel::set_access_control(uint32_t value) {
  wait_states_ = static_cast<int>(value & kLatencyMask);
  instruction_cache_on_ = (value & kInstructionCacheOn) != 0;
  data_cache_on_ = (value & kDataCacheOn) != 0;
}

bool ArtModel::in_flash(uint32_t address) const {
  return address - first_ < bytes_ || address - alias_ < bytes_;
}

/// When the core's request at `at` for 32-bit word `word` is answered.
int64_t ArtModel::fetch(uint32_t word, int64_t at) {
  const uint32_t flash_word = word * 4 / kWordBytes;
  int64_t answer = at + 1;
  if (flash_word == current_instruction_) {
    answer = std::max(answer, current_ready_);
  } else {
    if (!instruction_cache_on_ || !instructions_.access(word * 4)) {
      answer = std::max(at, port_free_) + 1 + wait_states_;
      port_free_ = answer;
    }
    current_instruction_ = flash_word;
    current_ready_ = answer;
  }
  last_fetch_ = answer;
  return answer;
}

/// The earliest time that the fetch of `word` can be asked for: after the last answer, and when the queue has room.
int64_t ArtModel::issue_time(uint32_t word) const {
  return std::max(last_fetch_, consumed_[(word - kQueue) % kRing]);
}

void ArtModel::fetch_ahead_until(int64_t time) {
  if (!fetching_) return;
  for (int64_t at = issue_time(next_word_); at < time; at = issue_time(next_word_)) {
    delivered_[next_word_ % kRing] = fetch(next_word_, at);
    ++next_word_;
  }
}

/// Cycles the core waits for a data read at `time`.
int64_t ArtModel::data_read(uint32_t address, int64_t time) {
  const uint32_t flash_word = address / kWordBytes;
  if (flash_word == current_data_) return 0;
  current_data_ = flash_word;
  if (data_cache_on_ && data_.access(address)) return 0;
  fetch_ahead_until(time);
  port_free_ = std::max(time, port_free_) + 1 + wait_states_;
  return port_free_ - (time + 1);
}

void ArtModel::restart_fetch(uint32_t address, int64_t time) {
  next_word_ = address / 4;
  last_fetch_ = fetching_ ? std::max(last_fetch_, time) : time;
  consumed_.fill(0);
  fetching_ = true;
}

uint32_t ArtModel::run(const Block& block, std::span<const uint16_t> ends, std::span<const DataAccess> accesses,
                       bool taken, uint32_t next, uint64_t start, std::span<uint64_t> waits) {
  if (wait_states_ == 0) return 0;
  const int64_t begin = static_cast<int64_t>(start);
  const bool code_in_flash = in_flash(block.address);
  if (code_in_flash && !fetching_) restart_fetch(block.address, begin - kRedirect);
  if (!code_in_flash) fetching_ = false;
  int64_t delay = 0;
  size_t access = 0;
  // Reads belong to loads in their order, by the number of words that each reads.
  const size_t last = accesses.empty() ? 0 : last_load(block);
  int reads = 0;
  for (size_t i = 0; i < block.insns.size(); ++i) {
    const schedule::Insn& insn = block.insns[i];
    int64_t time = begin + (i == 0 ? 0 : ends[i - 1]) + delay;
    const auto wait = [&](int64_t cycles) {
      delay += cycles;
      time += cycles;
      if (!waits.empty()) waits[i] += static_cast<uint64_t>(cycles);
    };
    if (code_in_flash) {
      const uint32_t last_word = (insn.address + insn.size - 1u) / 4;
      for (; next_word_ <= last_word; ++next_word_) {
        delivered_[next_word_ % kRing] = fetch(next_word_, issue_time(next_word_));
      }
      wait(std::max<int64_t>(0, delivered_[last_word % kRing] + 1 - time));
      for (uint32_t word = insn.address / 4; word < (insn.address + insn.size) / 4; ++word) {
        consumed_[word % kRing] = time;
      }
    }
    if (insn.loads()) reads += insn.access.count;
    for (; access < accesses.size(); ++access) {
      const DataAccess& read = accesses[access];
      if (read.write) continue;
      if (read.number >= reads && i < last) break;
      if (!in_flash(read.address)) continue;
      wait(data_read(read.address, time));
      const uint32_t last_byte = read.address + read.bytes - 1u;
      if (last_byte / kWordBytes != read.address / kWordBytes) wait(data_read(last_byte, time));
    }
  }
  if (taken && code_in_flash) {
    const int64_t redirect = begin + ends.back() + delay - kRedirect;
    fetch_ahead_until(redirect);
    restart_fetch(next, redirect);
  }
  return static_cast<uint32_t>(delay);
}

}  // namespace mote::board_sim
