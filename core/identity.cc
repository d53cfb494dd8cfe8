// SPDX-License-Identifier: Apache-2.0

#include "core/identity.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/net/ip_address.h"

namespace postern {
namespace {

constexpr std::array<IdentityType, 5> kTypes = {
    IdentityType::kPrefix, IdentityType::kFqdn, IdentityType::kUserFqdn,
    IdentityType::kX509Dn, IdentityType::kKeyId};

bool IsControl(char c) {
  const auto octet = static_cast<unsigned char>(c);
  return octet < 0x20 || octet == 0x7f;
}

char InSmallLetters(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool IsInLabel(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

Error NotOfType(IdentityType type, std::string_view text,
                std::string_view wanted) {
  return Invalid("\"" + std::string(text) + "\" is no identity of the type " +
                 std::string(NameOf(type)) + ": write " + std::string(wanted) +
                 ".");
}

// Labels of letters, digits, dashes and underscores, none of them empty.
Result<std::string> ReadDomain(IdentityType type, std::string_view text) {
  std::string domain(text.ends_with('.') ? text.substr(0, text.size() - 1)
                                         : text);
  std::ranges::transform(domain, domain.begin(), InSmallLetters);
  bool in_label = false;
  for (const char c : domain) {
    if (!IsInLabel(c) && !(c == '.' && in_label)) {
      return NotOfType(type, text, "a domain name like host.example");
    }
    in_label = c != '.';
  }
  if (!in_label) {
    return NotOfType(type, text, "a domain name like host.example");
  }
  return domain;
}

Result<std::string> ReadUser(std::string_view text) {
  const std::size_t at = text.rfind('@');
  if (at == std::string_view::npos || at == 0) {
    return NotOfType(IdentityType::kUserFqdn, text, "user@host.example");
  }
  Result<std::string> domain =
      ReadDomain(IdentityType::kUserFqdn, text.substr(at + 1));
  if (!domain.ok()) {
    return NotOfType(IdentityType::kUserFqdn, text, "user@host.example");
  }
  return std::string(text.substr(0, at + 1)) + *domain;
}

Result<std::string> ReadPrefix(std::string_view text) {
  const Result<IpPrefix> prefix = IpPrefix::Parse(text);
  if (!prefix.ok()) {
    return prefix.error();
  }
  return prefix->ToString();
}

Result<std::string> ReadText(IdentityType type, std::string_view text) {
  switch (type) {
    case IdentityType::kPrefix:
      return ReadPrefix(text);
    case IdentityType::kFqdn:
      return ReadDomain(type, text);
    case IdentityType::kUserFqdn:
      return ReadUser(text);
    case IdentityType::kX509Dn:
    case IdentityType::kKeyId:
      break;
  }
  return std::string(text);
}

}  // namespace

std::string_view NameOf(IdentityType type) {
  switch (type) {
    case IdentityType::kPrefix:
      return "prefix";
    case IdentityType::kFqdn:
      return "fqdn";
    case IdentityType::kUserFqdn:
      return "user_fqdn";
    case IdentityType::kX509Dn:
      return "x509_dn";
    case IdentityType::kKeyId:
      break;
  }
  return "key_id";
}

Result<Identity> Identity::Make(IdentityType type, std::string_view text) {
  if (text.empty() || text.size() > kMostOctets) {
    return Invalid("an identity has 1 to " + std::to_string(kMostOctets) +
                   " octets; this one has " + std::to_string(text.size()) +
                   ".");
  }
  if (std::ranges::any_of(text, IsControl)) {
    return Invalid("an identity has no control characters: remove them.");
  }
  Result<std::string> read = ReadText(type, text);
  if (!read.ok()) {
    return read.error();
  }
  return Identity(type, std::move(*read));
}

Result<Identity> Identity::Parse(std::string_view text) {
  const std::size_t colon = text.find(':');
  for (const IdentityType type : kTypes) {
    if (colon != std::string_view::npos &&
        text.substr(0, colon) == NameOf(type)) {
      return Make(type, text.substr(colon + 1));
    }
  }
  return Invalid("\"" + std::string(text) +
                 "\" names no type of identity: write it like "
                 "fqdn:host.example, with prefix, fqdn, user_fqdn, x509_dn or "
                 "key_id in front.");
}

std::string Identity::ToString() const {
  return std::string(NameOf(type_)) + ":" + text_;
}

}  // namespace postern
