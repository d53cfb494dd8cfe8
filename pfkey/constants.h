// SPDX-License-Identifier: Apache-2.0
//
// The numbers in PF_KEYv2 messages (RFC 2367, KAME, Linux): what the fields of
// pfkey/wire_format.h may hold. kMax is Linux's highest; what RFC 2367 itself knows
// ends earlier (kRfc...).
//
// Thread safety: constants.

#ifndef POSTERN_PFKEY_CONSTANTS_H_
#define POSTERN_PFKEY_CONSTANTS_H_

#include <cstdint>

namespace postern::pfkey {

// sadb_msg_version, PF_KEY_V2; and the day of the document.
inline constexpr std::uint8_t kVersion = 2;
inline constexpr std::uint32_t kRevision = 199806;

// sadb_msg_type: what a message asks for or tells (RFC 2367 3.1; from 13 on KAME).
enum class MessageType : std::uint8_t {
  kReserved = 0,
  kGetSpi = 1,
  kUpdate = 2,
  kAdd = 3,
  kDelete = 4,
  kGet = 5,
  kAcquire = 6,
  kRegister = 7,
  kExpire = 8,
  kFlush = 9,
  kDump = 10,
  kPromisc = 11,
  kPChange = 12,
  kSpdUpdate = 13,
  kSpdAdd = 14,
  kSpdDelete = 15,
  kSpdGet = 16,
  kSpdAcquire = 17,
  kSpdDump = 18,
  kSpdFlush = 19,
  kSpdSetIndex = 20,
  kSpdExpire = 21,
  kSpdDelete2 = 22,
  kNatTNewMapping = 23,
  kMigrate = 24,
  kMax = 24,
};

// sadb_msg_satype.
enum class SaType : std::uint8_t {
  kUnspec = 0,
  kAh = 2,
  kEsp = 3,
  kRsvp = 5,
  kOspfV2 = 6,
  kRipV2 = 7,
  kMip = 8,
  kIpcomp = 9,
  kMax = 9,
};

// sadb_sa_state (RFC 2367 1.5).
enum class AssociationState : std::uint8_t {
  kLarval = 0,
  kMature = 1,
  kDying = 2,
  kDead = 3,
  kMax = 3,
};

// sadb_sa_flags.
enum class AssociationFlags : std::uint32_t {
  kPfs = 0x00000001,
  kNoPmtuDiscovery = 0x20000000,
  kDecapDscp = 0x40000000,
  kNoEcn = 0x80000000,
};

// sadb_sa_auth.
enum class IntegrityAlgorithm : std::uint8_t {
  kNone = 0,
  kHmacMd5 = 2,
  kHmacSha1 = 3,
  kHmacSha2_256 = 5,
  kHmacSha2_384 = 6,
  kHmacSha2_512 = 7,
  kHmacRipemd160 = 8,
  kAesXcbcMac = 9,
  kHmacSm3_256 = 10,
  kNull = 251,
  kMax = 251,
};

// sadb_sa_encrypt.
enum class EncryptionAlgorithm : std::uint8_t {
  kNone = 0,
  kDesCbc = 2,
  k3DesCbc = 3,
  kCastCbc = 6,
  kBlowfishCbc = 7,
  kNull = 11,
  kAesCbc = 12,
  kAesCtr = 13,
  kAesCcmIcv8 = 14,
  kAesCcmIcv12 = 15,
  kAesCcmIcv16 = 16,
  kAesGcmIcv8 = 18,
  kAesGcmIcv12 = 19,
  kAesGcmIcv16 = 20,
  kCamelliaCbc = 22,
  kNullAesGmac = 23,
  kSm4Cbc = 24,
  kSerpentCbc = 252,
  kTwofishCbc = 253,
  kMax = 253,
};

// sadb_sa_encrypt of IPComp.
enum class CompressionAlgorithm : std::uint8_t {
  kNone = 0,
  kOui = 1,
  kDeflate = 2,
  kLzs = 3,
  kLzjh = 4,
  kMax = 4,
};

// sadb_ext_type. From 23 on the BSDs give the numbers other meanings: these are
// Linux's.
enum class ExtensionType : std::uint16_t {
  kReserved = 0,
  kSa = 1,
  kLifetimeCurrent = 2,
  kLifetimeHard = 3,
  kLifetimeSoft = 4,
  kAddressSrc = 5,
  kAddressDst = 6,
  kAddressProxy = 7,
  kKeyAuth = 8,
  kKeyEncrypt = 9,
  kIdentitySrc = 10,
  kIdentityDst = 11,
  kSensitivity = 12,
  kProposal = 13,
  kSupportedAuth = 14,
  kSupportedEncrypt = 15,
  kSpiRange = 16,
  kPrivate = 17,
  kPolicy = 18,
  kAssociation2 = 19,
  kNatTType = 20,
  kNatTSport = 21,
  kNatTDport = 22,
  kNatTOa = 23,
  kSecCtx = 24,
  kKeyManagementAddress = 25,
  kFilter = 26,
  kMax = 26,
};

// sadb_ident_type.
enum class IdentityType : std::uint16_t {
  kReserved = 0,
  kPrefix = 1,
  kFqdn = 2,
  kUserFqdn = 3,
  kMax = 3,
};

// sadb_x_sa2_mode, sadb_x_ipsecrequest_mode.
enum class PolicyMode : std::uint8_t {
  kAny = 0,
  kTransport = 1,
  kTunnel = 2,
  kBeet = 3,
};

// sadb_x_policy_dir.
enum class PolicyDirection : std::uint8_t {
  kAny = 0,
  kInbound = 1,
  kOutbound = 2,
  kFwd = 3,
  kInvalid = 5,
  kMax = 4,
};

// sadb_x_policy_type.
enum class PolicyType : std::uint16_t {
  kDiscard = 0,
  kNone = 1,
  kIpsec = 2,
  kEntrust = 3,
  kBypass = 4,
};

// sadb_x_ipsecrequest_level. Not the draft's levels: it has no AVAIL and no
// BYPASS, and its numbers differ.
enum class PolicyLevel : std::uint8_t {
  kDefault = 0,
  kUse = 1,
  kRequire = 2,
  kUnique = 3,
};

// The highest that RFC 2367 itself knows, and how many key flags (none).
inline constexpr std::uint8_t kRfcMaxMessageType = 10;
inline constexpr std::uint8_t kRfcMaxSaType = 8;
inline constexpr std::uint8_t kRfcMaxIntegrityAlgorithm = 3;
inline constexpr std::uint8_t kRfcMaxEncryptionAlgorithm = 11;
inline constexpr std::uint16_t kRfcMaxExtensionType = 16;
inline constexpr std::uint16_t kRfcMaxKeyFlags = 0;

}  // namespace postern::pfkey

#endif  // POSTERN_PFKEY_CONSTANTS_H_
