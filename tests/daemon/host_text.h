// SPDX-License-Identifier: Apache-2.0
//
// Configuration texts for tests, and what the daemon makes of them.

#ifndef POSTERN_TESTS_DAEMON_HOST_TEXT_H_
#define POSTERN_TESTS_DAEMON_HOST_TEXT_H_

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <vector>

#include "daemon/host_config.h"

namespace postern {

inline constexpr const char* kLeast = R"([host]
name = "a"
[tun]
addresses = ["10.9.0.1/24", "fd00:9::1/64"]
[wire]
kind = "tun"
)";

inline HostConfig Read(const std::string& text) {
  const auto config = ParseHostConfig(text, "/etc/postern");
  if (!config.ok()) {
    for (const Defect& defect : config.error()) {
      ADD_FAILURE() << InFile("host.toml", defect);
    }
    return {};
  }
  return *config;
}

// The defects of a text, as they are shown.
inline std::vector<std::string> Refused(const std::string& text) {
  const auto config = ParseHostConfig(text, "/etc/postern");
  std::vector<std::string> lines;
  if (!config.ok()) {
    for (const Defect& defect : config.error()) {
      lines.push_back(InFile("host.toml", defect));
    }
  }
  return lines;
}

inline std::string Key(std::size_t octets) {
  std::string text = "0x";
  for (std::size_t i = 0; i < octets; ++i) {
    text += "5a";
  }
  return text;
}

inline std::string Gcm(const std::string& more) {
  return "[[sa]]\nprotocol = \"esp\"\nmode = \"transport\"\nspi = 0x1001\n"
         "source = \"10.9.0.1\"\ndestination = \"10.9.0.2\"\n"
         "encryption = \"aes-gcm-16\"\nencryption_key = \"" +
         Key(20) + "\"\n" + more;
}

}  // namespace postern

#endif  // POSTERN_TESTS_DAEMON_HOST_TEXT_H_
