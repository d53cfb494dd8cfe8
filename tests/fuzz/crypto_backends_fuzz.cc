// SPDX-License-Identifier: Apache-2.0
//
// Every crypto backend computes what libcrypto computes: sealed octets, tags
// and ICVs, and the verdict on what was forged or cut short. The input says
// what is done, with which key, to bursts of which sizes:
//
//   operation, key size, backend's burst, forged octet, then the key, then a
//   size (two octets) and a nonce or IV (16) for each message; the messages'
//   octets are the input over again

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <vector>

#include "core/crypto/aead_context.h"
#include "core/crypto/cipher_context.h"
#include "core/crypto/mac_context.h"
#include "tests/fuzz/fuzz_target.h"

namespace postern {
namespace {

using Octets = std::vector<std::uint8_t>;

constexpr std::size_t kLargestMessage = 2048;
constexpr std::size_t kMostMessages = 40;
constexpr std::array<std::size_t, 3> kKeySizes = {16, 24, 32};

struct Message {
  std::array<std::uint8_t, 16> iv{};
  Octets octets;
  Octets tag;
  bool accepted = false;

  friend bool operator==(const Message&, const Message&) = default;
};

struct Scene {
  std::uint8_t operation = 0;
  std::size_t forged = 0;  // which octet of a burst's tags is another one
  Octets key;
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
  Scene scene{
      .operation = *operation, .forged = *forged, .key = {}, .messages = {}};
  const ConstBytes fit = key->first(kKeySizes[*key_size % kKeySizes.size()]);
  scene.key.assign(fit.begin(), fit.end());
  for (std::size_t i = 0; i < *count % kMostMessages + 1U; ++i) {
    Message message;
    // Past the end all is zero: sizes and nonces that were not given.
    message.octets.resize(in.Read<std::uint16_t>().value_or(0) %
                          kLargestMessage);
    const ConstBytes iv = in.Take(16).value_or(ConstBytes());
    CopyBytes(message.iv, iv);
    for (std::size_t at = 0; at < message.octets.size(); ++at) {
      message.octets[at] = input[(at + i) % input.size()];
    }
    scene.messages.push_back(std::move(message));
  }
  return scene;
}

// Changes an octet of one message's tag: only that one is refused.
void Forge(Scene& scene) {
  Message& one = scene.messages[scene.forged % scene.messages.size()];
  one.tag[scene.forged % one.tag.size()] ^= 0x20;
}

void SealAndOpen(CryptoBackend backend, Scene& scene) {
  auto sealer = AeadContext::Create(Encryption::kAesGcm16, scene.key,
                                    AeadContext::Use::kSeal, backend);
  auto opener = AeadContext::Create(Encryption::kAesGcm16, scene.key,
                                    AeadContext::Use::kOpen, backend);
  Claim("the key is taken", sealer.ok() && opener.ok());
  for (Message& message : scene.messages) {
    message.tag.resize(16);
    const ConstBytes nonce = ConstBytes(message.iv).first(12);
    const ConstBytes aad = ConstBytes(message.iv).last(message.iv[0] % 13);
    Claim("it seals",
          sealer->Seal(nonce, aad, message.octets, message.tag).ok());
  }
  const std::vector<Message> sealed = scene.messages;
  Forge(scene);
  for (Message& message : scene.messages) {
    const ConstBytes nonce = ConstBytes(message.iv).first(12);
    const ConstBytes aad = ConstBytes(message.iv).last(message.iv[0] % 13);
    message.accepted =
        opener->Open(nonce, aad, message.octets, message.tag).ok();
  }
  // What was sealed is compared, too.
  scene.messages.insert(scene.messages.end(), sealed.begin(), sealed.end());
}

void Transform(CryptoBackend backend, CipherContext::Use use, Scene& scene) {
  auto context =
      CipherContext::Create(Encryption::kAesCbc, scene.key, use, backend);
  Claim("the key is taken", context.ok());
  std::vector<CipherContext::Job> jobs;
  for (Message& message : scene.messages) {
    // Most are whole blocks; the others are refused.
    if (message.iv[0] % 8 != 0) {
      message.octets.resize(message.octets.size() / 16 * 16);
    }
    jobs.push_back({.iv = message.iv, .octets = message.octets});
  }
  context->Transform(jobs);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    scene.messages[i].accepted = jobs[i].outcome.ok();
  }
}

void SignAndVerify(CryptoBackend backend, Integrity algorithm, Scene& scene) {
  auto context = MacContext::Create(algorithm, scene.key, backend);
  Claim("the key is taken", context.ok());
  std::vector<MacContext::SignJob> signing;
  for (Message& message : scene.messages) {
    message.tag.resize(InfoOf(algorithm).icv);
    signing.push_back({.message = message.octets, .icv = message.tag});
  }
  context->Sign(signing);
  Forge(scene);
  std::vector<MacContext::VerifyJob> verifying(scene.messages.size());
  for (std::size_t i = 0; i < signing.size(); ++i) {
    Claim("it signs", signing[i].outcome.ok());
    verifying[i].message = scene.messages[i].octets;
    verifying[i].icv = scene.messages[i].tag;
  }
  context->Verify(verifying);
  for (std::size_t i = 0; i < verifying.size(); ++i) {
    scene.messages[i].accepted = verifying[i].outcome.ok();
  }
  const auto refused =
      std::count_if(scene.messages.begin(), scene.messages.end(),
                    [](const Message& message) { return !message.accepted; });
  Claim("the forged one is refused, and no other", refused == 1);
}

Scene Played(CryptoBackend backend, Scene scene) {
  switch (scene.operation % 5) {
    case 0:
      SealAndOpen(backend, scene);
      break;
    case 1:
      Transform(backend, CipherContext::Use::kEncrypt, scene);
      break;
    case 2:
      Transform(backend, CipherContext::Use::kDecrypt, scene);
      break;
    case 3:
      SignAndVerify(backend, Integrity::kHmacSha1_96, scene);
      break;
    default:
      SignAndVerify(backend, Integrity::kHmacSha2_256_128, scene);
      break;
  }
  return scene;
}

}  // namespace
}  // namespace postern

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets,
                                      std::size_t size) {
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
