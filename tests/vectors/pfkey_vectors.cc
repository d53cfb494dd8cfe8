// SPDX-License-Identifier: Apache-2.0
//
// PF_KEY's layout and numbers: every one that the vector names must be ours, and
// every struct and field of ours that it names must lie where it says.

#include <cstddef>
#include <map>
#include <string>

#include "pfkey/constants.h"
#include "pfkey/wire_format.h"
#include "tests/vectors/vector_file.h"

namespace postern::vectors {
namespace {

using namespace pfkey;

struct Field {
  std::size_t offset;
  std::size_t size;
};

struct Layout {
  std::size_t size;
  std::map<std::string, Field> fields;
};

template <typename Enum>
constexpr std::uint64_t Value(Enum member) {
  return static_cast<std::uint64_t>(member);
}

#define FIELD(type, name)                    \
  Field {                                    \
    offsetof(type, name), sizeof(type::name) \
  }

const std::map<std::string, Layout> kLayouts = {
    {"sadb_msg",
     {sizeof(pfkey::Message),
      {
          {"sadb_msg_version", FIELD(pfkey::Message, version)},
          {"sadb_msg_type", FIELD(pfkey::Message, type)},
          {"sadb_msg_errno", FIELD(pfkey::Message, error)},
          {"sadb_msg_satype", FIELD(pfkey::Message, satype)},
          {"sadb_msg_len", FIELD(pfkey::Message, len)},
          {"sadb_msg_reserved", FIELD(pfkey::Message, reserved)},
          {"sadb_msg_seq", FIELD(pfkey::Message, seq)},
          {"sadb_msg_pid", FIELD(pfkey::Message, pid)},
      }}},
    {"sadb_ext",
     {sizeof(pfkey::Extension),
      {
          {"sadb_ext_len", FIELD(pfkey::Extension, len)},
          {"sadb_ext_type", FIELD(pfkey::Extension, type)},
      }}},
    {"sadb_sa",
     {sizeof(pfkey::Association),
      {
          {"sadb_sa_len", FIELD(pfkey::Association, len)},
          {"sadb_sa_exttype", FIELD(pfkey::Association, exttype)},
          {"sadb_sa_spi", FIELD(pfkey::Association, spi)},
          {"sadb_sa_replay", FIELD(pfkey::Association, replay)},
          {"sadb_sa_state", FIELD(pfkey::Association, state)},
          {"sadb_sa_auth", FIELD(pfkey::Association, auth)},
          {"sadb_sa_encrypt", FIELD(pfkey::Association, encrypt)},
          {"sadb_sa_flags", FIELD(pfkey::Association, flags)},
      }}},
    {"sadb_lifetime",
     {sizeof(pfkey::Lifetime),
      {
          {"sadb_lifetime_len", FIELD(pfkey::Lifetime, len)},
          {"sadb_lifetime_exttype", FIELD(pfkey::Lifetime, exttype)},
          {"sadb_lifetime_allocations", FIELD(pfkey::Lifetime, allocations)},
          {"sadb_lifetime_bytes", FIELD(pfkey::Lifetime, bytes)},
          {"sadb_lifetime_addtime", FIELD(pfkey::Lifetime, addtime)},
          {"sadb_lifetime_usetime", FIELD(pfkey::Lifetime, usetime)},
      }}},
    {"sadb_address",
     {sizeof(pfkey::Address),
      {
          {"sadb_address_len", FIELD(pfkey::Address, len)},
          {"sadb_address_exttype", FIELD(pfkey::Address, exttype)},
          {"sadb_address_proto", FIELD(pfkey::Address, proto)},
          {"sadb_address_prefixlen", FIELD(pfkey::Address, prefixlen)},
          {"sadb_address_reserved", FIELD(pfkey::Address, reserved)},
      }}},
    {"sadb_key",
     {sizeof(pfkey::Key),
      {
          {"sadb_key_len", FIELD(pfkey::Key, len)},
          {"sadb_key_exttype", FIELD(pfkey::Key, exttype)},
          {"sadb_key_bits", FIELD(pfkey::Key, bits)},
          {"sadb_key_reserved", FIELD(pfkey::Key, reserved)},
      }}},
    {"sadb_ident",
     {sizeof(pfkey::Identity),
      {
          {"sadb_ident_len", FIELD(pfkey::Identity, len)},
          {"sadb_ident_exttype", FIELD(pfkey::Identity, exttype)},
          {"sadb_ident_type", FIELD(pfkey::Identity, type)},
          {"sadb_ident_reserved", FIELD(pfkey::Identity, reserved)},
          {"sadb_ident_id", FIELD(pfkey::Identity, id)},
      }}},
    {"sadb_sens",
     {sizeof(pfkey::Sensitivity),
      {
          {"sadb_sens_len", FIELD(pfkey::Sensitivity, len)},
          {"sadb_sens_exttype", FIELD(pfkey::Sensitivity, exttype)},
          {"sadb_sens_dpd", FIELD(pfkey::Sensitivity, dpd)},
          {"sadb_sens_sens_level", FIELD(pfkey::Sensitivity, sens_level)},
          {"sadb_sens_sens_len", FIELD(pfkey::Sensitivity, sens_len)},
          {"sadb_sens_integ_level", FIELD(pfkey::Sensitivity, integ_level)},
          {"sadb_sens_integ_len", FIELD(pfkey::Sensitivity, integ_len)},
          {"sadb_sens_reserved", FIELD(pfkey::Sensitivity, reserved)},
      }}},
    {"sadb_prop",
     {sizeof(pfkey::Proposal),
      {
          {"sadb_prop_len", FIELD(pfkey::Proposal, len)},
          {"sadb_prop_exttype", FIELD(pfkey::Proposal, exttype)},
          {"sadb_prop_replay", FIELD(pfkey::Proposal, replay)},
          {"sadb_prop_reserved", FIELD(pfkey::Proposal, reserved)},
      }}},
    {"sadb_comb",
     {sizeof(pfkey::Combination),
      {
          {"sadb_comb_auth", FIELD(pfkey::Combination, auth)},
          {"sadb_comb_encrypt", FIELD(pfkey::Combination, encrypt)},
          {"sadb_comb_flags", FIELD(pfkey::Combination, flags)},
          {"sadb_comb_auth_minbits", FIELD(pfkey::Combination, auth_minbits)},
          {"sadb_comb_auth_maxbits", FIELD(pfkey::Combination, auth_maxbits)},
          {"sadb_comb_encrypt_minbits",
           FIELD(pfkey::Combination, encrypt_minbits)},
          {"sadb_comb_encrypt_maxbits",
           FIELD(pfkey::Combination, encrypt_maxbits)},
          {"sadb_comb_reserved", FIELD(pfkey::Combination, reserved)},
          {"sadb_comb_soft_allocations",
           FIELD(pfkey::Combination, soft_allocations)},
          {"sadb_comb_hard_allocations",
           FIELD(pfkey::Combination, hard_allocations)},
          {"sadb_comb_soft_bytes", FIELD(pfkey::Combination, soft_bytes)},
          {"sadb_comb_hard_bytes", FIELD(pfkey::Combination, hard_bytes)},
          {"sadb_comb_soft_addtime", FIELD(pfkey::Combination, soft_addtime)},
          {"sadb_comb_hard_addtime", FIELD(pfkey::Combination, hard_addtime)},
          {"sadb_comb_soft_usetime", FIELD(pfkey::Combination, soft_usetime)},
          {"sadb_comb_hard_usetime", FIELD(pfkey::Combination, hard_usetime)},
      }}},
    {"sadb_supported",
     {sizeof(pfkey::Supported),
      {
          {"sadb_supported_len", FIELD(pfkey::Supported, len)},
          {"sadb_supported_exttype", FIELD(pfkey::Supported, exttype)},
          {"sadb_supported_reserved", FIELD(pfkey::Supported, reserved)},
      }}},
    {"sadb_alg",
     {sizeof(pfkey::Algorithm),
      {
          {"sadb_alg_id", FIELD(pfkey::Algorithm, id)},
          {"sadb_alg_ivlen", FIELD(pfkey::Algorithm, ivlen)},
          {"sadb_alg_minbits", FIELD(pfkey::Algorithm, minbits)},
          {"sadb_alg_maxbits", FIELD(pfkey::Algorithm, maxbits)},
          {"sadb_alg_reserved", FIELD(pfkey::Algorithm, reserved)},
      }}},
    {"sadb_spirange",
     {sizeof(pfkey::SpiRange),
      {
          {"sadb_spirange_len", FIELD(pfkey::SpiRange, len)},
          {"sadb_spirange_exttype", FIELD(pfkey::SpiRange, exttype)},
          {"sadb_spirange_min", FIELD(pfkey::SpiRange, min)},
          {"sadb_spirange_max", FIELD(pfkey::SpiRange, max)},
          {"sadb_spirange_reserved", FIELD(pfkey::SpiRange, reserved)},
      }}},
    {"sadb_x_kmprivate",
     {sizeof(pfkey::Private),
      {
          {"sadb_x_kmprivate_len", FIELD(pfkey::Private, len)},
          {"sadb_x_kmprivate_exttype", FIELD(pfkey::Private, exttype)},
          {"sadb_x_kmprivate_reserved", FIELD(pfkey::Private, reserved)},
      }}},
    {"sadb_x_sa2",
     {sizeof(pfkey::Association2),
      {
          {"sadb_x_sa2_len", FIELD(pfkey::Association2, len)},
          {"sadb_x_sa2_exttype", FIELD(pfkey::Association2, exttype)},
          {"sadb_x_sa2_mode", FIELD(pfkey::Association2, mode)},
          {"sadb_x_sa2_reserved1", FIELD(pfkey::Association2, reserved1)},
          {"sadb_x_sa2_reserved2", FIELD(pfkey::Association2, reserved2)},
          {"sadb_x_sa2_sequence", FIELD(pfkey::Association2, sequence)},
          {"sadb_x_sa2_reqid", FIELD(pfkey::Association2, reqid)},
      }}},
    {"sadb_x_policy",
     {sizeof(pfkey::Policy),
      {
          {"sadb_x_policy_len", FIELD(pfkey::Policy, len)},
          {"sadb_x_policy_exttype", FIELD(pfkey::Policy, exttype)},
          {"sadb_x_policy_type", FIELD(pfkey::Policy, type)},
          {"sadb_x_policy_dir", FIELD(pfkey::Policy, dir)},
          {"sadb_x_policy_reserved", FIELD(pfkey::Policy, reserved)},
          {"sadb_x_policy_id", FIELD(pfkey::Policy, id)},
          {"sadb_x_policy_priority", FIELD(pfkey::Policy, priority)},
      }}},
    {"sadb_x_ipsecrequest",
     {sizeof(pfkey::PolicyRequest),
      {
          {"sadb_x_ipsecrequest_len", FIELD(pfkey::PolicyRequest, len)},
          {"sadb_x_ipsecrequest_proto", FIELD(pfkey::PolicyRequest, proto)},
          {"sadb_x_ipsecrequest_mode", FIELD(pfkey::PolicyRequest, mode)},
          {"sadb_x_ipsecrequest_level", FIELD(pfkey::PolicyRequest, level)},
          {"sadb_x_ipsecrequest_reserved1",
           FIELD(pfkey::PolicyRequest, reserved1)},
          {"sadb_x_ipsecrequest_reqid", FIELD(pfkey::PolicyRequest, reqid)},
          {"sadb_x_ipsecrequest_reserved2",
           FIELD(pfkey::PolicyRequest, reserved2)},
      }}},
    {"sadb_x_nat_t_type",
     {sizeof(pfkey::NatTraversalType),
      {
          {"sadb_x_nat_t_type_len", FIELD(pfkey::NatTraversalType, len)},
          {"sadb_x_nat_t_type_exttype",
           FIELD(pfkey::NatTraversalType, exttype)},
          {"sadb_x_nat_t_type_type", FIELD(pfkey::NatTraversalType, type)},
          {"sadb_x_nat_t_type_reserved",
           FIELD(pfkey::NatTraversalType, reserved)},
      }}},
    {"sadb_x_nat_t_port",
     {sizeof(pfkey::NatTraversalPort),
      {
          {"sadb_x_nat_t_port_len", FIELD(pfkey::NatTraversalPort, len)},
          {"sadb_x_nat_t_port_exttype",
           FIELD(pfkey::NatTraversalPort, exttype)},
          {"sadb_x_nat_t_port_port", FIELD(pfkey::NatTraversalPort, port)},
          {"sadb_x_nat_t_port_reserved",
           FIELD(pfkey::NatTraversalPort, reserved)},
      }}},
    {"sadb_x_sec_ctx",
     {sizeof(pfkey::SecurityContext),
      {
          {"sadb_x_sec_len", FIELD(pfkey::SecurityContext, len)},
          {"sadb_x_sec_exttype", FIELD(pfkey::SecurityContext, exttype)},
          {"sadb_x_ctx_alg", FIELD(pfkey::SecurityContext, ctx_alg)},
          {"sadb_x_ctx_doi", FIELD(pfkey::SecurityContext, ctx_doi)},
          {"sadb_x_ctx_len", FIELD(pfkey::SecurityContext, ctx_len)},
      }}},
    {"sadb_x_kmaddress",
     {sizeof(pfkey::KeyManagementAddress),
      {
          {"sadb_x_kmaddress_len", FIELD(pfkey::KeyManagementAddress, len)},
          {"sadb_x_kmaddress_exttype",
           FIELD(pfkey::KeyManagementAddress, exttype)},
          {"sadb_x_kmaddress_reserved",
           FIELD(pfkey::KeyManagementAddress, reserved)},
      }}},
    {"sadb_x_filter",
     {sizeof(pfkey::Filter),
      {
          {"sadb_x_filter_len", FIELD(pfkey::Filter, len)},
          {"sadb_x_filter_exttype", FIELD(pfkey::Filter, exttype)},
          {"sadb_x_filter_saddr", FIELD(pfkey::Filter, saddr)},
          {"sadb_x_filter_daddr", FIELD(pfkey::Filter, daddr)},
          {"sadb_x_filter_family", FIELD(pfkey::Filter, family)},
          {"sadb_x_filter_splen", FIELD(pfkey::Filter, splen)},
          {"sadb_x_filter_dplen", FIELD(pfkey::Filter, dplen)},
      }}},
};

#undef FIELD

using Numbers = std::map<std::string, std::uint64_t>;

const Numbers kLinuxNumbers = {
    {"PF_KEY_V2", kVersion},
    {"PFKEYV2_REVISION", kRevision},
    {"SADB_RESERVED", Value(MessageType::kReserved)},
    {"SADB_GETSPI", Value(MessageType::kGetSpi)},
    {"SADB_UPDATE", Value(MessageType::kUpdate)},
    {"SADB_ADD", Value(MessageType::kAdd)},
    {"SADB_DELETE", Value(MessageType::kDelete)},
    {"SADB_GET", Value(MessageType::kGet)},
    {"SADB_ACQUIRE", Value(MessageType::kAcquire)},
    {"SADB_REGISTER", Value(MessageType::kRegister)},
    {"SADB_EXPIRE", Value(MessageType::kExpire)},
    {"SADB_FLUSH", Value(MessageType::kFlush)},
    {"SADB_DUMP", Value(MessageType::kDump)},
    {"SADB_X_PROMISC", Value(MessageType::kPromisc)},
    {"SADB_X_PCHANGE", Value(MessageType::kPChange)},
    {"SADB_X_SPDUPDATE", Value(MessageType::kSpdUpdate)},
    {"SADB_X_SPDADD", Value(MessageType::kSpdAdd)},
    {"SADB_X_SPDDELETE", Value(MessageType::kSpdDelete)},
    {"SADB_X_SPDGET", Value(MessageType::kSpdGet)},
    {"SADB_X_SPDACQUIRE", Value(MessageType::kSpdAcquire)},
    {"SADB_X_SPDDUMP", Value(MessageType::kSpdDump)},
    {"SADB_X_SPDFLUSH", Value(MessageType::kSpdFlush)},
    {"SADB_X_SPDSETIDX", Value(MessageType::kSpdSetIndex)},
    {"SADB_X_SPDEXPIRE", Value(MessageType::kSpdExpire)},
    {"SADB_X_SPDDELETE2", Value(MessageType::kSpdDelete2)},
    {"SADB_X_NAT_T_NEW_MAPPING", Value(MessageType::kNatTNewMapping)},
    {"SADB_X_MIGRATE", Value(MessageType::kMigrate)},
    {"SADB_MAX", Value(MessageType::kMax)},
    {"SADB_SAFLAGS_PFS", Value(AssociationFlags::kPfs)},
    {"SADB_SAFLAGS_NOPMTUDISC", Value(AssociationFlags::kNoPmtuDiscovery)},
    {"SADB_SAFLAGS_DECAP_DSCP", Value(AssociationFlags::kDecapDscp)},
    {"SADB_SAFLAGS_NOECN", Value(AssociationFlags::kNoEcn)},
    {"SADB_SASTATE_LARVAL", Value(AssociationState::kLarval)},
    {"SADB_SASTATE_MATURE", Value(AssociationState::kMature)},
    {"SADB_SASTATE_DYING", Value(AssociationState::kDying)},
    {"SADB_SASTATE_DEAD", Value(AssociationState::kDead)},
    {"SADB_SASTATE_MAX", Value(AssociationState::kMax)},
    {"SADB_SATYPE_UNSPEC", Value(SaType::kUnspec)},
    {"SADB_SATYPE_AH", Value(SaType::kAh)},
    {"SADB_SATYPE_ESP", Value(SaType::kEsp)},
    {"SADB_SATYPE_RSVP", Value(SaType::kRsvp)},
    {"SADB_SATYPE_OSPFV2", Value(SaType::kOspfV2)},
    {"SADB_SATYPE_RIPV2", Value(SaType::kRipV2)},
    {"SADB_SATYPE_MIP", Value(SaType::kMip)},
    {"SADB_X_SATYPE_IPCOMP", Value(SaType::kIpcomp)},
    {"SADB_SATYPE_MAX", Value(SaType::kMax)},
    {"SADB_AALG_NONE", Value(IntegrityAlgorithm::kNone)},
    {"SADB_AALG_MD5HMAC", Value(IntegrityAlgorithm::kHmacMd5)},
    {"SADB_AALG_SHA1HMAC", Value(IntegrityAlgorithm::kHmacSha1)},
    {"SADB_X_AALG_SHA2_256HMAC", Value(IntegrityAlgorithm::kHmacSha2_256)},
    {"SADB_X_AALG_SHA2_384HMAC", Value(IntegrityAlgorithm::kHmacSha2_384)},
    {"SADB_X_AALG_SHA2_512HMAC", Value(IntegrityAlgorithm::kHmacSha2_512)},
    {"SADB_X_AALG_RIPEMD160HMAC", Value(IntegrityAlgorithm::kHmacRipemd160)},
    {"SADB_X_AALG_AES_XCBC_MAC", Value(IntegrityAlgorithm::kAesXcbcMac)},
    {"SADB_X_AALG_SM3_256HMAC", Value(IntegrityAlgorithm::kHmacSm3_256)},
    {"SADB_X_AALG_NULL", Value(IntegrityAlgorithm::kNull)},
    {"SADB_AALG_MAX", Value(IntegrityAlgorithm::kMax)},
    {"SADB_EALG_NONE", Value(EncryptionAlgorithm::kNone)},
    {"SADB_EALG_DESCBC", Value(EncryptionAlgorithm::kDesCbc)},
    {"SADB_EALG_3DESCBC", Value(EncryptionAlgorithm::k3DesCbc)},
    {"SADB_X_EALG_CASTCBC", Value(EncryptionAlgorithm::kCastCbc)},
    {"SADB_X_EALG_BLOWFISHCBC", Value(EncryptionAlgorithm::kBlowfishCbc)},
    {"SADB_EALG_NULL", Value(EncryptionAlgorithm::kNull)},
    {"SADB_X_EALG_AESCBC", Value(EncryptionAlgorithm::kAesCbc)},
    {"SADB_X_EALG_AESCTR", Value(EncryptionAlgorithm::kAesCtr)},
    {"SADB_X_EALG_AES_CCM_ICV8", Value(EncryptionAlgorithm::kAesCcmIcv8)},
    {"SADB_X_EALG_AES_CCM_ICV12", Value(EncryptionAlgorithm::kAesCcmIcv12)},
    {"SADB_X_EALG_AES_CCM_ICV16", Value(EncryptionAlgorithm::kAesCcmIcv16)},
    {"SADB_X_EALG_AES_GCM_ICV8", Value(EncryptionAlgorithm::kAesGcmIcv8)},
    {"SADB_X_EALG_AES_GCM_ICV12", Value(EncryptionAlgorithm::kAesGcmIcv12)},
    {"SADB_X_EALG_AES_GCM_ICV16", Value(EncryptionAlgorithm::kAesGcmIcv16)},
    {"SADB_X_EALG_CAMELLIACBC", Value(EncryptionAlgorithm::kCamelliaCbc)},
    {"SADB_X_EALG_NULL_AES_GMAC", Value(EncryptionAlgorithm::kNullAesGmac)},
    {"SADB_X_EALG_SM4CBC", Value(EncryptionAlgorithm::kSm4Cbc)},
    {"SADB_EALG_MAX", Value(EncryptionAlgorithm::kMax)},
    {"SADB_X_EALG_SERPENTCBC", Value(EncryptionAlgorithm::kSerpentCbc)},
    {"SADB_X_EALG_TWOFISHCBC", Value(EncryptionAlgorithm::kTwofishCbc)},
    {"SADB_X_CALG_NONE", Value(CompressionAlgorithm::kNone)},
    {"SADB_X_CALG_OUI", Value(CompressionAlgorithm::kOui)},
    {"SADB_X_CALG_DEFLATE", Value(CompressionAlgorithm::kDeflate)},
    {"SADB_X_CALG_LZS", Value(CompressionAlgorithm::kLzs)},
    {"SADB_X_CALG_LZJH", Value(CompressionAlgorithm::kLzjh)},
    {"SADB_X_CALG_MAX", Value(CompressionAlgorithm::kMax)},
    {"SADB_EXT_RESERVED", Value(ExtensionType::kReserved)},
    {"SADB_EXT_SA", Value(ExtensionType::kSa)},
    {"SADB_EXT_LIFETIME_CURRENT", Value(ExtensionType::kLifetimeCurrent)},
    {"SADB_EXT_LIFETIME_HARD", Value(ExtensionType::kLifetimeHard)},
    {"SADB_EXT_LIFETIME_SOFT", Value(ExtensionType::kLifetimeSoft)},
    {"SADB_EXT_ADDRESS_SRC", Value(ExtensionType::kAddressSrc)},
    {"SADB_EXT_ADDRESS_DST", Value(ExtensionType::kAddressDst)},
    {"SADB_EXT_ADDRESS_PROXY", Value(ExtensionType::kAddressProxy)},
    {"SADB_EXT_KEY_AUTH", Value(ExtensionType::kKeyAuth)},
    {"SADB_EXT_KEY_ENCRYPT", Value(ExtensionType::kKeyEncrypt)},
    {"SADB_EXT_IDENTITY_SRC", Value(ExtensionType::kIdentitySrc)},
    {"SADB_EXT_IDENTITY_DST", Value(ExtensionType::kIdentityDst)},
    {"SADB_EXT_SENSITIVITY", Value(ExtensionType::kSensitivity)},
    {"SADB_EXT_PROPOSAL", Value(ExtensionType::kProposal)},
    {"SADB_EXT_SUPPORTED_AUTH", Value(ExtensionType::kSupportedAuth)},
    {"SADB_EXT_SUPPORTED_ENCRYPT", Value(ExtensionType::kSupportedEncrypt)},
    {"SADB_EXT_SPIRANGE", Value(ExtensionType::kSpiRange)},
    {"SADB_X_EXT_KMPRIVATE", Value(ExtensionType::kPrivate)},
    {"SADB_X_EXT_POLICY", Value(ExtensionType::kPolicy)},
    {"SADB_X_EXT_SA2", Value(ExtensionType::kAssociation2)},
    {"SADB_X_EXT_NAT_T_TYPE", Value(ExtensionType::kNatTType)},
    {"SADB_X_EXT_NAT_T_SPORT", Value(ExtensionType::kNatTSport)},
    {"SADB_X_EXT_NAT_T_DPORT", Value(ExtensionType::kNatTDport)},
    {"SADB_X_EXT_NAT_T_OA", Value(ExtensionType::kNatTOa)},
    {"SADB_X_EXT_SEC_CTX", Value(ExtensionType::kSecCtx)},
    {"SADB_X_EXT_KMADDRESS", Value(ExtensionType::kKeyManagementAddress)},
    {"SADB_X_EXT_FILTER", Value(ExtensionType::kFilter)},
    {"SADB_EXT_MAX", Value(ExtensionType::kMax)},
    {"SADB_IDENTTYPE_RESERVED", Value(IdentityType::kReserved)},
    {"SADB_IDENTTYPE_PREFIX", Value(IdentityType::kPrefix)},
    {"SADB_IDENTTYPE_FQDN", Value(IdentityType::kFqdn)},
    {"SADB_IDENTTYPE_USERFQDN", Value(IdentityType::kUserFqdn)},
    {"SADB_IDENTTYPE_MAX", Value(IdentityType::kMax)},
    {"IPSEC_MODE_ANY", Value(PolicyMode::kAny)},
    {"IPSEC_MODE_TRANSPORT", Value(PolicyMode::kTransport)},
    {"IPSEC_MODE_TUNNEL", Value(PolicyMode::kTunnel)},
    {"IPSEC_MODE_BEET", Value(PolicyMode::kBeet)},
    {"IPSEC_DIR_ANY", Value(PolicyDirection::kAny)},
    {"IPSEC_DIR_INBOUND", Value(PolicyDirection::kInbound)},
    {"IPSEC_DIR_OUTBOUND", Value(PolicyDirection::kOutbound)},
    {"IPSEC_DIR_FWD", Value(PolicyDirection::kFwd)},
    {"IPSEC_DIR_MAX", Value(PolicyDirection::kMax)},
    {"IPSEC_DIR_INVALID", Value(PolicyDirection::kInvalid)},
    {"IPSEC_POLICY_DISCARD", Value(PolicyType::kDiscard)},
    {"IPSEC_POLICY_NONE", Value(PolicyType::kNone)},
    {"IPSEC_POLICY_IPSEC", Value(PolicyType::kIpsec)},
    {"IPSEC_POLICY_ENTRUST", Value(PolicyType::kEntrust)},
    {"IPSEC_POLICY_BYPASS", Value(PolicyType::kBypass)},
    {"IPSEC_LEVEL_DEFAULT", Value(PolicyLevel::kDefault)},
    {"IPSEC_LEVEL_USE", Value(PolicyLevel::kUse)},
    {"IPSEC_LEVEL_REQUIRE", Value(PolicyLevel::kRequire)},
    {"IPSEC_LEVEL_UNIQUE", Value(PolicyLevel::kUnique)},
};

// What the RFC says is what Linux says, but for where its lists end.
const Numbers& RfcNumbers() {
  static const Numbers numbers = [] {
    Numbers of_rfc = kLinuxNumbers;
    of_rfc["SADB_MAX"] = kRfcMaxMessageType;
    of_rfc["SADB_SATYPE_MAX"] = kRfcMaxSaType;
    of_rfc["SADB_AALG_MAX"] = kRfcMaxIntegrityAlgorithm;
    of_rfc["SADB_EALG_MAX"] = kRfcMaxEncryptionAlgorithm;
    of_rfc["SADB_EXT_MAX"] = kRfcMaxExtensionType;
    of_rfc["SADB_KEY_FLAGS_MAX"] = kRfcMaxKeyFlags;
    return of_rfc;
  }();
  return numbers;
}

const Layout& LayoutOf(const std::string& name) {
  const auto found = kLayouts.find(name);
  if (found == kLayouts.end()) {
    throw VectorError("unknown struct: " + name);
  }
  return found->second;
}

Outcome CompareNumber(const std::string& what, std::uint64_t ours,
                      const Json& theirs) {
  const auto expected = theirs.get<std::uint64_t>();
  return ours == expected ? Passed()
                          : Failed(what + " is " + std::to_string(ours) +
                                   ", expected " + std::to_string(expected));
}

// pfkeyv2_layout.json: PFK-12.
Outcome RunStruct(const Json& test) {
  CheckFields(test, {"struct", "size", "fields"});
  const Layout& layout = LayoutOf(test.at("struct"));
  Outcome outcome = CompareNumber("the size", layout.size, test.at("size"));
  for (const Json& field : test.at("fields")) {
    CheckFields(field, {"name", "offset", "size"});
    const std::string name = field.at("name");
    const auto found = layout.fields.find(name);
    if (found == layout.fields.end()) {
      throw VectorError("unknown field: " + name);
    }
    for (const auto& [what, ours] : {std::pair{"offset", found->second.offset},
                                     std::pair{"size", found->second.size}}) {
      if (outcome.kind == Outcome::Kind::kPassed) {
        outcome = CompareNumber("the " + std::string(what) + " of " + name,
                                ours, field.at(what));
      }
    }
  }
  if (outcome.kind == Outcome::Kind::kPassed &&
      layout.fields.size() != test.at("fields").size()) {
    return Failed("fields are missing");
  }
  return outcome;
}

// pfkeyv2_layout.json: PFX-15 (its algorithms).
void RunNumbers(const Json& theirs, const Numbers& ours, Tally& tally) {
  for (const auto& [name, value] : theirs.items()) {
    tally.Run(name, [&, &name = name, &value = value] {
      const auto found = ours.find(name);
      if (found == ours.end()) {
        throw VectorError("unknown number: " + name);
      }
      return CompareNumber(name, found->second, value);
    });
  }
}

// [RFC 2367's, Linux's]; null: it has none.
Outcome RunDifference(const std::string& name, const Json& values) {
  const Numbers* const ours[] = {&RfcNumbers(), &kLinuxNumbers};
  for (std::size_t i = 0; i < std::size(ours); ++i) {
    const auto found = ours[i]->find(name);
    const bool none = found == ours[i]->end();
    if (none != values.at(i).is_null()) {
      return Failed(none ? "unknown number" : "a number that is not there");
    }
    if (!none && found->second != values.at(i).get<std::uint64_t>()) {
      return Failed("the value differs");
    }
  }
  return Passed();
}

}  // namespace

void RunPfKeyVectors(const Json& file, Tally& tally) {
  CheckCaseFields(file,
                  {"format", "endianness", "rfc2367_sizes", "rfc2367_constants",
                   "linux_constants", "linux_ipsec_h", "structs",
                   "differences_from_rfc2367", "notes"});
  for (const Json& test : file.at("structs")) {
    tally.Run(test.at("struct"), [&] { return RunStruct(test); });
  }
  for (const auto& [name, size] : file.at("rfc2367_sizes").items()) {
    tally.Run(name, [&, &name = name, &size = size] {
      return CompareNumber("the size", LayoutOf(name).size, size);
    });
  }
  RunNumbers(file.at("rfc2367_constants"), RfcNumbers(), tally);
  RunNumbers(file.at("linux_constants"), kLinuxNumbers, tally);
  RunNumbers(file.at("linux_ipsec_h"), kLinuxNumbers, tally);
  for (const auto& [name, values] :
       file.at("differences_from_rfc2367").items()) {
    tally.Run(name, [&, &name = name, &values = values] {
      return RunDifference(name, values);
    });
  }
}

}  // namespace postern::vectors
