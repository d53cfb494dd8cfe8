// SPDX-License-Identifier: Apache-2.0

#include "offline/wireshark_table.h"

#include <string_view>

#include "core/ipsec.h"

namespace postern {
namespace {

// Wireshark's names; empty: it does not decrypt that.
std::string_view NameOf(Encryption encryption) {
  switch (encryption) {
    case Encryption::kNull:
      return "NULL";
    case Encryption::kAesCbc:
      return "AES-CBC [RFC3602]";
    case Encryption::kAesCtr:
      return "AES-CTR [RFC3686]";
    case Encryption::kAesGcm16:
      return "AES-GCM with 16 octet ICV [RFC4106]";
    case Encryption::kAesGcm12:
      return "AES-GCM with 12 octet ICV [RFC4106]";
    case Encryption::kAesGcm8:
      return "AES-GCM with 8 octet ICV [RFC4106]";
    case Encryption::kTripleDesCbc:
      return "TripleDES-CBC [RFC2451]";
    case Encryption::kDesCbc:
      return "DES-CBC [RFC2405]";
    default:
      return "";
  }
}

// Where it cannot compute an ICV it still passes over it, by its length.
std::string_view NameOf(Integrity integrity) {
  switch (integrity) {
    case Integrity::kNone:
      return "NULL";
    case Integrity::kHmacSha1_96:
      return "HMAC-SHA-1-96 [RFC2404]";
    case Integrity::kHmacSha2_256_128:
      return "HMAC-SHA-256-128 [RFC4868]";
    case Integrity::kHmacSha2_384_192:
      return "HMAC-SHA-384-192 [RFC4868]";
    case Integrity::kHmacSha2_512_256:
      return "HMAC-SHA-512-256 [RFC4868]";
    case Integrity::kHmacMd5_96:
      return "HMAC-MD5-96 [RFC2403]";
    case Integrity::kAesCmac96:
    case Integrity::kAesXcbc96:
      return "ANY 96 bit authentication [no checking]";
    default:
      return "";
  }
}

std::string Hex(const SecretBytes& key) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text = key.empty() ? "" : "0x";
  for (const std::uint8_t octet : key.octets()) {
    text += kDigits[octet >> 4U];
    text += kDigits[octet & 0xfU];
  }
  return text;
}

std::string Row(const SaParameters& sa) {
  const std::string_view family =
      sa.source.family() == IpFamily::kV4 ? "IPv4" : "IPv6";
  std::string row;
  for (const std::string& word :
       {std::string(family), sa.source.ToString(), sa.destination.ToString(),
        ToString(sa.spi), std::string(NameOf(sa.encryption)),
        Hex(sa.encryption_key), std::string(NameOf(sa.integrity)),
        Hex(sa.integrity_key)}) {
    row += row.empty() ? "\"" : ",\"";
    row += word + "\"";
  }
  return row + "\n";
}

// Why there is no row; empty when there is one.
std::string ReasonAgainst(const SaParameters& sa) {
  if (sa.protocol == IpsecProtocol::kAh) {
    return "AH has nothing to decrypt, and its ICV is not checked";
  }
  if (NameOf(sa.encryption).empty()) {
    return std::string(InfoOf(sa.encryption).name) + " is not decrypted";
  }
  return "";
}

std::string_view CaveatOf(const SaParameters& sa) {
  if (sa.numbers == SequenceNumbers::kExtended) {
    return "ICVs are called wrong: 64-bit sequence numbers are not known";
  }
  return NameOf(sa.integrity).starts_with("ANY") ? "ICVs are not checked" : "";
}

}  // namespace

std::string WiresharkTable(const std::vector<SaParameters>& associations) {
  std::string comments = "# Wireshark's table of SAs, esp_sa.\n";
  std::string rows;
  for (const SaParameters& sa : associations) {
    const std::string against = ReasonAgainst(sa);
    const std::string said =
        against.empty() ? std::string(CaveatOf(sa)) : against;
    if (!said.empty()) {
      comments += "# " + ToString(sa.identity()) +
                  (against.empty() ? ": " : ", left out: ") + said + ".\n";
    }
    rows += against.empty() ? Row(sa) : "";
  }
  return comments + rows;
}

}  // namespace postern
