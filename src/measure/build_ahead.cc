#include "measure/build_ahead.h"

namespace mote::measure {

BuildAhead::BuildAhead(size_t count, const std::vector<std::unique_ptr<toolchain::Toolchain>>& toolchains, Build build,
                       const std::atomic<bool>* stop)
    : build_(std::move(build)), stop_(stop), promises_(count) {
  for (std::promise<std::optional<Candidate>>& promise : promises_) built_.push_back(promise.get_future().share());
  for (const std::unique_ptr<toolchain::Toolchain>& toolchain : toolchains) {
    threads_.emplace_back([this, &toolchain] { work(*toolchain); });
  }
}

BuildAhead::~BuildAhead() {
  leaving_ = true;
  for (std::thread& thread : threads_) thread.join();
}

void BuildAhead::work(toolchain::Toolchain& toolchain) {
  for (size_t i = next_++; i < promises_.size(); i = next_++) {
    try {
      const bool end = leaving_ || (stop_ != nullptr && *stop_);
      promises_[i].set_value(end ? std::nullopt : std::optional(build_(i, toolchain)));
    } catch (...) {
      promises_[i].set_exception(std::current_exception());
    }
  }
}

}  // namespace mote::measure
