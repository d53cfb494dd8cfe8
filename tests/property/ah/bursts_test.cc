// SPDX-License-Identifier: Apache-2.0
//
// What a burst does by any backend is what single calls do by libcrypto, job
// by job, with packets among them that are refused.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "ah/verifier.h"
#include "core/packet/packet_pool.h"
#include "tests/unit/ah/ah_sas.h"

namespace postern::ah {
namespace {

constexpr std::uint64_t kFirstSeq = 0x1fffffff0;

// Mutable fields, options, extension headers; every so many one that is
// refused.
Octets ClearPacket(std::size_t size, std::size_t index) {
  Octets payload(size);
  for (std::size_t i = 0; i < size; ++i) {
    payload[i] = static_cast<std::uint8_t>(i * 7 + size);
  }
  switch (index % 7) {
    case 0:
      return HostsV4().TrafficClass(0x2e).HopLimit(9).Raw(253, payload);
    case 1:
      return HostsV6().TrafficClass(0x2e).Raw(253, payload);
    case 2:
      return HostsV4().Ipv4Options({7, 7, 4, 0, 0, 0, 0}).Raw(253, payload);
    case 3:
      return HostsV4().MoreFragments().Raw(253, Octets(64));
    case 4:  // a fragment header of a whole packet: the ICV leaves it out
      return HostsV6().Extension(44, Octets(8)).Raw(253, payload);
    case 5: {
      Octets padded = HostsV4().DontFragment().Raw(253, payload);
      padded.resize(padded.size() + index % 5);
      return padded;
    }
    default:
      // Nothing that can be signed: more headers than anybody sends.
      return index % 2 == 0
                 ? HostsV6().Extension(60, Octets(2040)).Raw(253, payload)
                 : Octets{0x45, 0, 0, 60};
  }
}

// Nothing when it passed.
std::optional<DropReason> ReasonOf(const Passage& passage) {
  return passage.ok() ? std::nullopt : std::optional(passage.error());
}

class AhBursts
    : public testing::TestWithParam<std::tuple<std::size_t, CryptoBackend>> {
 protected:
  static std::vector<Parameters> AllSas() {
    std::vector<Parameters> all;
    for (Parameters sa : AllTransportSas()) {
      for (const SequenceNumbers numbers :
           {SequenceNumbers::k32Bit, SequenceNumbers::kExtended}) {
        sa.numbers = numbers;
        all.push_back(sa);
        all.push_back(InTunnel(sa, IpFamily::kV4));
        all.push_back(InTunnel(sa, IpFamily::kV6));
      }
    }
    return all;
  }

  void SetUp() override {
    const auto [index, backend] = GetParam();
    if (const Status there = CheckBackend(backend); !there.ok()) {
      GTEST_SKIP() << there.error().message;
    }
    by_libcrypto_ = AllSas()[index];
    by_libcrypto_.backend = CryptoBackend::kLibcrypto;
    sa_ = by_libcrypto_;
    sa_.backend = backend;
  }

  // Signs in a burst, and compares with single calls, to the octet.
  void Sign(const std::vector<Octets>& clear, std::vector<Packet>& packets) {
    Result<Signer> signer = Signer::Create(sa_);
    Result<Signer> single = Signer::Create(by_libcrypto_);
    std::vector<OutboundJob> jobs(clear.size());
    for (const Octets& octets : clear) {
      packets.push_back(pool_.Copy(octets));
    }
    for (std::size_t i = 0; i < clear.size(); ++i) {
      jobs[i].packet = &packets[i];
      jobs[i].seq = kFirstSeq + i;
    }
    signer->Sign(jobs);
    for (std::size_t i = 0; i < clear.size(); ++i) {
      Packet alone = pool_.Copy(clear[i]);
      const Passage passage = single->Sign(alone, kFirstSeq + i);
      ASSERT_EQ(ReasonOf(jobs[i].outcome), ReasonOf(passage)) << i;
      if (passage.ok()) {
        ASSERT_EQ(Copied(packets[i]), Copied(alone)) << i;
      }
      alone.Release();
    }
  }

  // Verifies in a burst, some of it spoilt or with link padding behind it.
  void Verify(std::vector<Packet>& packets) {
    Result<Verifier> verifier = Verifier::Create(sa_);
    Result<Verifier> single = Verifier::Create(by_libcrypto_);
    std::vector<VerifyJob> jobs(packets.size());
    std::vector<Octets> before;
    for (std::size_t i = 0; i < packets.size(); ++i) {
      if (i % 4 == 1) {
        packets[i].bytes()[packets[i].size() - 1] ^= 1;
      } else if (i % 4 == 2) {
        ASSERT_TRUE(packets[i].Append(i % 7));
      }
      before.push_back(Copied(packets[i]));
      jobs[i].packet = &packets[i];
      jobs[i].seq = kFirstSeq + i;
    }
    verifier->Verify(jobs);
    for (std::size_t i = 0; i < packets.size(); ++i) {
      ASSERT_EQ(Copied(packets[i]), before[i]) << i;
      const auto alone = single->Verify(packets[i], kFirstSeq + i);
      ASSERT_EQ(jobs[i].outcome.ok(), alone.ok()) << i;
      if (alone.ok()) {
        ASSERT_EQ(jobs[i].outcome->ah_offset, alone->ah_offset);
        ASSERT_EQ(jobs[i].outcome->ah_size, alone->ah_size);
        ASSERT_EQ(jobs[i].outcome->next_header, alone->next_header);
      } else {
        ASSERT_EQ(jobs[i].outcome.error(), alone.error()) << i;
      }
    }
  }

  Parameters by_libcrypto_;
  Parameters sa_;
  PacketPool pool_{{.packets = 256, .payload = 4096}};
};

// DEF-42
TEST_P(AhBursts, EqualSingleCallsOfLibcrypto) {
  std::size_t length = 0;
  for (std::size_t count = 1; length <= 1500; count = count % 70 + 9) {
    std::vector<Octets> clear;
    for (std::size_t i = 0; i < count; ++i) {
      clear.push_back(ClearPacket(length++ % 1501, i));
    }
    std::vector<Packet> packets;
    Sign(clear, packets);
    if (!HasFatalFailure()) {
      Verify(packets);
    }
    for (Packet& packet : packets) {
      packet.Release();
    }
    if (HasFatalFailure()) {
      return;
    }
  }
}

std::string NameOfCase(
    const testing::TestParamInfo<std::tuple<std::size_t, CryptoBackend>>&
        info) {
  return std::to_string(std::get<0>(info.param)) +
         (std::get<1>(info.param) == CryptoBackend::kIpsecMb ? "IpsecMb"
                                                             : "Libcrypto");
}

INSTANTIATE_TEST_SUITE_P(
    EverySa, AhBursts,
    testing::Combine(testing::Range(std::size_t{0},
                                    6 * AllTransportSas().size()),
                     testing::ValuesIn(AllBackends())),
    NameOfCase);

}  // namespace
}  // namespace postern::ah
