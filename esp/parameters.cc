// SPDX-License-Identifier: Apache-2.0

#include "esp/parameters.h"

#include <algorithm>
#include <string>

namespace postern::esp {
namespace {

std::string Octets(std::size_t count) {
  return std::to_string(count) + " octets";
}

Status CheckMode(const Parameters& parameters) {
  const bool outer = HasOuterHeader(parameters.mode);
  if (outer != parameters.tunnel.has_value()) {
    return Invalid(outer ? "an SA of tunnel or BEET mode needs the outer "
                           "header's addresses: give both endpoints"
                         : "a transport-mode SA has no outer header: leave "
                           "the tunnel endpoints out");
  }
  const bool beet = parameters.mode == IpsecMode::kBeet;
  if (beet != parameters.inner.has_value()) {
    return Invalid(beet ? "a BEET-mode SA binds two inner addresses: give both"
                        : "only a BEET-mode SA binds inner addresses: leave "
                          "them out");
  }
  if (beet && parameters.inner->source.family() !=
                  parameters.inner->destination.family()) {
    return Invalid(
        "the inner addresses are of different families: give two "
        "IPv4 or two IPv6 addresses");
  }
  if (outer && parameters.tunnel->endpoints.source.family() !=
                   parameters.tunnel->endpoints.destination.family()) {
    return Invalid(
        "the tunnel endpoints are of different families: give two "
        "IPv4 or two IPv6 addresses");
  }
  return Ok();
}

Status CheckEncryption(const Parameters& parameters) {
  const EncryptionInfo& info = InfoOf(parameters.encryption);
  const std::string name(info.name);
  const std::size_t size = parameters.encryption_key.size();
  if (std::find(info.key_sizes.begin(), info.key_sizes.end(), size) ==
      info.key_sizes.end()) {
    return Invalid("an encryption key of " + Octets(size) + " does not fit " +
                   name + ": give " + ListOfSizes(info.key_sizes));
  }
  if (parameters.salt.size() != info.salt) {
    return Invalid("a salt of " + Octets(parameters.salt.size()) +
                   " does not fit " + name + ": give " + Octets(info.salt));
  }
  return Ok();
}

Status CheckIntegrity(const Parameters& parameters) {
  const IntegrityInfo& info = InfoOf(parameters.integrity);
  const EncryptionInfo& encryption = InfoOf(parameters.encryption);
  const std::string name(encryption.name);
  const bool separate = parameters.integrity != Integrity::kNone;
  if (encryption.brings_integrity() && separate) {
    return Invalid(name +
                   " brings its own integrity: leave the integrity "
                   "algorithm out");
  }
  if (info.kind == IntegrityInfo::Kind::kGmac) {  // ALG-12
    return Invalid(std::string(info.name) +
                   " is for AH alone: choose null-auth-aes-gmac as encryption");
  }
  if (encryption.kind == EncryptionInfo::Kind::kNull && !separate) {
    return Invalid(
        "ESP with neither encryption nor integrity protects "
        "nothing: choose an integrity algorithm");
  }
  if (parameters.integrity_key.size() != info.key) {
    return Invalid("an integrity key of " +
                   Octets(parameters.integrity_key.size()) + " does not fit " +
                   std::string(info.name) + ": give " + Octets(info.key));
  }
  return Ok();
}

}  // namespace

Result<Sizes> CheckParameters(const Parameters& parameters) {
  for (const Status& checked :
       {CheckMode(parameters), CheckEncryption(parameters),
        CheckIntegrity(parameters)}) {
    if (!checked.ok()) {
      return checked.error();
    }
  }
  constexpr std::size_t kTrailerAlignment = 4;  // RFC 4303 2.4
  const EncryptionInfo& info = InfoOf(parameters.encryption);
  return Sizes{.iv = info.iv,
               .icv = info.icv + InfoOf(parameters.integrity).icv,
               .alignment = std::max(kTrailerAlignment, info.block)};
}

}  // namespace postern::esp
