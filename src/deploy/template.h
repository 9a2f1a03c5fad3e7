// Text templates (mustache), which are data: runtime/NAME.mustache.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace mote::deploy {

/// The shipped template `name` ("library/model.h") filled with `values`: strings, numbers, booleans, and arrays of
/// objects for sections. A section of `false` or of an empty array is left out. Nothing is escaped: what comes from
/// outside must have gone through codegen::identifier(). Throws JobError when the template is missing or malformed.
std::string render(const std::string& name, const nlohmann::json& values);

/// The same for a template given as text.
std::string render_text(const std::string& text, const nlohmann::json& values);

}  // namespace mote::deploy
