// SPDX-License-Identifier: Apache-2.0

#include "esp/suite.h"

#include <algorithm>
#include <utility>

#include "core/burst.h"
#include "core/crypto/secret_bytes.h"
#include "esp/trailer.h"

namespace postern::esp {
namespace {

constexpr std::size_t kSeqOffset = 4;
constexpr std::size_t kHighHalfSize = 4;
constexpr std::size_t kLargestIcv = 64;

std::uint32_t HighHalf(std::uint64_t seq) {
  return static_cast<std::uint32_t>(seq >> 32);
}

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

// What GMAC covers beside SPI and number (RFC 4543 3.3, with the IV: GCM-10).
Bytes BehindNumber(const Sizes& sizes, Bytes esp) {
  return esp.subspan(kFixedHeaderSize,
                     esp.size() - kFixedHeaderSize - sizes.icv);
}

Bytes IcvOf(const Sizes& sizes, Bytes esp) {
  return esp.last(sizes.icv);
}

// What a separate MAC covers: all but the ICV and, with ESN, the high half of
// the number behind it (RFC 4303 2.2.1), which is put where the ICV stands.
ConstBytes Covered(const SuiteBase& base, Bytes esp, std::uint64_t seq) {
  const std::size_t sent = esp.size() - base.sizes.icv;
  if (base.numbers != SequenceNumbers::kExtended) {
    return esp.first(sent);
  }
  StoreBe(esp.subspan(sent), HighHalf(seq));
  return esp.first(sent + kHighHalfSize);
}

}  // namespace

Result<SealingSuite> SealingSuite::Create(const Parameters& parameters) {
  Result<SuiteBase> base = MakeSuiteBase(parameters, AeadContext::Use::kSeal,
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

// flatten: see esp/sealer.cc.
[[gnu::flatten]] void SealingSuite::Seal(std::span<Job> jobs) {
  for (; jobs.size() > kBurst; jobs = jobs.subspan(kBurst)) {
    Seal(jobs.first(kBurst));
  }
  // All of them first: a cipher that loads what was only just stored waits.
  for (Job& job : jobs) {
    job.outcome = LayOut(job);
  }
  if (base_.aead.has_value()) {
    SealCombined(jobs);
    return;
  }
  if (base_.gmac.has_value()) {
    SealClear(jobs);
    return;
  }
  if (base_.cipher.has_value()) {
    Encrypt(jobs);
  }
  if (base_.mac.has_value()) {
    Sign(jobs);
  }
}

Passage SealingSuite::PutIv(const Job& job) {
  const Bytes iv = IvOf(sizes(), job.esp);
  if (!job.iv.empty()) {
    CopyBytes(iv, job.iv);
    return Pass();
  }
  switch (iv_rule_) {
    case EncryptionInfo::IvRule::kCounter:
      StoreBe(iv, job.seq);
      return Pass();
    case EncryptionInfo::IvRule::kUnpredictable:
      return ivs_.Next(iv);
    case EncryptionInfo::IvRule::kImplicit:
    case EncryptionInfo::IvRule::kNoIv:
      return Pass();
  }
  return DropReason::kCryptoFailed;
}

// Everything but the cryptography: header, IV, payload, trailer.
Passage SealingSuite::LayOut(const Job& job) {
  StoreBe(job.esp, Number(base_.spi));
  StoreBe(job.esp.subspan(kSeqOffset), static_cast<std::uint32_t>(job.seq));
  const Bytes text = CiphertextOf(sizes(), job.esp);
  if (job.payload.data() != text.data()) {
    CopyBytes(text, job.payload);
  }
  WriteTrailer(job.next_header, text.subspan(job.payload.size()));
  return PutIv(job);
}

[[gnu::flatten]] void SealingSuite::SealCombined(std::span<Job> jobs) {
  Burst<Surroundings> around;
  for (const Job& job : jobs) {
    around.Push(base_, IvOf(sizes(), job.esp), job.seq);
  }
  const Surroundings* surroundings = around.begin();
  for (Job& job : jobs) {
    const Surroundings& one = *surroundings++;
    if (job.outcome.ok()) {
      job.outcome = base_.aead->Seal(one.nonce(), one.aad(),
                                     CiphertextOf(sizes(), job.esp),
                                     IcvOf(sizes(), job.esp));
    }
  }
}

void SealingSuite::SealClear(std::span<Job> jobs) {
  for (Job& job : jobs) {
    if (job.outcome.ok()) {
      const Surroundings one(base_, IvOf(sizes(), job.esp), job.seq);
      job.outcome = base_.gmac->Sign(one.nonce(), one.aad(),
                                     BehindNumber(sizes(), job.esp),
                                     IcvOf(sizes(), job.esp));
    }
  }
}

// REQUIRES: at most kBurst jobs, as for all that follow.
void SealingSuite::Encrypt(std::span<Job> jobs) {
  Burst<CipherContext::Job> works;
  Burst<CipherIv> ivs;
  for (const Job& job : jobs) {
    if (job.outcome.ok()) {
      works.Push(ivs.Push().Of(base_, IvOf(sizes(), job.esp)),
                 CiphertextOf(sizes(), job.esp));
    }
  }
  base_.cipher->Transform(works.elements());
  const CipherContext::Job* work = works.begin();
  for (Job& job : jobs) {
    if (job.outcome.ok()) {
      job.outcome = (work++)->outcome;
    }
  }
}

void SealingSuite::Sign(std::span<Job> jobs) {
  Burst<MacContext::SignJob> works;
  for (const Job& job : jobs) {
    if (job.outcome.ok()) {
      works.Push(Covered(base_, job.esp, job.seq), IcvOf(sizes(), job.esp));
    }
  }
  base_.mac->Sign(works.elements());
  const MacContext::SignJob* work = works.begin();
  for (Job& job : jobs) {
    if (job.outcome.ok()) {
      job.outcome = (work++)->outcome;
    }
  }
}

Result<OpeningSuite> OpeningSuite::Create(const Parameters& parameters) {
  Result<SuiteBase> base = MakeSuiteBase(parameters, AeadContext::Use::kOpen,
                                         CipherContext::Use::kDecrypt);
  if (!base.ok()) {
    return base.error();
  }
  return OpeningSuite(*std::move(base));
}

ConstBytes OpeningSuite::Plaintext(ConstBytes esp) const {
  return esp.subspan(sizes().header(),
                     esp.size() - sizes().header() - sizes().icv);
}

Passage OpeningSuite::CheckSize(ConstBytes esp) const {
  const std::size_t around = sizes().header() + sizes().icv;
  if (esp.size() < around + kShortestTrailer ||
      ((esp.size() - around) & (sizes().alignment - 1)) != 0) {
    return DropReason::kBadLength;
  }
  return Pass();
}

[[gnu::flatten]] void OpeningSuite::Open(std::span<Job> jobs) {
  for (; jobs.size() > kBurst; jobs = jobs.subspan(kBurst)) {
    Open(jobs.first(kBurst));
  }
  if (base_.aead.has_value()) {
    OpenCombined(jobs);
    return;
  }
  if (base_.gmac.has_value()) {
    OpenClear(jobs);
    return;
  }
  Verify(jobs);
  if (base_.cipher.has_value()) {
    Decrypt(jobs);
  }
}

// What can be refused before any cryptography.
Passage OpeningSuite::Check(const Job& job) const {
  if (const Passage checked = CheckSize(job.esp); !checked.ok()) {
    return checked;
  }
  return Names(job.esp, base_.spi, job.seq) ? Pass() : DropReason::kBadIcv;
}

// What a combined mode opens. Made where it stays: whoever copies what was only
// just stored waits.
struct OpeningSuite::CombinedPacket {
  [[gnu::always_inline]] CombinedPacket(const SuiteBase& base, Job& asked)
      : around(base, IvOf(base.sizes, asked.esp), asked.seq),
        ciphertext(CiphertextOf(base.sizes, asked.esp)),
        icv(IcvOf(base.sizes, asked.esp)),
        job(&asked) {}

  Surroundings around;
  Bytes ciphertext;
  ConstBytes icv;
  Job* job;
};

[[gnu::flatten]] void OpeningSuite::OpenCombined(std::span<Job> jobs) {
  Burst<CombinedPacket> asked;
  for (Job& job : jobs) {
    if (const Passage checked = Check(job); !checked.ok()) {
      job.outcome = checked.error();
      continue;
    }
    asked.Push(base_, job);
  }
  AeadContext& aead = *base_.aead;
  for (const CombinedPacket& one : asked) {
    one.job->outcome = aead.Open(one.around.nonce(), one.around.aad(),
                                 one.ciphertext, one.icv);
  }
}

void OpeningSuite::OpenClear(std::span<Job> jobs) {
  for (Job& job : jobs) {
    if (const Passage checked = Check(job); !checked.ok()) {
      job.outcome = checked.error();
      continue;
    }
    const Surroundings one(base_, IvOf(sizes(), job.esp), job.seq);
    job.outcome = base_.gmac->Verify(one.nonce(), one.aad(),
                                     BehindNumber(sizes(), job.esp),
                                     IcvOf(sizes(), job.esp));
  }
}

void OpeningSuite::Verify(std::span<Job> jobs) {
  Burst<std::array<std::uint8_t, kLargestIcv>> received;
  Burst<MacContext::VerifyJob> works;
  Burst<Job*> proven;
  for (Job& job : jobs) {
    const Passage checked = Check(job);
    if (!checked.ok() || !base_.mac.has_value()) {
      job.outcome = checked.ok() ? DropReason::kBadIcv : checked.error();
      continue;
    }
    // The high half of the number will stand in its place.
    const Bytes icv = Bytes(received.Push()).first(sizes().icv);
    CopyBytes(icv, IcvOf(sizes(), job.esp));
    works.Push(Covered(base_, job.esp, job.seq), icv);
    proven.Push(&job);
  }
  if (!works.empty()) {
    base_.mac->Verify(works.elements());
  }
  for (std::size_t i = 0; i < works.size(); ++i) {
    CopyBytes(IcvOf(sizes(), proven[i]->esp), works[i].icv);
    proven[i]->outcome = std::move(works[i].outcome);
  }
}

void OpeningSuite::Decrypt(std::span<Job> jobs) {
  Burst<CipherContext::Job> works;
  Burst<CipherIv> ivs;
  for (const Job& job : jobs) {
    if (job.outcome.ok()) {
      works.Push(ivs.Push().Of(base_, IvOf(sizes(), job.esp)),
                 CiphertextOf(sizes(), job.esp));
    }
  }
  base_.cipher->Transform(works.elements());
  const CipherContext::Job* work = works.begin();
  for (Job& job : jobs) {
    if (!job.outcome.ok()) {
      continue;
    }
    if (!work->outcome.ok()) {
      Cleanse(work->octets);  // half a plaintext is not one
      job.outcome = work->outcome.error();
    }
    ++work;
  }
}

Passage OpeningSuite::DecryptUnverified(Bytes esp) {
  if (base_.aead.has_value() || base_.gmac.has_value() ||
      base_.mac.has_value()) {
    return DropReason::kBadIcv;
  }
  if (const Passage checked = CheckSize(esp); !checked.ok()) {
    return checked;
  }
  if (!base_.cipher.has_value()) {
    return Pass();
  }
  const Bytes ciphertext = CiphertextOf(sizes(), esp);
  CipherIv iv;
  const Passage decrypted =
      base_.cipher->Transform(iv.Of(base_, IvOf(sizes(), esp)), ciphertext);
  if (!decrypted.ok()) {
    Cleanse(ciphertext);
  }
  return decrypted;
}

}  // namespace postern::esp
