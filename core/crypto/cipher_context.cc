// SPDX-License-Identifier: Apache-2.0

#include "core/crypto/cipher_context.h"

#include <algorithm>
#include <string>
#include <utility>

#include "core/burst.h"
#include "core/crypto/engine_choice.h"
#include "core/crypto/engines.h"
#include "core/crypto/fetched.h"

namespace postern {
namespace {

constexpr std::size_t kLargest = std::size_t{1} << 16;

}  // namespace

CipherContext::CipherContext(std::unique_ptr<CipherEngine> engine, Sizes sizes)
    : engine_(std::move(engine)), sizes_(sizes) {}

CipherContext::CipherContext(CipherContext&&) noexcept = default;
CipherContext& CipherContext::operator=(CipherContext&&) noexcept = default;
CipherContext::~CipherContext() = default;

Result<CipherContext> CipherContext::Create(Encryption algorithm,
                                            ConstBytes key, Use use,
                                            CryptoBackend backend) {
  const EncryptionInfo& info = InfoOf(algorithm);
  if (info.kind != EncryptionInfo::Kind::kCipher) {
    return Invalid(std::string(info.name) +
                   " is not a plain cipher; use aes-cbc, or a combined-mode "
                   "context");
  }
  if (!IsKeySize(algorithm, key.size())) {
    return Invalid("a key of " + std::to_string(key.size()) +
                   " octets does not fit " + std::string(info.name) + "; use " +
                   ListOfSizes(info.key_sizes));
  }
  Result<std::unique_ptr<CipherEngine>> engine =
      CipherEngineOf(backend, algorithm, key, use);
  if (!engine.ok()) {
    return engine.error();
  }
  constexpr std::size_t kCounterBlock = 16;
  const Sizes sizes =
      info.counts_ivs() ? Sizes{kCounterBlock, 1} : Sizes{info.iv, info.iv};
  return CipherContext(*std::move(engine), sizes);
}

bool CipherContext::Fits(ConstBytes iv, ConstBytes octets) const {
  return iv.size() == sizes_.iv && (octets.size() & (sizes_.block - 1)) == 0 &&
         octets.size() < kLargest;
}

void CipherContext::TransformSome(std::span<Job> jobs) {
  Burst<CipherWork> works;
  for (Job& job : jobs) {
    job.outcome = Fits(job.iv, job.octets) ? Pass() : DropReason::kCryptoFailed;
    if (job.outcome.ok() && !job.octets.empty()) {
      works.Push(job.iv, job.octets, false);
    }
  }
  engine_->Transform(works.elements());
  const CipherWork* work = works.begin();
  for (Job& job : jobs) {
    if (job.outcome.ok() && !job.octets.empty() && !(work++)->done) {
      job.outcome = DropReason::kCryptoFailed;
    }
  }
}

void CipherContext::Transform(std::span<Job> jobs) {
  while (!jobs.empty()) {
    const std::size_t some = std::min(jobs.size(), kBurst);
    TransformSome(jobs.first(some));
    jobs = jobs.subspan(some);
  }
}

Passage CipherContext::Transform(ConstBytes iv, Bytes octets) {
  Job job{.iv = iv, .octets = octets};
  TransformSome(std::span(&job, 1));
  return job.outcome;
}

}  // namespace postern
