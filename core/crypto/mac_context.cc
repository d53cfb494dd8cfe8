// SPDX-License-Identifier: Apache-2.0

#include "core/crypto/mac_context.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "core/burst.h"
#include "core/crypto/engine_choice.h"
#include "core/crypto/engines.h"
#include "core/crypto/secret_bytes.h"

namespace postern {
namespace {

// The MACs of one burst, before they are truncated or compared.
class Macs {
 public:
  void Add(ConstBytes message, std::size_t digest_size) {
    works_.Push(message, Bytes(rooms_.Push()).first(digest_size), false);
  }

  void ComputeBy(MacEngine& engine) { engine.Compute(works_.elements()); }

  // The works in the order of Add().
  const MacWork* begin() { return works_.begin(); }

 private:
  using Room = std::array<std::uint8_t, MacEngine::kLargestDigest>;

  Burst<MacWork> works_;
  Burst<Room> rooms_;
};

}  // namespace

MacContext::MacContext(std::unique_ptr<MacEngine> engine, std::size_t icv_size)
    : engine_(std::move(engine)), icv_size_(icv_size) {}

MacContext::MacContext(MacContext&& other) noexcept = default;
MacContext& MacContext::operator=(MacContext&& other) noexcept = default;
MacContext::~MacContext() = default;

Result<MacContext> MacContext::Create(Integrity algorithm, ConstBytes key,
                                      CryptoBackend backend) {
  const IntegrityInfo& info = InfoOf(algorithm);
  if (algorithm == Integrity::kNone) {
    return Invalid("\"none\" computes nothing; choose an integrity algorithm");
  }
  if (key.empty()) {
    return Invalid("an empty key protects nothing; use " +
                   std::to_string(info.key) + " octets for " +
                   std::string(info.name));
  }
  if (info.kind == IntegrityInfo::Kind::kGmac) {
    return Invalid(std::string(info.name) +
                   " needs a nonce for each message; use a GMAC context");
  }
  if (info.kind == IntegrityInfo::Kind::kBlockMac && key.size() != info.key) {
    return Invalid("a key of " + std::to_string(key.size()) +
                   " octets does not fit " + std::string(info.name) + "; use " +
                   std::to_string(info.key));
  }
  Result<std::unique_ptr<MacEngine>> engine =
      MacEngineOf(backend, algorithm, key);
  if (!engine.ok()) {
    return engine.error();
  }
  return MacContext(*std::move(engine), info.icv);
}

void MacContext::Sign(std::span<SignJob> jobs) {
  while (!jobs.empty()) {
    const std::size_t some = std::min(jobs.size(), kBurst);
    SignSome(jobs.first(some));
    jobs = jobs.subspan(some);
  }
}

Passage MacContext::Sign(ConstBytes message, Bytes icv) {
  SignJob job{.message = message, .icv = icv};
  SignSome(std::span(&job, 1));
  return job.outcome;
}

void MacContext::SignSome(std::span<SignJob> jobs) {
  const std::size_t digest_size = engine_->digest_size();
  Macs macs;
  for (SignJob& job : jobs) {
    job.outcome =
        job.icv.size() <= digest_size ? Pass() : DropReason::kCryptoFailed;
    if (job.outcome.ok()) {
      macs.Add(job.message, digest_size);
    }
  }
  macs.ComputeBy(*engine_);
  const MacWork* work = macs.begin();
  for (SignJob& job : jobs) {
    if (!job.outcome.ok()) {
      continue;
    }
    if (work->done) {
      CopyBytes(job.icv, ConstBytes(work->mac).first(job.icv.size()));
    } else {
      job.outcome = DropReason::kCryptoFailed;
    }
    ++work;
  }
}

void MacContext::Verify(std::span<VerifyJob> jobs) {
  while (!jobs.empty()) {
    const std::size_t some = std::min(jobs.size(), kBurst);
    VerifySome(jobs.first(some));
    jobs = jobs.subspan(some);
  }
}

Opinion<AuthProof> MacContext::Verify(ConstBytes message, ConstBytes icv) {
  VerifyJob job{.message = message, .icv = icv};
  VerifySome(std::span(&job, 1));
  return std::move(job.outcome);
}

void MacContext::VerifySome(std::span<VerifyJob> jobs) {
  Macs macs;
  for (const VerifyJob& job : jobs) {
    if (job.icv.size() == icv_size_) {
      macs.Add(job.message, engine_->digest_size());
    }
  }
  macs.ComputeBy(*engine_);
  const MacWork* work = macs.begin();
  for (VerifyJob& job : jobs) {
    if (job.icv.size() != icv_size_) {
      job.outcome = DropReason::kBadIcv;
      continue;
    }
    if (!work->done) {
      job.outcome = DropReason::kCryptoFailed;
    } else if (ConstantTimeEqual(ConstBytes(work->mac).first(icv_size_),
                                 job.icv)) {
      job.outcome = AuthProof();
    } else {
      job.outcome = DropReason::kBadIcv;
    }
    ++work;
  }
}

}  // namespace postern
