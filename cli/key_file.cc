// SPDX-License-Identifier: Apache-2.0

#include "cli/key_file.h"

#include <cerrno>
#include <fstream>
#include <iterator>

namespace postern {

Result<std::string> ReadKeyWord(std::string_view word) {
  constexpr std::string_view kFilePrefix = "file:";
  constexpr std::size_t kMostDigits = 1024;
  if (!word.starts_with(kFilePrefix)) {
    return std::string(word);
  }
  const std::string path(word.substr(kFilePrefix.size()));
  std::ifstream stream(path);
  if (!stream) {
    return SystemError("the key file " + path + " cannot be read", errno);
  }
  std::string digits;
  for (std::istreambuf_iterator<char> at(stream), end;
       at != end && digits.size() <= kMostDigits; ++at) {
    digits.push_back(*at);
  }
  if (digits.size() > kMostDigits) {
    return Invalid("the key file " + path +
                   " is too long: it must hold one key in hexadecimal digits.");
  }
  digits.erase(digits.find_last_not_of(" \t\r\n") + 1);
  return digits;
}

}  // namespace postern
