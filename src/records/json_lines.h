// Records as JSON lines in the layout of AutoTVM's log format 0.2 (docs/records.md), to be moved, mailed and diffed.
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "records/trial.h"

namespace mote::records {

/// One trial as one line of JSON, without the newline. Bytes that are not UTF-8 are replaced.
std::string json_line(const Trial& trial);

/// Reads a line that json_line() wrote. `where` names it in messages ("tuning.jsonl:12"). Throws InputError.
Trial parse_json_line(std::string_view line, const std::string& where);

/// Reads all lines of `in`, empty ones aside; `name` is the file's. Throws InputError naming the line.
std::vector<Trial> read_json_lines(std::istream& in, const std::string& name);

}  // namespace mote::records
