// SPDX-License-Identifier: Apache-2.0
//
// TOML (toml.io, version 1.0) to Values, each with its line and column.
//
// Thread safety: Thread-safe.

#ifndef POSTERN_SETTINGS_TOML_TEXT_H_
#define POSTERN_SETTINGS_TOML_TEXT_H_

#include <string_view>

#include "core/expected.h"
#include "settings/defect.h"
#include "settings/value.h"

namespace postern {

// The whole document as one object. Dates and times, which no setting has, come
// as their text.
Expected<Value, Defect> ParseToml(std::string_view text);

}  // namespace postern

#endif  // POSTERN_SETTINGS_TOML_TEXT_H_
