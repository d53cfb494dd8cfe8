// SPDX-License-Identifier: Apache-2.0
//
// The keys of sa_settings.h.

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <string>

#include "settings/sa_settings.h"

namespace postern {
namespace {

constexpr std::string_view kFilePrefix = "file:";

// Longer than any key, with "0x" and a line end.
constexpr std::size_t kMostDigits = 1024;

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

// The digits of the file, wiped when it goes out of scope.
struct WipedText {
  WipedText() = default;
  WipedText(const WipedText&) = delete;
  WipedText& operator=(const WipedText&) = delete;

  ~WipedText() { Cleanse(octets); }

  std::array<std::uint8_t, kMostDigits + 1> octets{};
};

Result<SecretBytes> ReadKeyFile(const std::string& path) {
  const std::unique_ptr<std::FILE, CloseFile> file(
      std::fopen(path.c_str(), "re"));
  if (!file) {
    return SystemError("the key file " + path + " cannot be read", errno);
  }
  std::setvbuf(file.get(), nullptr, _IONBF, 0);  // no copy in a buffer
  WipedText text;
  const std::size_t size =
      std::fread(text.octets.data(), 1, text.octets.size(), file.get());
  if (size > kMostDigits) {
    return Invalid("the key file " + path +
                   " is too long: it must hold one key in hexadecimal digits.");
  }
  std::string_view digits(reinterpret_cast<const char*>(text.octets.data()),
                          size);
  const std::size_t end = digits.find_last_not_of(" \t\r\n");
  digits = digits.substr(0, end == std::string_view::npos ? 0 : end + 1);
  return SecretBytes::FromHex(digits);
}

}  // namespace

Result<SecretBytes> ReadHexKey(std::string_view text) {
  if (text.starts_with(kFilePrefix)) {
    return Invalid(
        "a request carries the key itself, in hexadecimal digits: the CLI "
        "reads key files.");
  }
  return SecretBytes::FromHex(text);
}

Result<SecretBytes> ReadKeyOrFile(std::string_view text,
                                  const std::string& directory) {
  if (!text.starts_with(kFilePrefix)) {
    return SecretBytes::FromHex(text);
  }
  const std::string path(text.substr(kFilePrefix.size()));
  return ReadKeyFile(path.starts_with('/') ? path : directory + "/" + path);
}

}  // namespace postern
