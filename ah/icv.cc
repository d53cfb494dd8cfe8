// SPDX-License-Identifier: Apache-2.0

#include "ah/icv.h"

#include <array>
#include <string>
#include <utility>

#include "ah/mutable_fields.h"

namespace postern::ah {
namespace {

constexpr std::size_t kMaxIcv = 64;

// The octets around one packet's ICV.
class Coverage {
 public:
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): room_ is scratch
  Coverage(ConstBytes packet, std::size_t ah_offset, std::size_t icv_size,
           SequenceNumbers numbers)
      : ah_(packet.subspan(ah_offset)),
        icv_size_(icv_size),
        suffix_size_(numbers == SequenceNumbers::kExtended ? 4 : 0) {}

  // Errors: those of CoveredLead().
  Passage Cover(ConstBytes lead, std::uint64_t seq) {
    const Opinion<ConstBytes> covered = CoveredLead(lead, room_);
    if (!covered.ok()) {
      return covered.error();
    }
    lead_ = *covered;
    StoreBe(suffix_, static_cast<std::uint32_t>(seq >> 32));
    return Pass();
  }

  ConstBytes lead() const { return lead_; }

  ConstBytes fixed() const { return ah_.first(kFixedSize); }

  ConstBytes zeros() const { return ConstBytes(kZeros).first(icv_size_); }

  ConstBytes icv() const { return ah_.subspan(kFixedSize, icv_size_); }

  ConstBytes rest() const { return ah_.subspan(kFixedSize + icv_size_); }

  ConstBytes suffix() const { return ConstBytes(suffix_).first(suffix_size_); }

 private:
  static constexpr std::array<std::uint8_t, kMaxIcv> kZeros{};

  ConstBytes ah_;
  std::size_t icv_size_;
  std::size_t suffix_size_;
  ConstBytes lead_;
  std::array<std::uint8_t, 4> suffix_{};
  // Written before it is read; to clear 4 KiB for each packet would be waste.
  std::array<std::uint8_t, kMaxLead> room_;
};

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
  if (parameters.integrity_key.size() != info.key) {
    return Invalid("an integrity key of " +
                   std::to_string(parameters.integrity_key.size()) +
                   " octets does not fit " + std::string(info.name) +
                   ": give " + std::to_string(info.key) + " octets");
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
  Result<MacContext> mac = MacContext::Create(
      parameters.integrity, parameters.integrity_key.octets());
  if (!mac.ok()) {
    return mac.error();
  }
  return IcvContext(*std::move(mac), InfoOf(parameters.integrity).icv,
                    parameters.numbers);
}

Passage IcvContext::Sign(Bytes packet, std::size_t ah_offset,
                         std::uint64_t seq) {
  Coverage coverage(packet, ah_offset, size_, numbers_);
  if (const Passage covered = coverage.Cover(packet.first(ah_offset), seq);
      !covered.ok()) {
    return covered;
  }
  return mac_.Sign({coverage.lead(), coverage.fixed(), coverage.zeros(),
                    coverage.rest(), coverage.suffix()},
                   packet.subspan(ah_offset + kFixedSize, size_));
}

Opinion<AuthProof> IcvContext::Verify(ConstBytes packet, std::size_t ah_offset,
                                      std::uint64_t seq) {
  Coverage coverage(packet, ah_offset, size_, numbers_);
  if (const Passage covered = coverage.Cover(packet.first(ah_offset), seq);
      !covered.ok()) {
    return covered.error();
  }
  return mac_.Verify({coverage.lead(), coverage.fixed(), coverage.zeros(),
                      coverage.rest(), coverage.suffix()},
                     coverage.icv());
}

}  // namespace postern::ah
