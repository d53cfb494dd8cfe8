// SPDX-License-Identifier: Apache-2.0
//
// postern-vec/sweep/1 (golden/generate.py): one SA, a packet of every payload
// length; of each sealed packet the first four octets of HMAC-SHA-256 under a
// key of zeros. What was sealed must open again, too.

#include <array>
#include <optional>
#include <string>
#include <utility>

#include "core/crypto/mac_context.h"
#include "core/net/ip_view.h"
#include "core/packet/packet.h"
#include "tests/vectors/vector_file.h"
#include "tests/vectors/vector_sa.h"

namespace postern::vectors {
namespace {

constexpr std::size_t kDigestSize = 4;

// The packet that golden/generate.py calls plain_packet().
Octets PlainPacket(IpFamily family, std::size_t length) {
  constexpr std::uint8_t kProtocol = 253;
  constexpr std::uint8_t kTrafficClass = 0x28;
  const bool v4 = family == IpFamily::kV4;
  TunnelHeader header;  // any packet's header can be written with it
  header.endpoints.source =
      *IpAddress::Parse(v4 ? "192.0.2.10" : "2001:db8:1::10");
  header.endpoints.destination =
      *IpAddress::Parse(v4 ? "198.51.100.20" : "2001:db8:2::20");
  header.dont_fragment = length % 2 == 1 ? TunnelHeader::DontFragment::kSet
                                         : TunnelHeader::DontFragment::kClear;
  Octets marked(40);  // a packet with the traffic class to copy
  marked[0] = 0x60 | kTrafficClass >> 4;
  marked[1] = static_cast<std::uint8_t>(kTrafficClass << 4);
  marked[6] = kProtocol;
  const std::size_t header_size = SizeOf(header);
  Octets packet(header_size + length);
  if (!WriteTunnelHeader(header, *IpView::Parse(marked), kProtocol, 0x1111,
                         packet)
           .ok()) {
    throw VectorError("the plain packet is too big");
  }
  for (std::size_t i = 0; i < length; ++i) {
    packet[header_size + i] = static_cast<std::uint8_t>(7 * i + length);
  }
  return packet;
}

// The IV that golden/generate.py gives to CBC.
Octets CbcIv(std::uint32_t seq, std::size_t size) {
  Octets iv(size);
  for (std::size_t i = 0; i < iv.size(); ++i) {
    iv[i] = static_cast<std::uint8_t>(seq * (2 * i + 1) + i);
  }
  return iv;
}

Octets DigestOf(ConstBytes packet) {
  static Result<MacContext> mac = MacContext::Create(
      Integrity::kHmacSha2_256_128, std::array<std::uint8_t, 32>{});
  Octets digest(kDigestSize);
  if (!mac.ok() || !mac->Sign({packet}, digest).ok()) {
    throw VectorError("HMAC-SHA-256 was refused");
  }
  return digest;
}

// Both directions of one SA, whose keys are set up once, as for traffic.
class Sweep {
 public:
  Sweep(const Json& test, VectorSa sa)
      : sa_(std::move(sa)),
        family_(test.at("inner_af") == 4 ? IpFamily::kV4 : IpFamily::kV6),
        window_(64, sa_.numbers(), ReplayCheck::kOn, {sa_.seq - 1, {}}),
        receiver_(sa_) {
    if (sa_.is_esp()) {
      sealer_ = Made(esp::Sealer::Create(sa_.esp()));
    } else {
      signer_ = Made(ah::Signer::Create(sa_.ah()));
    }
  }

  Sweep(const Sweep&) = delete;  // receiver_ refers to sa_
  Sweep& operator=(const Sweep&) = delete;

  // Errors in words; empty when all is well.
  std::string Run(std::size_t length, ConstBytes digest) {
    const Octets plain = PlainPacket(family_, length);
    const std::uint64_t seq = sa_.seq + length;
    Packet packet = Pool().Copy(plain);
    const Passage protected_ok = Protect(packet, seq);
    std::string wrong;
    if (!protected_ok.ok()) {
      wrong = NameOf(protected_ok.error());
    } else if (DigestOf(packet.bytes()) !=
               Octets(digest.begin(), digest.end())) {
      wrong = "got " + ToHex(packet.bytes());
    } else if (const Passage received = receiver_.Receive(window_, packet);
               !received.ok()) {
      wrong = "receiving: " + std::string(NameOf(received.error()));
    } else {
      wrong = Compare("plain", packet.bytes(), plain).text;
    }
    packet.Release();
    return wrong;
  }

 private:
  template <typename T>
  static T Made(Result<T> made) {
    if (!made.ok()) {
      throw VectorError(made.error().message);
    }
    return *std::move(made);
  }

  Passage Protect(Packet& packet, std::uint64_t seq) {
    if (signer_) {
      return signer_->Sign(packet, seq);
    }
    const EncryptionInfo& info = InfoOf(sa_.esp().encryption);
    return info.iv_rule == EncryptionInfo::IvRule::kUnpredictable
               ? sealer_->SealWithIv(
                     packet, seq,
                     CbcIv(static_cast<std::uint32_t>(seq), info.iv))
               : sealer_->Seal(packet, seq);
  }

  VectorSa sa_;
  IpFamily family_;
  ReplayWindow window_;
  Receiver receiver_;
  std::optional<esp::Sealer> sealer_;
  std::optional<ah::Signer> signer_;
};

// Every algorithm in every layout, counting IVs as Postern makes them: ALG-01,
// ALG-02, ALG-04, ALG-05, AH-16, AH-47, AH-48, ESP-06, ESP-27, ESP-36, CTR-01,
// CTR-02, GCM-02, GCM-05, GCM-10, GCM-13, CCM-03, CCM-04, CCM-08, CHA-01,
// CHA-02, CHA-03, IIV-01, OPT-04. DEF-08b, DEF-24
Outcome RunCase(const Json& test) {
  CheckCaseFields(test, {"inner_af", "sa", "lengths", "digests"});
  auto read = ReadSa(test.at("sa"));
  if (auto* skipped = std::get_if<Outcome>(&read)) {
    return *skipped;
  }
  Sweep sweep(test, std::get<VectorSa>(std::move(read)));
  const Octets digests = HexOf(test.at("digests"));
  Reader digest(digests);
  for (const Json& range : test.at("lengths")) {
    for (std::size_t length = range.at(0); length <= range.at(1); ++length) {
      const auto expected = digest.Take(kDigestSize);
      if (!expected.has_value()) {
        return Failed("there are fewer digests than lengths");
      }
      const std::string wrong = sweep.Run(length, *expected);
      if (!wrong.empty()) {
        return Failed("length " + std::to_string(length) + ": " + wrong);
      }
    }
  }
  return digest.empty() ? Passed()
                        : Failed("there are more digests than lengths");
}

}  // namespace

void RunSweepVectors(const Json& file, Tally& tally) {
  CheckCaseFields(file, {"format", "count", "cases"});
  for (const Json& test : file.at("cases")) {
    tally.Run(test.at("id"), [&] { return RunCase(test); });
  }
}

}  // namespace postern::vectors
