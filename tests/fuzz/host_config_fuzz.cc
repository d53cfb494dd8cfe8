// SPDX-License-Identifier: Apache-2.0
//
// A configuration of any content is accepted or refused with a reason.

#include <string_view>

#include "daemon/host_config.h"
#include "daemon/json_text.h"
#include "tests/fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets,
                                      std::size_t size) {
  const std::string text(octets, octets + size);
  const auto config = postern::ParseHostConfig(text, "/nonexistent");
  postern::Claim("a refusal has a reason",
                 config.ok() || !config.error().empty());
  const auto json = postern::ParseJson(text);
  if (json.ok()) {
    postern::Claim("what we print we parse",
                   postern::ParseJson(postern::ToJson(*json)).ok());
  }
  return 0;
}
