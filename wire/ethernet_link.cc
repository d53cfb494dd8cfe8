// SPDX-License-Identifier: Apache-2.0

#include "wire/ethernet_link.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <set>
#include <utility>

#include "core/log/log.h"
#include "wire/ethernet.h"
#include "wire/mld.h"
#include "wire/udp_peers.h"

namespace postern {
namespace {

using Report = Neighbours::Report;

// RFC 5227 1.1: ANNOUNCE_NUM, ANNOUNCE_INTERVAL, DEFEND_INTERVAL.
constexpr unsigned kAnnouncements = 2;
constexpr Duration kAnnounceInterval = std::chrono::seconds(2);
constexpr Duration kDefendInterval = std::chrono::seconds(10);

// Well within the 260 s for which a switch remembers (RFC 3810 9.4).
constexpr Duration kReportInterval = std::chrono::seconds(60);
constexpr std::size_t kGroupsAtATime = 60;  // fit the least MTU

IpAddress LastOf(const IpPrefix& prefix) {
  std::array<std::uint8_t, IpAddress::kV4Octets> octets{};
  CopyBytes(octets, prefix.address().octets());
  for (unsigned bit = prefix.length(); bit < 32; ++bit) {
    octets[bit / 8] |= static_cast<std::uint8_t>(0x80U >> bit % 8);
  }
  return IpAddress::FromV4(octets);
}

// What was held has an empty header.
void PutHeader(Neighbours::Frame& frame, const MacAddress& to,
               const MacAddress& from) {
  const bool v4 = frame[kEthernetHeaderSize] >> 4U == 4;
  const EthernetHeader header{to, from,
                              v4 ? EtherType::kIpv4 : EtherType::kIpv6};
  header.Write(frame);
}

Report::Occasion OccasionOf(const NeighbourMessage& advertisement) {
  return advertisement.has(NeighbourMessage::kSolicited)
             ? Report::Occasion::kAnswered
             : Report::Occasion::kHeard;
}

Report::Claim ClaimOf(const NeighbourMessage& advertisement) {
  return advertisement.has(NeighbourMessage::kOverride)
             ? Report::Claim::kReplaces
             : Report::Claim::kCastsDoubt;
}

}  // namespace

EthernetLink::EthernetLink(Options options)
    : options_(std::move(options)), neighbours_(options_.neighbours) {}

bool EthernetLink::IsOwn(const IpAddress& address) const {
  return std::ranges::any_of(options_.addresses, [&](const LinkAddress& own) {
    return own.address == address;
  });
}

// Under which own address we ask for a neighbour: best one of his own prefix.
const IpAddress* EthernetLink::SourceTowards(const IpAddress& neighbour) const {
  const IpAddress* source = nullptr;
  for (const LinkAddress& own : options_.addresses) {
    if (IpPrefix(own.address, own.prefix_length).Contains(neighbour)) {
      return &own.address;
    }
    if (source == nullptr && own.address.family() == neighbour.family()) {
      source = &own.address;
    }
  }
  return source;
}

bool EthernetLink::IsBroadcast(const IpAddress& address) const {
  if (address.family() != IpFamily::kV4) {
    return false;
  }
  // A prefix of 31 or 32 bits has no broadcast address (RFC 3021).
  constexpr unsigned kLongest = 30;
  return address == LastOf(IpPrefix(IpAddress(), 0)) ||
         std::ranges::any_of(options_.addresses, [&](const LinkAddress& own) {
           return own.address.family() == IpFamily::kV4 &&
                  own.prefix_length <= kLongest &&
                  LastOf(IpPrefix(own.address, own.prefix_length)) == address;
         });
}

Opinion<EthernetLink::NextHop> EthernetLink::Towards(
    const IpAddress& destination) const {
  if (destination.is_multicast()) {
    return NextHop{destination, MacAddress::OfGroup(destination)};
  }
  if (IsBroadcast(destination)) {
    return NextHop{destination, MacAddress::Broadcast()};
  }
  if (SourceTowards(destination) == nullptr) {
    return DropReason::kNoGateway;  // nobody to ask in the name of
  }
  const bool on_link =
      destination.is_link_local() ||
      std::ranges::any_of(options_.addresses, [&](const LinkAddress& own) {
        return IpPrefix(own.address, own.prefix_length).Contains(destination);
      });
  if (on_link) {
    return NextHop{destination, std::nullopt};
  }
  const auto gateway = FirstOf(destination.family(), options_.gateways);
  if (!gateway) {
    return DropReason::kNoGateway;
  }
  return NextHop{*gateway, std::nullopt};
}

std::optional<Neighbours::Way> EthernetLink::FindWay(const IpAddress& neighbour,
                                                     ConstBytes packet,
                                                     Instant now,
                                                     WorkerStats& stats,
                                                     const Sink& send) {
  const MutexLock lock(mutex_);
  const bool is_gateway = std::ranges::find(options_.gateways, neighbour) !=
                          options_.gateways.end();
  Neighbours::Answer answer =
      neighbours_.Find(neighbour, now,
                       is_gateway ? Neighbours::Standing::kAlwaysWanted
                                  : Neighbours::Standing::kAnyone);
  if (answer.question) {
    stats.Add(Count::kNeighbourQuestions);
    send({FrameOf(*answer.question)});
  }
  if (answer.is_refused) {
    stats.Drop(DropReason::kNeighbourLimited);
  } else if (!answer.way) {
    Neighbours::Frame frame(kEthernetHeaderSize + packet.size());
    CopyBytes(Bytes(frame).subspan(kEthernetHeaderSize), packet);
    answer.dropped += neighbours_.Hold(neighbour, std::move(frame));
  }
  for (std::size_t i = 0; i < answer.dropped; ++i) {
    stats.Drop(DropReason::kNoNeighbour);
  }
  Publish();
  return answer.way;
}

Passage EthernetLink::HearArp(ConstBytes message, Instant now,
                              WorkerStats& stats, const Sink& send) {
  const Opinion<ArpMessage> heard = ArpMessage::Parse(message);
  if (!heard.ok()) {
    return heard.error();
  }
  const bool asks_us = heard->operation == ArpMessage::Operation::kRequest &&
                       IsOwn(heard->target);
  const bool answers_us = heard->operation == ArpMessage::Operation::kReply &&
                          heard->target_mac == mac();
  const MutexLock lock(mutex_);
  const bool claims_ours = IsOwn(heard->sender);
  if (!asks_us && !claims_ours && !neighbours_.Knows(heard->sender)) {
    return Pass();
  }
  Frames frames;
  if (claims_ours) {
    NoteConflict(heard->sender, heard->sender_mac, now, stats, frames);
  } else {
    Learn({.neighbour = heard->sender,
           .mac = heard->sender_mac,
           .occasion = answers_us ? Report::Occasion::kAnswered
                                  : Report::Occasion::kHeard},
          now, frames);
    if (asks_us) {
      stats.Add(Count::kNeighbourAnswers);
      frames.push_back(AnswerTo(*heard));
    }
  }
  send(std::move(frames));
  Publish();
  return Pass();
}

Passage EthernetLink::HearNeighbour(ConstBytes packet, const MacAddress& from,
                                    Instant now, WorkerStats& stats,
                                    const Sink& send) {
  const Opinion<NeighbourMessage> heard = NeighbourMessage::Parse(packet);
  if (!heard.ok()) {
    return heard.error();
  }
  const bool advertises = heard->type == NeighbourMessage::Type::kAdvertisement;
  const bool asks_us = !advertises && IsOwn(heard->target);
  if (asks_us && !from.is_station()) {
    return DropReason::kBadNeighbourMessage;  // an answer would go to all
  }
  const IpAddress& speaker = advertises ? heard->target : heard->source;
  const MutexLock lock(mutex_);
  const bool claims_ours = IsOwn(speaker);
  if (!asks_us && !claims_ours && !neighbours_.Knows(speaker)) {
    return Pass();
  }
  Frames frames;
  if (claims_ours) {
    if (heard->mac) {
      NoteConflict(speaker, *heard->mac, now, stats, frames);
    }
  } else {
    Report report{.neighbour = speaker, .mac = heard->mac};
    if (advertises) {
      report.occasion = OccasionOf(*heard);
      report.claim = ClaimOf(*heard);
    }
    Learn(report, now, frames);
    if (asks_us) {
      stats.Add(Count::kNeighbourAnswers);
      frames.push_back(AnswerTo(*heard, from));
    }
  }
  send(std::move(frames));
  Publish();
  return Pass();
}

void EthernetLink::Tick(Instant now, WorkerStats& stats, const Sink& send) {
  const MutexLock lock(mutex_);
  Frames frames;
  if (announced_ < kAnnouncements && now >= announce_due_) {
    Announce(now, frames);
  } else if (now >= report_due_) {
    TellGroups(now, frames);
  }
  const Neighbours::Lapse lapse = neighbours_.Tick(now);
  for (const Neighbours::Question& question : lapse.questions) {
    stats.Add(Count::kNeighbourQuestions);
    frames.push_back(FrameOf(question));
  }
  for (std::size_t i = 0; i < lapse.dropped; ++i) {
    stats.Drop(DropReason::kNoNeighbour);
  }
  send(std::move(frames));
  Publish();
}

void EthernetLink::Announce(Instant now, Frames& frames) {
  for (const LinkAddress& own : options_.addresses) {
    frames.push_back(Announcement(own.address));
  }
  TellGroups(now, frames);
  ++announced_;
  announce_due_ = now + kAnnounceInterval;
}

void EthernetLink::AnnounceAgain() {
  const MutexLock lock(mutex_);
  announced_ = 0;
  announce_due_ = Instant();
  report_due_ = Instant();
  Publish();
}

// Nobody has to be told of the group of all nodes (RFC 3810 6).
void EthernetLink::TellGroups(Instant now, Frames& frames) {
  std::set<IpAddress> groups;
  for (const LinkAddress& own : options_.addresses) {
    if (own.address.family() == IpFamily::kV6) {
      groups.insert(SolicitedNodeGroup(own.address));
    }
  }
  report_due_ = groups.empty() ? Instant::max() : now + kReportInterval;
  std::vector<IpAddress> some;
  for (const IpAddress& group : groups) {
    some.push_back(group);
    if (some.size() == kGroupsAtATime || group == *groups.rbegin()) {
      frames.push_back(ListenerReport(mac(), some));
      some.clear();
    }
  }
}

void EthernetLink::Learn(const Report& report, Instant now, Frames& frames) {
  for (Neighbours::Frame& held : neighbours_.Learn(report, now)) {
    PutHeader(held, *report.mac, mac());
    frames.push_back(std::move(held));
  }
}

// Our own frames come back from some devices: that is no conflict.
void EthernetLink::NoteConflict(const IpAddress& own, const MacAddress& other,
                                Instant now, WorkerStats& stats,
                                Frames& frames) {
  if (other == mac()) {
    return;
  }
  stats.Add(Count::kAddressConflicts);
  const auto [defended, is_first] = defended_.try_emplace(own, now);
  if (!is_first && now - defended->second < kDefendInterval) {
    return;
  }
  defended->second = now;
  Log(LogLevel::kWarning, "address_conflict",
      {{"address", own.ToString()},
       {"also_at", other.ToString()},
       {"effect", "packets may go there"},
       {"to_end_it", "give one of the two another address"}});
  frames.push_back(Announcement(own));
}

void EthernetLink::Publish() {
  std::optional<Instant> due = neighbours_.NextDue();
  if (announced_ < kAnnouncements) {
    due = Earlier(due, announce_due_);
  }
  if (report_due_ != Instant::max()) {
    due = Earlier(due, report_due_);
  }
  generation_.store(neighbours_.changes(), std::memory_order_release);
  next_due_.store(due ? due->time_since_epoch().count() : kNever,
                  std::memory_order_release);
}

ArpMessage EthernetLink::ArpRequest(const IpAddress& source,
                                    const IpAddress& target) const {
  return {.operation = ArpMessage::Operation::kRequest,
          .sender_mac = mac(),
          .sender = source,
          .target_mac = {},
          .target = target};
}

NeighbourMessage EthernetLink::Advertisement(const IpAddress& own) const {
  return {.type = NeighbourMessage::Type::kAdvertisement,
          .flags = NeighbourMessage::kOverride,
          .source = own,
          .destination = AllNodesGroup(),
          .target = own,
          .mac = mac()};
}

Neighbours::Frame EthernetLink::FrameOf(
    const Neighbours::Question& question) const {
  const IpAddress& source = *SourceTowards(question.target);
  if (question.target.family() == IpFamily::kV4) {
    return ArpRequest(source, question.target)
        .Frame(question.to.value_or(MacAddress::Broadcast()));
  }
  const IpAddress group = SolicitedNodeGroup(question.target);
  const NeighbourMessage solicitation{
      .type = NeighbourMessage::Type::kSolicitation,
      .source = source,
      .destination = question.to ? question.target : group,
      .target = question.target,
      .mac = mac()};
  return solicitation.Frame(mac(),
                            question.to.value_or(MacAddress::OfGroup(group)));
}

Neighbours::Frame EthernetLink::Announcement(const IpAddress& own) const {
  return own.family() == IpFamily::kV4
             ? ArpRequest(own, own).Frame(MacAddress::Broadcast())
             : Advertisement(own).Frame(mac(),
                                        MacAddress::OfGroup(AllNodesGroup()));
}

Neighbours::Frame EthernetLink::AnswerTo(const ArpMessage& request) const {
  const ArpMessage reply{.operation = ArpMessage::Operation::kReply,
                         .sender_mac = mac(),
                         .sender = request.target,
                         .target_mac = request.sender_mac,
                         .target = request.sender};
  return reply.Frame(request.sender_mac);
}

// RFC 4861 7.2.4: who has no address yet asks whether he may have ours; the
// answer is for all.
Neighbours::Frame EthernetLink::AnswerTo(const NeighbourMessage& solicitation,
                                         const MacAddress& from) const {
  if (solicitation.source.is_unspecified()) {
    return Announcement(solicitation.target);
  }
  NeighbourMessage advertisement = Advertisement(solicitation.target);
  advertisement.flags |= NeighbourMessage::kSolicited;
  advertisement.destination = solicitation.source;
  return advertisement.Frame(mac(), solicitation.mac.value_or(from));
}

}  // namespace postern
