#include "board_sim/system.h"

namespace mote::board_sim {
namespace {

constexpr uint32_t kEnable = 1, kInterrupt = 2, kClockSource = 4, kCountFlag = 1u << 16;
constexpr uint32_t kMask = 0xFFFFFF;

}  // namespace

// From start_ on: value_, value_ - 1, ..., 0, load_, load_ - 1, ..., 0, load_, ... one step each divider() cycles.
uint32_t SysTick::value(uint64_t now) const {
  if (!(control_ & kEnable)) return value_;
  const uint64_t ticks = (now - start_) / divider();
  if (ticks <= value_) return static_cast<uint32_t>(value_ - ticks);
  return load_ == 0 ? 0 : static_cast<uint32_t>(load_ - (ticks - value_ - 1) % (uint64_t{load_} + 1));
}

uint64_t SysTick::zeros(uint64_t now) const {
  if (!(control_ & kEnable)) return seen_;
  const uint64_t ticks = (now - start_) / divider();
  const uint64_t first = value_ == 0 ? 0 : 1;
  if (ticks < value_) return 0;
  return first + (load_ == 0 ? 0 : (ticks - value_) / (uint64_t{load_} + 1));
}

uint64_t SysTick::zero_time(uint64_t n) const {
  const uint64_t first = value_ == 0 ? 0 : 1;
  if (load_ == 0 && n > first) return ~uint64_t{0};
  return start_ + divider() * (value_ + (n - first) * (uint64_t{load_} + 1));
}

void SysTick::restart(uint32_t value, uint64_t now) {
  value_ = value;
  start_ = now;
  seen_ = taken_ = 0;
}

uint32_t SysTick::control(uint64_t now, bool clear_flag) {
  const uint64_t count = zeros(now);
  const uint32_t flag = count > seen_ ? kCountFlag : 0;
  if (clear_flag) seen_ = count;
  return control_ | flag;
}

void SysTick::set_control(uint32_t value, uint64_t now) {
  const uint32_t at = this->value(now);
  control_ = value & (kEnable | kInterrupt | kClockSource);
  restart(at, now);
}

void SysTick::set_load(uint32_t value, uint64_t now) {
  const uint32_t at = this->value(now);
  load_ = value & kMask;
  restart(at, now);
}

void SysTick::clear_value(uint64_t now) {
  restart(0, now);
}

uint64_t SysTick::next_interrupt() const {
  if ((control_ & (kEnable | kInterrupt)) != (kEnable | kInterrupt)) return ~uint64_t{0};
  return zero_time(taken_ + 1);
}

bool SysTick::take_interrupt(uint64_t now) {
  if (now < next_interrupt()) return false;
  taken_ = zeros(now);
  return true;
}

}  // namespace mote::board_sim
