#include "deploy/draw.h"

#include <fmt/format.h>

#include <algorithm>

#include "codegen/emit.h"
#include "deploy/emit.h"

namespace mote::deploy {
namespace {

constexpr int kColumn = 96;    // pixels that one operator takes
constexpr int kHeight = 560;   // pixels of the whole arena
constexpr int kLeft = 72;      // room for addresses
constexpr int kTop = 40;       // room for the title
constexpr int kBottom = 190;   // room for the operators' titles, which are slanted
constexpr int kLeastText = 9;  // pixels of a box that can hold a line of text
constexpr int kTicks = 8;

/// Where the plan's bytes and steps lie on the paper.
struct Scale {
  int64_t bytes = 1;
  std::vector<int64_t> pools = {0};  // where each begins: one lies above the other
  double y(int64_t offset) const {
    return kTop + kHeight - static_cast<double>(offset) * kHeight / static_cast<double>(bytes);
  }
  static int x(int step) { return kLeft + step * kColumn; }
};

/// "x" from "model/x", as a C identifier: what comes from outside cannot leave its element.
std::string label_of(const Region& region) {
  return region.scratch_of >= 0 ? region.name : codegen::identifier(region.name);
}

/// As much of `text` as fits `pixels`.
std::string fitting(const std::string& text, int pixels) {
  const size_t letters = static_cast<size_t>(std::max(1, pixels / 6));
  return text.size() <= letters ? text : text.substr(0, letters - 1) + "…";
}

std::string box(const Region& region, const Scale& scale) {
  const int x = Scale::x(region.first), width = (region.last - region.first + 1) * kColumn;
  const int64_t offset = scale.pools.at(region.pool) + region.offset;
  const double top = scale.y(offset + region.size), height = scale.y(offset) - top;
  const char* const kind = region.scratch_of >= 0 ? "scratch" : "tensor";
  const std::string label = label_of(region);
  std::string text = fmt::format(
      "<g><title>{}: {} bytes at {}, operators {} to {}</title>\n"
      "<rect class=\"{}\" x=\"{}\" y=\"{:.1f}\" width=\"{}\" height=\"{:.1f}\"/>\n",
      label, region.size, region.offset, region.first, region.last, kind, x + 1, top, width - 2, height);
  if (height >= kLeastText) {
    text += fmt::format("<text x=\"{}\" y=\"{:.1f}\">{}</text>\n", x + 5, top + height / 2 + 3,
                        fitting(fmt::format("{} {}", label, region.size), width - 8));
  }
  return text + "</g>\n";
}

std::string addresses(const Scale& scale, int right) {
  std::string text;
  for (int i = 0; i <= kTicks; ++i) {
    const int64_t offset = scale.bytes * i / kTicks;
    text += fmt::format(
        "<line x1=\"{0}\" y1=\"{1:.1f}\" x2=\"{2}\" y2=\"{1:.1f}\"/>"
        "<text x=\"{3}\" y=\"{4:.1f}\" text-anchor=\"end\">{5}</text>\n",
        kLeft, scale.y(offset), right, kLeft - 6, scale.y(offset) + 3, offset);
  }
  return text;
}

std::string operators(const ir::Graph& graph) {
  std::string text;
  for (size_t i = 0; i < graph.operators.size(); ++i) {
    const int x = Scale::x(static_cast<int>(i)) + kColumn / 3, y = kTop + kHeight + 16;
    // "->" would be an end of markup.
    std::string title = title_of(graph, graph.operators[i]);
    if (const size_t at = title.find("->"); at != std::string::npos) title.replace(at, 2, "to");
    text += fmt::format("<text x=\"{0}\" y=\"{1}\" transform=\"rotate(35 {0} {1})\">{2} {3}</text>\n", x, y, i, title);
  }
  return text;
}

}  // namespace

std::string draw_svg(const Network& network, const Arena& arena) {
  Scale scale{std::max<int64_t>(1, arena.bytes())};
  for (const ArenaPool& pool : arena.pools) scale.pools.push_back(scale.pools.back() + pool.bytes);
  const int steps = std::max(1, static_cast<int>(network.graph.operators.size()));
  const int right = Scale::x(steps);
  std::string text = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\">\n"
      "<style>text {{ font: 10px sans-serif; fill: #222 }} line {{ stroke: #ddd }}\n"
      ".tensor {{ fill: #9ecae1; stroke: #3182bd }} .scratch {{ fill: #fdd0a2; stroke: #e6550d }}</style>\n"
      "<rect width=\"{0}\" height=\"{1}\" fill=\"white\"/>\n"
      "<text x=\"{2}\" y=\"22\">{3}: {4} bytes{5}; boxes that overlap share memory without harm</text>\n",
      right + 200, kTop + kHeight + kBottom, kLeft, network.prefix, arena.bytes(),
      arena.plan.optimal ? ", proved to be the least" : "");
  text += addresses(scale, right);
  for (size_t i = 0; i < arena.pools.size(); ++i) {
    text += fmt::format("<text x=\"{}\" y=\"{:.1f}\">{}, {} bytes from here up</text>\n", right + 6,
                        scale.y(scale.pools[i]), codegen::identifier(arena.pools[i].memory), arena.pools[i].bytes);
  }
  for (const Region& region : arena.regions) {
    if (region.size > 0) text += box(region, scale);
  }
  return text + operators(network.graph) + "</svg>\n";
}

}  // namespace mote::deploy
