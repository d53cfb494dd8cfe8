// SPDX-License-Identifier: Apache-2.0

#include "daemon/audit_log.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/rcu.h"

namespace postern {
namespace {

class DeafSink : public SaEventSink {
 public:
  bool Post(const SaEvent& /*event*/) override { return true; }
};

class AuditLogTest : public testing::Test {
 protected:
  void SetUp() override {
    SetLogSink([this](LogLevel /*level*/, std::string_view line) {
      lines_.emplace_back(line);
    });
  }

  void TearDown() override {
    SetLogSink({});
    RcuBarrier();
  }

  static SaParameters Sa() {
    SaParameters sa;
    sa.direction = Direction::kInbound;
    sa.protocol = IpsecProtocol::kAh;
    sa.spi = Spi{0x1001};
    sa.source = *IpAddress::Parse("2001:db8::2");
    sa.destination = *IpAddress::Parse("2001:db8::1");
    sa.integrity = Integrity::kHmacSha2_256_128;
    sa.integrity_key = SecretBytes(std::vector<std::uint8_t>(32, 0x5a));
    sa.selector = {.protocol = std::uint8_t{6},
                   .destination_port = std::uint16_t{80}};
    return sa;
  }

  // What the inbound pipeline tells of a packet on this SA.
  static AuditEvent Event(DropReason reason) {
    AuditEvent event;
    event.reason = reason;
    event.source = Sa().source;
    event.destination = Sa().destination;
    event.protocol = 51;
    event.spi = Sa().spi;
    event.sequence = 17;
    event.flow_label = 0xabcde;
    return event;
  }

  static bool Has(const std::string& line, const std::string& field) {
    return (line + " ").find(" " + field + " ") != std::string::npos;
  }

  DeafSink sink_;
  Sadb sadb_{sink_};
  std::vector<std::string> lines_;
};

// IN-03, ESP-31, AH-40, AH-42
// AUD-03 AUD-04 AUD-05 AUD-06 AUD-07: each event of RFC 4302 and 4303 has a line
// with SPI, addresses, sequence number and flow label; the log adds the time.
TEST_F(AuditLogTest, TellsEachEventWithWhatTheRfcsAskFor) {
  AuditLog log(sadb_, AuditLog::Switch::kOn);
  for (const DropReason reason :
       {DropReason::kNoSaForSpi, DropReason::kFragment,
        DropReason::kSequenceExhausted, DropReason::kReplayTooOld,
        DropReason::kReplayDuplicate, DropReason::kBadIcv}) {
    lines_.clear();
    log.Write(Event(reason), Instant());
    ASSERT_EQ(lines_.size(), 1u);
    EXPECT_TRUE(lines_[0].starts_with("packet_refused ")) << lines_[0];
    for (const std::string& field :
         {"reason=" + std::string(NameOf(reason)),
          std::string("spi=0x00001001"), std::string("sequence=17"),
          std::string("source=2001:db8::2"),
          std::string("destination=2001:db8::1"), std::string("protocol=51"),
          std::string("flow_label=703710")}) {
      EXPECT_TRUE(Has(lines_[0], field)) << field << " in " << lines_[0];
    }
  }
}

// AUD-08 AUD-10 IN-06: with the SA's selectors, and what was judged by them.
TEST_F(AuditLogTest, TellsTheSelectorsOfTheSaAndWhatItCarried) {
  ASSERT_TRUE(sadb_.Add(Sa(), {}, Instant()).ok());
  AuditLog log(sadb_, AuditLog::Switch::kOn);
  AuditEvent event = Event(DropReason::kSelectorMismatch);
  event.association = Sa().identity();
  event.judged = Traffic(
      {Sa().destination, Sa().source, 0, 0, 58},
      Aspect(Direction::kInbound, Aspect::Shows::kMessage, 3 * 256 + 4));
  log.Write(event, Instant());
  ASSERT_EQ(lines_.size(), 1u);
  EXPECT_NE(lines_[0].find("selector=\"protocol=6 destination_port=80\""),
            std::string::npos)
      << lines_[0];
  EXPECT_TRUE(Has(lines_[0], "message=3/4")) << lines_[0];
  EXPECT_EQ(lines_[0].find("5a5a"), std::string::npos);
}

// ECN-07
TEST_F(AuditLogTest, TellsOfUnusedMarks) {
  AuditLog log(sadb_, AuditLog::Switch::kOn);
  AuditEvent event = Event(DropReason{});
  event.kind = AuditEvent::Kind::kUnusedEcn;
  event.ecn = {.outer = 2, .inner = 1};
  event.association = Sa().identity();
  for (int i = 0; i < 100; ++i) {
    log.Write(event, Instant());
  }
  ASSERT_EQ(lines_.size(), LogLimiter::Rate().burst);
  EXPECT_TRUE(lines_[0].starts_with("unused_ecn ")) << lines_[0];
  EXPECT_TRUE(Has(lines_[0], "outer=ect0")) << lines_[0];
  EXPECT_TRUE(Has(lines_[0], "inner=ect1")) << lines_[0];
  EXPECT_TRUE(Has(lines_[0], "sequence=17")) << lines_[0];
}

// DEF-38
// AUD-12: a flood costs a handful of lines, and is counted.
TEST_F(AuditLogTest, WritesAFewLinesOfAFlood) {
  AuditLog log(sadb_, AuditLog::Switch::kOn);
  Instant now{std::chrono::hours(1)};
  for (int i = 0; i < 100000; ++i) {
    log.Write(Event(DropReason::kBadIcv), now);
  }
  EXPECT_EQ(lines_.size(), LogLimiter::Rate().burst);
  // Another event is not kept waiting by it.
  log.Write(Event(DropReason::kNoSaForSpi), now);
  EXPECT_EQ(lines_.size(), LogLimiter::Rate().burst + 1);
  now += std::chrono::seconds(1);
  log.Write(Event(DropReason::kBadIcv), now);
  EXPECT_TRUE(Has(lines_.back(), "suppressed=99995")) << lines_.back();
}

// AUD-01
TEST_F(AuditLogTest, IsSilentWhenSwitchedOff) {
  AuditLog log(sadb_, AuditLog::Switch::kOff);
  log.Write(Event(DropReason::kBadIcv), Instant());
  EXPECT_TRUE(lines_.empty());
}

}  // namespace
}  // namespace postern
