#include "target/target.h"

#include "support/data_dir.h"
#include "support/toml.h"

namespace mote::target {

Target load_target(const std::string& name_or_file) {
  const std::filesystem::path file = find_data_file("targets", name_or_file);
  TomlTable table = TomlTable::load(file);
  static const std::vector<std::string> kIsas = {"armv6-m", "armv7-m", "armv7e-m", "armv8-m.main", "host"};
  Target target;
  target.name = file.stem().string();
  target.description = table.text("description", "");
  target.isa = kIsas[table.one_of("isa", kIsas)];
  target.dsp = table.flag("dsp", false);
  target.fpu = table.flag("fpu", false);
  target.flags = table.texts("flags");
  target.pipeline = table.text("pipeline", "");
  if (target.dsp && target.isa != "armv7e-m" && target.isa != "armv8-m.main") {
    table.fail("dsp", "is true, but " + target.isa + " has no DSP extension");
  }
  table.reject_unknown_keys();
  return target;
}

std::vector<std::string> target_names() {
  return data_file_names("targets");
}

}  // namespace mote::target
