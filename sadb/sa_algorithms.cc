// SPDX-License-Identifier: Apache-2.0

#include "sadb/sa_algorithms.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/crypto/des_keys.h"
#include "core/crypto/legacy.h"

namespace postern {
namespace {

std::string Quoted(std::string_view name) {
  return "\"" + std::string(name) + "\"";
}

// "16 octets", "1 octet".
std::string Octets(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " octet" : " octets");
}

// "20, 28 or 36 octets": the whole keying material, key and salt.
std::string SizesOf(const EncryptionInfo& info) {
  std::string text = ListOfSizes(info.key_sizes, info.salt);
  if (info.salt > 0) {
    text += ", the last " + std::to_string(info.salt) + " of them the salt";
  }
  return text;
}

// Of a key that has the algorithm's size.
Status CheckStrength(const SaParameters& sa) {
  const ConstBytes key = sa.encryption_key.octets();
  const bool weak =
      (sa.encryption == Encryption::kDesCbc && IsWeakDesKey(key)) ||
      (sa.encryption == Encryption::kTripleDesCbc && IsWeakTripleDesKey(key));
  return weak ? Status(Invalid(
                    "encryption_key is a weak key of " +
                    Quoted(InfoOf(sa.encryption).name) +
                    ", or two of its three parts are the same, which encrypts "
                    "little or nothing; take another from a random generator"))
              : Ok();
}

// SAD-22, CTR-05, GCM-08, CCM-05, CHA-05: exactly the algorithm's sizes.
Status CheckEncryptionKey(const SaParameters& sa) {
  const EncryptionInfo& info = InfoOf(sa.encryption);
  const std::size_t size = sa.encryption_key.size();
  if (info.kind == EncryptionInfo::Kind::kNull) {
    return size == 0 ? Ok()
                     : Status(Invalid("encryption_key has " + Octets(size) +
                                      ", but encryption " + Quoted(info.name) +
                                      " takes no key; leave it empty"));
  }
  const bool fits = std::any_of(
      info.key_sizes.begin(), info.key_sizes.end(),
      [&](std::size_t key_size) { return key_size + info.salt == size; });
  if (!fits) {
    return Invalid("encryption_key has " + Octets(size) + "; for " +
                   Quoted(info.name) + " it must have " + SizesOf(info));
  }
  return CheckStrength(sa);
}

// AUT-01, AUT-02, AUT-04, AUT-05, AUT-06.
Status CheckIntegrityKey(const SaParameters& sa) {
  const IntegrityInfo& info = InfoOf(sa.integrity);
  const std::size_t size = sa.integrity_key.size();
  if (sa.integrity == Integrity::kNone) {
    return size == 0
               ? Ok()
               : Status(Invalid("integrity_key has " + Octets(size) +
                                ", but integrity is \"none\"; leave the key "
                                "empty or name its algorithm"));
  }
  const std::string salt =
      info.salt == 0
          ? ""
          : ", the last " + std::to_string(info.salt) + " of them the salt";
  return size == info.material()
             ? Ok()
             : Status(Invalid("integrity_key has " + Octets(size) + "; for " +
                              Quoted(info.name) + " it must have exactly " +
                              Octets(info.material()) + salt));
}

Status CheckEspAlgorithms(const SaParameters& sa) {
  const EncryptionInfo& info = InfoOf(sa.encryption);
  const bool brings_integrity = info.brings_integrity();
  const bool has_integrity = sa.integrity != Integrity::kNone;
  if (InfoOf(sa.integrity).kind == IntegrityInfo::Kind::kGmac) {  // ALG-12
    return Invalid("integrity is " + Quoted(InfoOf(sa.integrity).name) +
                   ", which is for AH alone; ESP has encryption "
                   "\"null-auth-aes-gmac\" in its place");
  }
  if (brings_integrity && has_integrity) {  // GCM-11
    return Invalid("integrity is " + Quoted(InfoOf(sa.integrity).name) +
                   ", but encryption " + Quoted(info.name) +
                   " brings its own; it must be \"none\"");
  }
  // SAD-17, SAD-18, RPL-02, ALG-03, ALG-09, CTR-03, DEF-25
  if (!brings_integrity && !has_integrity) {
    return Invalid("integrity is \"none\" with encryption " +
                   Quoted(info.name) +
                   ", which would accept forged packets; it must name an "
                   "algorithm, such as \"hmac-sha2-256-128\", or encryption "
                   "must be an AEAD, such as \"aes-gcm-16\"");
  }
  return Ok();
}

Status CheckAhAlgorithms(const SaParameters& sa) {
  if (sa.encryption != Encryption::kNull) {
    return Invalid("encryption is " + Quoted(InfoOf(sa.encryption).name) +
                   ", but AH does not encrypt; it must be \"null\", or the "
                   "protocol ESP");
  }
  if (sa.integrity == Integrity::kNone) {
    return Invalid(
        "integrity is \"none\", but AH is nothing else; it must name an "
        "algorithm, such as \"hmac-sha2-256-128\"");
  }
  return Ok();
}

}  // namespace

Status CheckAlgorithms(const SaParameters& sa) {
  Status algorithms = sa.protocol == IpsecProtocol::kEsp
                          ? CheckEspAlgorithms(sa)
                          : CheckAhAlgorithms(sa);
  if (!algorithms.ok()) {
    return algorithms;
  }
  // ALG-07, ALG-08
  if (Status usable = CheckUsable(sa.encryption); !usable.ok()) {
    return usable;
  }
  if (Status usable = CheckUsable(sa.integrity); !usable.ok()) {
    return usable;
  }
  if (Status key = CheckEncryptionKey(sa); !key.ok()) {
    return key;
  }
  return CheckIntegrityKey(sa);
}

ConstBytes CounterMaterial(const SaParameters& sa) {
  if (sa.protocol == IpsecProtocol::kAh) {
    return InfoOf(sa.integrity).kind == IntegrityInfo::Kind::kGmac
               ? sa.integrity_key.octets()
               : ConstBytes();
  }
  return InfoOf(sa.encryption).counts_ivs() ? sa.encryption_key.octets()
                                            : ConstBytes();
}

SecretBytes SoleMaterial(const SaParameters& sa) {
  const EncryptionInfo& info = InfoOf(sa.encryption);
  const ConstBytes counted = CounterMaterial(sa);
  constexpr std::size_t kCcmSalt = 3;  // and nobody else's
  const bool is_ccm = !counted.empty() && info.salt == kCcmSalt;
  if (!is_ccm && info.most_octets == 0) {
    return SecretBytes(counted);
  }
  constexpr std::uint8_t kCcmFlags = 3;  // a counter of four octets
  std::vector<std::uint8_t> octets;
  octets.reserve(sa.encryption_key.size() + 1);  // never grows
  const ConstBytes key = sa.encryption_key.octets();
  octets.assign(key.begin(), key.end());
  if (is_ccm) {
    octets.insert(octets.end() - static_cast<std::ptrdiff_t>(info.salt),
                  kCcmFlags);
  } else {
    for (std::uint8_t& octet : octets) {
      octet &= 0xfe;
    }
  }
  SecretBytes material(octets);
  Cleanse(octets);
  return material;
}

Lifetime WithCap(const SaParameters& sa, const Lifetime& hard) {
  Lifetime capped = hard;
  const std::uint64_t most = InfoOf(sa.encryption).most_octets;
  if (most != 0) {
    capped.octets = std::min(most, hard.octets.value_or(most));
  }
  return capped;
}

std::uint64_t TrailerToCount(const SaParameters& sa) {
  const EncryptionInfo& info = InfoOf(sa.encryption);
  const bool counts = info.most_octets != 0 && sa.mode == IpsecMode::kTunnel &&
                      sa.direction == Direction::kOutbound;
  // The next header, the padding's length, and padding for a whole block.
  return counts ? 2 + info.block - 1 : 0;
}

Status CheckCap(const SaParameters& sa, const Lifetime& soft,
                const Lifetime& hard) {
  const EncryptionInfo& info = InfoOf(sa.encryption);
  const std::uint64_t most = info.most_octets;
  if (most != 0 && sa.tfc_pad_to != 0) {
    return Invalid("tfc_pad_to is set, but " + Quoted(info.name) +
                   " may protect few octets, and TFC padding is not counted "
                   "among them; leave it away");
  }
  if (most == 0 ||
      std::max(soft.octets.value_or(0), hard.octets.value_or(0)) <= most) {
    return Ok();
  }
  return Invalid("a lifetime of more than " + std::to_string(most) +
                 " octets is too long for " + Quoted(info.name) +
                 ", whose 64-bit blocks begin to tell about each other; it "
                 "must be at most that, or absent, which is that");
}

}  // namespace postern
