// SPDX-License-Identifier: Apache-2.0
//
// Every crypto backend computes what libcrypto computes: sealed octets, tags
// and ICVs, and the verdict on what was forged or cut short. The input says
// what is done, with which key, to bursts of which sizes:
//
//   operation, key size, backend's burst, forged octet, then the key, then a
//   size (two octets) and a nonce or IV (16) for each message; the messages'
//   octets are the input over again
//
// Each message and tag stands between guards: a library's assembly must not
// write beside what it was given.

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <vector>

#include "core/crypto/aead_context.h"
#include "core/crypto/cipher_context.h"
#include "core/crypto/gmac_context.h"
#include "core/crypto/legacy.h"
#include "core/crypto/mac_context.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/guarded_octets.h"

namespace postern {
namespace {

using Octets = std::vector<std::uint8_t>;

constexpr std::size_t kLargestMessage = 9 * 1024;
constexpr std::size_t kMostMessages = 40;

struct Message {
  std::array<std::uint8_t, 16> iv{};
  GuardedOctets octets{0};
  GuardedOctets tag{0};
  bool accepted = false;

  friend bool operator==(const Message&, const Message&) = default;
};

struct Scene {
  std::uint8_t operation = 0;
  std::uint8_t key_size = 0;
  std::size_t forged = 0;  // which octet of a burst's tags is another one
  Octets key;              // as many octets as any algorithm wants
  std::vector<Message> messages;
};

// Nothing when the input is too short.
std::optional<Scene> ReadScene(ConstBytes input) {
  Reader in(input);
  const auto operation = in.Read<std::uint8_t>();
  const auto key_size = in.Read<std::uint8_t>();
  const auto count = in.Read<std::uint8_t>();
  const auto forged = in.Read<std::uint8_t>();
  const auto key = in.Take(32);
  if (!operation || !key_size || !count || !forged || !key) {
    return std::nullopt;
  }
  Scene scene{.operation = *operation,
              .key_size = *key_size,
              .forged = *forged,
              .key = {key->begin(), key->end()},
              .messages = {}};
  for (std::size_t i = 0; i < *count % kMostMessages + 1U; ++i) {
    Message message;
    // Past the end all is zero: sizes and nonces that were not given.
    Octets octets(in.Read<std::uint16_t>().value_or(0) % (kLargestMessage + 1));
    const ConstBytes iv = in.Take(16).value_or(ConstBytes());
    CopyBytes(message.iv, iv);
    for (std::size_t at = 0; at < octets.size(); ++at) {
      octets[at] = input[(at + i) % input.size()];
    }
    message.octets = GuardedOctets(octets);
    scene.messages.push_back(std::move(message));
  }
  return scene;
}

ConstBytes KeyOf(const Scene& scene, const EncryptionInfo& info) {
  return ConstBytes(scene.key).first(
      info.key_sizes[scene.key_size % info.key_sizes.size()]);
}

// Changes an octet of one message's tag: only that one is refused.
void Forge(Scene& scene) {
  Message& one = scene.messages[scene.forged % scene.messages.size()];
  const Bytes tag = one.tag.octets();
  tag[scene.forged % tag.size()] ^= 0x20;
}

void ClaimOneRefused(const Scene& scene) {
  const auto refused =
      std::count_if(scene.messages.begin(), scene.messages.end(),
                    [](const Message& message) { return !message.accepted; });
  Claim("the forged one is refused, and no other", refused == 1);
}

void SealAndOpen(CryptoBackend backend, const EncryptionInfo& info,
                 Scene& scene) {
  const ConstBytes key = KeyOf(scene, info);
  auto sealer =
      AeadContext::Create(info.id, key, AeadContext::Use::kSeal, backend);
  auto opener =
      AeadContext::Create(info.id, key, AeadContext::Use::kOpen, backend);
  Claim("the key is taken", sealer.ok() && opener.ok());
  for (Message& message : scene.messages) {
    message.tag = GuardedOctets(info.icv);
    const ConstBytes nonce = ConstBytes(message.iv).first(info.nonce());
    const ConstBytes aad = ConstBytes(message.iv).last(message.iv[0] % 13);
    Claim(
        "it seals",
        sealer->Seal(nonce, aad, message.octets.octets(), message.tag.octets())
            .ok());
  }
  const std::vector<Message> sealed = scene.messages;
  Forge(scene);
  for (Message& message : scene.messages) {
    const ConstBytes nonce = ConstBytes(message.iv).first(info.nonce());
    const ConstBytes aad = ConstBytes(message.iv).last(message.iv[0] % 13);
    message.accepted =
        opener->Open(nonce, aad, message.octets.octets(), message.tag.octets())
            .ok();
  }
  ClaimOneRefused(scene);
  // What was sealed is compared, too.
  scene.messages.insert(scene.messages.end(), sealed.begin(), sealed.end());
}

void MakeGmac(CryptoBackend backend, const EncryptionInfo& info, Scene& scene) {
  auto gmac = GmacContext::Create(KeyOf(scene, info), backend);
  Claim("the key is taken", gmac.ok());
  for (Message& message : scene.messages) {
    message.tag = GuardedOctets(info.icv);
    const ConstBytes nonce = ConstBytes(message.iv).first(12);
    const ConstBytes head = ConstBytes(message.iv).last(message.iv[0] % 13);
    Claim("it signs",
          gmac->Sign(nonce, head, message.octets.octets(), message.tag.octets())
              .ok());
  }
  Forge(scene);
  for (Message& message : scene.messages) {
    const ConstBytes nonce = ConstBytes(message.iv).first(12);
    const ConstBytes head = ConstBytes(message.iv).last(message.iv[0] % 13);
    message.accepted =
        gmac->Verify(nonce, head, message.octets.octets(), message.tag.octets())
            .ok();
  }
  ClaimOneRefused(scene);
}

void Transform(CryptoBackend backend, const EncryptionInfo& info,
               CipherContext::Use use, Scene& scene) {
  auto context =
      CipherContext::Create(info.id, KeyOf(scene, info), use, backend);
  Claim("the key is taken", context.ok());
  std::vector<CipherContext::Job> jobs;
  for (Message& message : scene.messages) {
    // Most are whole blocks; the others are refused, but by CTR.
    if (message.iv[0] % 8 != 0) {
      const ConstBytes octets = message.octets.octets();
      message.octets = GuardedOctets(octets.first(octets.size() / 16 * 16));
    }
    const std::size_t iv = info.counts_ivs() ? 16 : info.iv;
    jobs.push_back({.iv = ConstBytes(message.iv).first(iv),
                    .octets = message.octets.octets()});
  }
  context->Transform(jobs);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    scene.messages[i].accepted = jobs[i].outcome.ok();
  }
}

void SignAndVerify(CryptoBackend backend, const IntegrityInfo& info,
                   Scene& scene) {
  // HMACs take any key, the MACs of AES theirs.
  const ConstBytes key = ConstBytes(scene.key).first(
      info.kind == IntegrityInfo::Kind::kHmac ? 1 + scene.key_size % 32U
                                              : info.key);
  auto context = MacContext::Create(info.id, key, backend);
  Claim("the key is taken", context.ok());
  std::vector<MacContext::SignJob> signing;
  for (Message& message : scene.messages) {
    message.tag = GuardedOctets(info.icv);
    signing.push_back(
        {.message = message.octets.octets(), .icv = message.tag.octets()});
  }
  context->Sign(signing);
  Forge(scene);
  std::vector<MacContext::VerifyJob> verifying(scene.messages.size());
  for (std::size_t i = 0; i < signing.size(); ++i) {
    Claim("it signs", signing[i].outcome.ok());
    verifying[i].message = scene.messages[i].octets.octets();
    verifying[i].icv = scene.messages[i].tag.octets();
  }
  context->Verify(verifying);
  for (std::size_t i = 0; i < verifying.size(); ++i) {
    scene.messages[i].accepted = verifying[i].outcome.ok();
  }
  ClaimOneRefused(scene);
}

void PlayEncryption(CryptoBackend backend, const EncryptionInfo& info,
                    Scene& scene) {
  switch (info.kind) {
    case EncryptionInfo::Kind::kNull:
      break;
    case EncryptionInfo::Kind::kCipher:
      if (CheckUsable(info.id).ok()) {
        Transform(backend, info,
                  scene.operation < 128 ? CipherContext::Use::kEncrypt
                                        : CipherContext::Use::kDecrypt,
                  scene);
      }
      break;
    case EncryptionInfo::Kind::kAead:
      SealAndOpen(backend, info, scene);
      break;
    case EncryptionInfo::Kind::kGmac:
      MakeGmac(backend, info, scene);
      break;
  }
}

// The operation's lower half numbers the table's algorithms.
Scene Played(CryptoBackend backend, Scene scene) {
  const std::size_t encryptions = AllEncryptions().size();
  const std::size_t index =
      scene.operation % 128 % (encryptions + AllIntegrities().size());
  if (index < encryptions) {
    PlayEncryption(backend, AllEncryptions()[index], scene);
  } else {
    const IntegrityInfo& info = AllIntegrities()[index - encryptions];
    if (info.kind == IntegrityInfo::Kind::kHmac ||
        info.kind == IntegrityInfo::Kind::kBlockMac) {
      SignAndVerify(backend, info, scene);
    }
  }
  for (const Message& message : scene.messages) {
    Claim("nothing is written beside the octets",
          message.octets.intact() && message.tag.intact());
  }
  return scene;
}

}  // namespace
}  // namespace postern

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets,
                                      std::size_t size) {
  postern::ChooseLegacy(postern::LegacyChoice::kAllow);
  const auto scene = postern::ReadScene({octets, size});
  if (!scene.has_value()) {
    return 0;
  }
  const postern::Scene expected =
      postern::Played(postern::CryptoBackend::kLibcrypto, *scene);
  for (const postern::CryptoBackend backend : postern::AllBackends()) {
    if (postern::CheckBackend(backend).ok()) {
      postern::Claim(
          "all backends compute the same",
          postern::Played(backend, *scene).messages == expected.messages);
    }
  }
  return 0;
}
