// SPDX-License-Identifier: Apache-2.0
//
// The daemon's answers as text for a person. What is no JSON, or not of the
// expected shape, is shown as it is: a CLI must not hide what it does not know.
//
// Thread safety: Thread-safe.

#ifndef POSTERN_CLI_RENDER_H_
#define POSTERN_CLI_RENDER_H_

#include <string>
#include <string_view>

#include "cli/invocation.h"

namespace postern {

// Ends with a line end.
std::string Render(View view, std::string_view answer);

// An event on one line, "sa_added protocol=esp spi=0x00001001 ...".
std::string RenderEvent(std::string_view event);

// The sentence in {"code":...,"message":...}.
std::string RenderRefusal(std::string_view answer);

}  // namespace postern

#endif  // POSTERN_CLI_RENDER_H_
