// Golden files: text that people read, kept in the repository and compared. Run the test program with --update to write
// them anew, and review the difference.
#pragma once

#include <filesystem>
#include <string>

namespace mote::tests {

/// Expects `text` to be what golden file `path` holds.
void expect_golden(const std::filesystem::path& path, const std::string& text);

}  // namespace mote::tests
