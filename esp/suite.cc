// SPDX-License-Identifier: Apache-2.0

#include "esp/suite.h"

#include <utility>

#include "core/crypto/secret_bytes.h"
#include "esp/trailer.h"

namespace postern::esp {
namespace {

constexpr std::size_t kNonceSize = 12;
constexpr std::size_t kSeqOffset = 4;

using Nonce = std::array<std::uint8_t, kNonceSize>;

Nonce NonceOf(const Salt& salt, ConstBytes iv) {
  Nonce nonce{};
  CopyBytes(nonce, salt);
  CopyBytes(Bytes(nonce).subspan(salt.size()), iv);
  return nonce;
}

std::uint32_t HighHalf(std::uint64_t seq) {
  return static_cast<std::uint32_t>(seq >> 32);
}

// The additional data of combined modes (RFC 4106 5).
class AdditionalData {
 public:
  AdditionalData(const SuiteBase& base, std::uint64_t seq)
      : extended_(base.numbers == SequenceNumbers::kExtended) {
    Writer out(octets_);
    out.Write(Number(base.spi));
    if (extended_) {
      out.Write(HighHalf(seq));
    }
    out.Write(static_cast<std::uint32_t>(seq));
  }

  ConstBytes octets() const {
    return ConstBytes(octets_).first(extended_ ? 12 : 8);
  }

 private:
  bool extended_;
  std::array<std::uint8_t, 12> octets_{};
};

// What a separate MAC covers behind the packet's own octets (RFC 4303 2.2.1).
class MacSuffix {
 public:
  MacSuffix(const SuiteBase& base, std::uint64_t seq)
      : size_(base.numbers == SequenceNumbers::kExtended ? 4 : 0) {
    StoreBe(octets_, HighHalf(seq));
  }

  ConstBytes octets() const { return ConstBytes(octets_).first(size_); }

 private:
  std::size_t size_;
  std::array<std::uint8_t, 4> octets_{};
};

// The ICV says nothing about an SA or number that the packet does not name.
bool Names(ConstBytes esp, Spi spi, std::uint64_t seq) {
  return LoadBe<std::uint32_t>(esp) == Number(spi) &&
         LoadBe<std::uint32_t>(esp.subspan(kSeqOffset)) ==
             static_cast<std::uint32_t>(seq);
}

Bytes IvOf(const Sizes& sizes, Bytes esp) {
  return esp.subspan(kFixedHeaderSize, sizes.iv);
}

Bytes CiphertextOf(const Sizes& sizes, Bytes esp) {
  return esp.subspan(sizes.header(), esp.size() - sizes.header() - sizes.icv);
}

Bytes IcvOf(const Sizes& sizes, Bytes esp) {
  return esp.last(sizes.icv);
}

Status KeyContexts(const Parameters& parameters, AeadContext::Use aead_use,
                   CipherContext::Use cipher_use, SuiteBase& base) {
  const ConstBytes key = parameters.encryption_key.octets();
  const EncryptionInfo::Kind kind = InfoOf(parameters.encryption).kind;
  if (kind == EncryptionInfo::Kind::kAead) {
    Result<AeadContext> aead =
        AeadContext::Create(parameters.encryption, key, aead_use);
    if (!aead.ok()) {
      return aead.error();
    }
    base.aead.emplace(*std::move(aead));
  }
  if (kind == EncryptionInfo::Kind::kCipher) {
    Result<CipherContext> cipher =
        CipherContext::Create(parameters.encryption, key, cipher_use);
    if (!cipher.ok()) {
      return cipher.error();
    }
    base.cipher.emplace(*std::move(cipher));
  }
  if (parameters.integrity != Integrity::kNone) {
    Result<MacContext> mac = MacContext::Create(
        parameters.integrity, parameters.integrity_key.octets());
    if (!mac.ok()) {
      return mac.error();
    }
    base.mac.emplace(*std::move(mac));
  }
  return Ok();
}

Result<SuiteBase> MakeBase(const Parameters& parameters,
                           AeadContext::Use aead_use,
                           CipherContext::Use cipher_use) {
  const Result<Sizes> sizes = CheckParameters(parameters);
  if (!sizes.ok()) {
    return sizes.error();
  }
  SuiteBase base;
  base.spi = parameters.spi;
  base.numbers = parameters.numbers;
  base.sizes = *sizes;
  CopyBytes(base.salt, parameters.salt.octets());
  if (const Status keyed = KeyContexts(parameters, aead_use, cipher_use, base);
      !keyed.ok()) {
    return keyed.error();
  }
  return base;
}

}  // namespace

Result<SealingSuite> SealingSuite::Create(const Parameters& parameters) {
  Result<SuiteBase> base = MakeBase(parameters, AeadContext::Use::kSeal,
                                    CipherContext::Use::kEncrypt);
  if (!base.ok()) {
    return base.error();
  }
  return SealingSuite(*std::move(base), InfoOf(parameters.encryption).iv_rule);
}

std::size_t SealingSuite::SealedSize(std::size_t payload) const {
  return sizes().header() + payload + TrailerSize(payload, sizes().alignment) +
         sizes().icv;
}

Passage SealingSuite::Seal(const Clear& clear, std::uint64_t seq, Bytes esp) {
  if (const Passage chosen = ChooseIv(seq, IvOf(sizes(), esp)); !chosen.ok()) {
    return chosen;
  }
  return SealBehindIv(clear, seq, esp);
}

Passage SealingSuite::SealWithIv(const Clear& clear, std::uint64_t seq,
                                 ConstBytes iv, Bytes esp) {
  CopyBytes(IvOf(sizes(), esp), iv);
  return SealBehindIv(clear, seq, esp);
}

Passage SealingSuite::ChooseIv(std::uint64_t seq, Bytes iv) {
  switch (iv_rule_) {
    case EncryptionInfo::IvRule::kCounter:
      StoreBe(iv, seq);
      return Pass();
    case EncryptionInfo::IvRule::kUnpredictable:
      return ivs_.Next(iv);
    case EncryptionInfo::IvRule::kNoIv:
      return Pass();
  }
  return DropReason::kCryptoFailed;
}

Passage SealingSuite::SealBehindIv(const Clear& clear, std::uint64_t seq,
                                   Bytes esp) {
  StoreBe(esp, Number(base_.spi));
  StoreBe(esp.subspan(kSeqOffset), static_cast<std::uint32_t>(seq));
  std::array<std::uint8_t, kLongestTrailer> trailer_room{};
  const Bytes trailer =
      Bytes(trailer_room)
          .first(TrailerSize(clear.payload.size(), sizes().alignment));
  WriteTrailer(clear.next_header, trailer);
  if (base_.aead.has_value()) {
    const Nonce nonce = NonceOf(base_.salt, IvOf(sizes(), esp));
    const AdditionalData aad(base_, seq);
    return base_.aead->Seal({nonce, aad.octets(), clear.payload, trailer},
                            CiphertextOf(sizes(), esp), IcvOf(sizes(), esp));
  }
  if (const Passage encrypted = Encrypt(clear.payload, trailer, esp);
      !encrypted.ok() || !base_.mac.has_value()) {
    return encrypted;
  }
  const MacSuffix suffix(base_, seq);
  return base_.mac->Sign({esp.first(esp.size() - sizes().icv), suffix.octets()},
                         IcvOf(sizes(), esp));
}

Passage SealingSuite::Encrypt(ConstBytes payload, ConstBytes trailer,
                              Bytes esp) {
  const Bytes ciphertext = CiphertextOf(sizes(), esp);
  if (base_.cipher.has_value()) {
    return base_.cipher->Transform(IvOf(sizes(), esp), payload, trailer,
                                   ciphertext);
  }
  if (payload.data() != ciphertext.data()) {
    CopyBytes(ciphertext, payload);
  }
  CopyBytes(ciphertext.subspan(payload.size()), trailer);
  return Pass();
}

Result<OpeningSuite> OpeningSuite::Create(const Parameters& parameters) {
  Result<SuiteBase> base = MakeBase(parameters, AeadContext::Use::kOpen,
                                    CipherContext::Use::kDecrypt);
  if (!base.ok()) {
    return base.error();
  }
  return OpeningSuite(*std::move(base));
}

Bytes OpeningSuite::Plaintext(Bytes esp) const {
  return CiphertextOf(sizes(), esp);
}

Passage OpeningSuite::CheckSize(ConstBytes esp) const {
  const std::size_t around = sizes().header() + sizes().icv;
  if (esp.size() < around + kShortestTrailer ||
      (esp.size() - around) % sizes().alignment != 0) {
    return DropReason::kBadLength;
  }
  return Pass();
}

Opinion<AuthProof> OpeningSuite::Open(Bytes esp, std::uint64_t seq) {
  if (const Passage checked = CheckSize(esp); !checked.ok()) {
    return checked.error();
  }
  if (!Names(esp, base_.spi, seq)) {
    return DropReason::kBadIcv;
  }
  if (base_.aead.has_value()) {
    return OpenCombined(esp, seq);
  }
  if (!base_.mac.has_value()) {
    return DropReason::kBadIcv;
  }
  const MacSuffix suffix(base_, seq);
  Opinion<AuthProof> proof =
      base_.mac->Verify({esp.first(esp.size() - sizes().icv), suffix.octets()},
                        IcvOf(sizes(), esp));
  if (!proof.ok()) {
    return proof;
  }
  if (const Passage decrypted = Decrypt(esp); !decrypted.ok()) {
    return decrypted.error();
  }
  return proof;
}

Passage OpeningSuite::DecryptUnverified(Bytes esp) {
  if (base_.aead.has_value() || base_.mac.has_value()) {
    return DropReason::kBadIcv;
  }
  if (const Passage checked = CheckSize(esp); !checked.ok()) {
    return checked;
  }
  return Decrypt(esp);
}

Opinion<AuthProof> OpeningSuite::OpenCombined(Bytes esp, std::uint64_t seq) {
  const Bytes ciphertext = CiphertextOf(sizes(), esp);
  const Nonce nonce = NonceOf(base_.salt, IvOf(sizes(), esp));
  const AdditionalData aad(base_, seq);
  return base_.aead->Open(nonce, aad.octets(), ciphertext, IcvOf(sizes(), esp),
                          ciphertext);
}

Passage OpeningSuite::Decrypt(Bytes esp) {
  if (!base_.cipher.has_value()) {
    return Pass();
  }
  const Bytes ciphertext = CiphertextOf(sizes(), esp);
  const Passage decrypted = base_.cipher->Transform(
      IvOf(sizes(), esp), ciphertext, ConstBytes(), ciphertext);
  if (!decrypted.ok()) {
    Cleanse(ciphertext);  // half a plaintext is not one
  }
  return decrypted;
}

}  // namespace postern::esp
