// SPDX-License-Identifier: Apache-2.0

#include "ah/icv.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "ah/mutable_fields.h"
#include "core/burst.h"

namespace postern::ah {
namespace {

constexpr std::size_t kMaxIcv = 64;

using GmacTag = std::array<std::uint8_t, 16>;

Status CheckMode(const Parameters& parameters) {
  const bool tunnel = parameters.mode == IpsecMode::kTunnel;
  if (tunnel != parameters.tunnel.has_value()) {
    return Invalid(tunnel ? "a tunnel-mode SA needs the outer header's "
                            "addresses: give both endpoints"
                          : "a transport-mode SA has no outer header: leave "
                            "the tunnel endpoints out");
  }
  if (tunnel && parameters.tunnel->endpoints.source.family() !=
                    parameters.tunnel->endpoints.destination.family()) {
    return Invalid(
        "the tunnel endpoints are of different families: give two "
        "IPv4 or two IPv6 addresses");
  }
  return Ok();
}

Status CheckKey(const Parameters& parameters) {
  const IntegrityInfo& info = InfoOf(parameters.integrity);
  if (parameters.integrity == Integrity::kNone) {
    return Invalid(
        "AH without integrity is nothing: choose an integrity "
        "algorithm");
  }
  if (parameters.integrity_key.size() != info.material()) {
    return Invalid("an integrity key of " +
                   std::to_string(parameters.integrity_key.size()) +
                   " octets does not fit " + std::string(info.name) +
                   ": give " + std::to_string(info.material()) + " octets");
  }
  return Ok();
}

}  // namespace

Result<IcvContext> IcvContext::Create(const Parameters& parameters) {
  for (const Status& checked : {CheckMode(parameters), CheckKey(parameters)}) {
    if (!checked.ok()) {
      return checked.error();
    }
  }
  const IntegrityInfo& info = InfoOf(parameters.integrity);
  IcvContext made(info, parameters.numbers);
  const ConstBytes material = parameters.integrity_key.octets();
  if (info.kind != IntegrityInfo::Kind::kGmac) {
    Result<MacContext> mac =
        MacContext::Create(parameters.integrity, material, parameters.backend);
    if (!mac.ok()) {
      return mac.error();
    }
    made.mac_.emplace(*std::move(mac));
    return made;
  }
  Result<GmacContext> gmac =
      GmacContext::Create(material.first(info.key), parameters.backend);
  if (!gmac.ok()) {
    return gmac.error();
  }
  made.gmac_.emplace(*std::move(gmac));
  CopyBytes(made.salt_, material.last(info.salt));
  return made;
}

// Packets of a burst while they look as the ICV covers them.
class IcvContext::Covers {
 public:
  explicit Covers(const IcvContext& context)
      : iv_size_(context.iv_size_),
        icv_size_(context.icv_size_),
        suffix_size_(context.room_behind()) {}

  // Whether a packet whose AH stands there may be added, after those that were.
  bool HasRoomFor(std::size_t ah_offset) const {
    return saved_.size() < kBurst && ah_offset <= leads_.size() - leads_used_;
  }

  // Makes of `packet` what the ICV covers, and says where that stands.
  // REQUIRES: HasRoomFor(ah_offset), or nothing was added.
  // Errors: those of CoveredLead(); the packet is then as it was.
  Opinion<ConstBytes> Add(Bytes packet, std::size_t ah_offset,
                          std::uint64_t seq) {
    if (ah_offset > kMaxLead) {
      return DropReason::kTooManyHeaders;
    }
    const Bytes place = packet.first(ah_offset);
    const Bytes lead = Bytes(leads_).subspan(leads_used_, ah_offset);
    CopyBytes(lead, place);
    const Opinion<ConstBytes> covered = CoveredLead(lead, place);
    if (!covered.ok()) {
      CopyBytes(place, lead);
      return covered.error();
    }
    // A fragment header that is not covered leaves a gap at the end.
    const std::size_t gap = ah_offset - covered->size();
    CopyBytes(place.subspan(gap), *covered);
    leads_used_ += ah_offset;
    Saved& saved = saved_.Push();
    saved.packet = packet;
    saved.lead = lead;
    const Bytes icv = IcvOf(saved);
    CopyBytes(saved.icv, icv);
    std::fill(icv.begin(), icv.end(), std::uint8_t{0});
    if (suffix_size_ != 0) {
      const Bytes suffix = packet.last(suffix_size_);
      CopyBytes(saved.suffix, suffix);
      StoreBe(suffix, static_cast<std::uint32_t>(seq >> 32));
    }
    return ConstBytes(packet).subspan(gap);
  }

  // The ICV that the last packet came with.
  ConstBytes icv() { return ConstBytes(Last().icv).first(icv_size_); }

  // Where the last packet's ICV stands.
  Bytes icv_place() { return IcvOf(Last()); }

  // The last packet's IV, in front of its ICV.
  Bytes iv_place() {
    const Saved& saved = Last();
    return saved.packet.subspan(saved.lead.size() + kFixedSize, iv_size_);
  }

  // Takes all back but the ICVs.
  void RestoreLeads() {
    for (const Saved& saved : saved_) {
      CopyBytes(saved.packet, saved.lead);
      CopyBytes(saved.packet.last(suffix_size_),
                ConstBytes(saved.suffix).first(suffix_size_));
    }
  }

  void RestoreIcvs() {
    for (const Saved& saved : saved_) {
      CopyBytes(IcvOf(saved), ConstBytes(saved.icv).first(icv_size_));
    }
  }

 private:
  // What stood in a packet before.
  struct Saved {
    Bytes packet;
    ConstBytes lead;
    std::array<std::uint8_t, kMaxIcv> icv;
    std::array<std::uint8_t, 4> suffix;
  };

  Saved& Last() { return saved_[saved_.size() - 1]; }

  Bytes IcvOf(const Saved& saved) const {
    return saved.packet.subspan(saved.lead.size() + kFixedSize + iv_size_,
                                icv_size_);
  }

  std::size_t iv_size_;
  std::size_t icv_size_;
  std::size_t suffix_size_;
  std::size_t leads_used_ = 0;
  Burst<Saved> saved_;
  // Written before it is read; to clear 4 KiB for each packet would be waste.
  std::array<std::uint8_t, kMaxLead> leads_;
};

IcvContext::Nonce IcvContext::NonceOf(ConstBytes iv) const {
  Nonce nonce;
  CopyBytes(nonce, salt_);
  CopyBytes(Bytes(nonce).subspan(salt_.size()), iv);
  return nonce;
}

// RFC 4543 4: the IV, which is covered, and then the tag. No backend works on
// several at once.
void IcvContext::SignByGmac(SignJob& job) {
  Covers covers(*this);
  const Bytes iv = job.packet.subspan(job.ah_offset + kFixedSize, iv_size_);
  if (job.iv.empty()) {
    StoreBe(iv, job.seq);
  } else {
    CopyBytes(iv, job.iv);
  }
  const Opinion<ConstBytes> covered =
      covers.Add(job.packet, job.ah_offset, job.seq);
  if (!covered.ok()) {
    job.outcome = covered.error();
    return;
  }
  GmacTag tag;
  job.outcome = gmac_->Sign(NonceOf(covers.iv_place()), {}, *covered, tag);
  covers.RestoreLeads();
  CopyBytes(covers.icv_place(), tag);
}

void IcvContext::VerifyByGmac(VerifyJob& job) {
  Covers covers(*this);
  const Opinion<ConstBytes> covered =
      covers.Add(job.packet, job.ah_offset, job.seq);
  if (!covered.ok()) {
    job.outcome = covered.error();
    return;
  }
  job.outcome =
      gmac_->Verify(NonceOf(covers.iv_place()), {}, *covered, covers.icv());
  covers.RestoreLeads();
  covers.RestoreIcvs();
}

void IcvContext::Sign(std::span<SignJob> jobs) {
  if (gmac_.has_value()) {
    for (SignJob& job : jobs) {
      SignByGmac(job);
    }
    return;
  }
  while (!jobs.empty()) {
    Covers covers(*this);
    Burst<MacContext::SignJob> works;
    std::size_t taken = 0;
    for (; taken < jobs.size(); ++taken) {
      SignJob& job = jobs[taken];
      if (!works.empty() && !covers.HasRoomFor(job.ah_offset)) {
        break;
      }
      const Opinion<ConstBytes> covered =
          covers.Add(job.packet, job.ah_offset, job.seq);
      job.outcome = covered.ok() ? Pass() : covered.error();
      if (covered.ok()) {
        works.Push(*covered, covers.icv_place());
      }
    }
    mac_->Sign(works.elements());
    covers.RestoreLeads();
    const MacContext::SignJob* work = works.begin();
    for (SignJob& job : jobs.first(taken)) {
      if (job.outcome.ok()) {
        job.outcome = (work++)->outcome;
      }
    }
    jobs = jobs.subspan(taken);
  }
}

void IcvContext::Verify(std::span<VerifyJob> jobs) {
  if (gmac_.has_value()) {
    for (VerifyJob& job : jobs) {
      VerifyByGmac(job);
    }
    return;
  }
  while (!jobs.empty()) {
    Covers covers(*this);
    Burst<MacContext::VerifyJob> works;
    Burst<VerifyJob*> asked;
    std::size_t taken = 0;
    for (; taken < jobs.size(); ++taken) {
      VerifyJob& job = jobs[taken];
      if (!works.empty() && !covers.HasRoomFor(job.ah_offset)) {
        break;
      }
      const Opinion<ConstBytes> covered =
          covers.Add(job.packet, job.ah_offset, job.seq);
      if (!covered.ok()) {
        job.outcome = covered.error();
        continue;
      }
      works.Push(*covered, covers.icv());
      asked.Push(&job);
    }
    mac_->Verify(works.elements());
    covers.RestoreLeads();
    covers.RestoreIcvs();
    for (std::size_t i = 0; i < works.size(); ++i) {
      asked[i]->outcome = std::move(works[i].outcome);
    }
    jobs = jobs.subspan(taken);
  }
}

}  // namespace postern::ah
