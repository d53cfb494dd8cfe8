// SPDX-License-Identifier: Apache-2.0

#include "sadb/sadb.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/keyed_hash.h"
#include "core/mutex.h"
#include "core/rcu.h"
#include "sadb/outbound_table.h"
#include "sadb/rcu_hash_table.h"
#include "sadb/sole_keys.h"

namespace postern {
namespace {

std::uint64_t HashOf(const SaIdentity& identity) {
  std::array<std::uint8_t, 1 + 4 + 16> octets{};
  Writer out(octets);
  out.Write(static_cast<std::uint8_t>(identity.protocol));
  out.Write(Number(identity.spi));
  out.Put(identity.destination.octets());
  return KeyedHash(out.written());
}

Error NoSuchSa(const SaIdentity& identity) {
  return {ErrorCode::kNotFound,
          "there is no SA " + ToString(identity) + "; add it first"};
}

}  // namespace

// One SA and its places in the tables, in one piece of memory.
struct Sadb::Entry : RcuHashNode {
  Entry(SaParameters parameters, const SecurityAssociation::Start& start,
        Instant now, std::uint64_t id, SaEventSink& sink)
      : association(std::move(parameters), start, now, id, sink),
        link(association) {}

  bool Has(const SaIdentity& identity) const {
    const SaParameters& own = association.parameters();
    return own.spi == identity.spi && own.protocol == identity.protocol &&
           own.destination == identity.destination;
  }

  SecurityAssociation association;
  OutboundLink link;
  std::optional<Instant> deadline;  // its place in Tables::deadlines_
};

class Sadb::Tables final : public SaEventSink {
 public:
  Tables(SaEventSink& sink, const Limits& limits,
         std::atomic<std::uint64_t>& generation, UdpPortSet& udp_ports)
      : sink_(sink),
        limits_(limits),
        generation_(generation),
        udp_ports_(udp_ports) {}

  ~Tables() override {
    for (Entry* entry : AllEntries()) {
      const std::unique_ptr<Entry> owned(Unlink(*entry));
    }
  }

  Tables(const Tables&) = delete;
  Tables& operator=(const Tables&) = delete;

  Status CheckFree(const SaParameters& parameters);
  void Insert(std::unique_ptr<Entry> owned, Instant now);
  void Remove(Entry& entry);
  std::size_t RemoveAll();
  void Schedule(Entry& entry, Instant now);
  void AgeDue(Instant now);
  void RemoveEnded();

  void RaiseGeneration() {
    generation_.fetch_add(1, std::memory_order_release);
  }

  // From any worker.
  bool Post(const SaEvent& event) override;

  Entry* Find(const SaIdentity& identity) const {
    return by_identity_.Find(HashOf(identity), identity);
  }

  SecurityAssociation* FindOf(Direction direction,
                              const SaIdentity& identity) const {
    Entry* const entry = Find(identity);
    const bool is_of = entry != nullptr &&
                       entry->association.parameters().direction == direction;
    return is_of ? &entry->association : nullptr;
  }

  const OutboundTable& outbound() const { return outbound_; }

  std::uint64_t NextId() { return ++last_id_; }

  std::size_t size() const { return size_; }

  void Visit(const std::function<void(Entry&)>& visit) const {
    by_identity_.Visit(visit);
  }

 private:
  // An SA that a bound or its last number has ended.
  struct Ended {
    SaEvent event;
    enum class Notice : std::uint8_t { kTaken, kOutstanding } notice;
  };

  std::vector<Entry*> AllEntries() const;
  std::unique_ptr<Entry> Unlink(Entry& entry);

  SaEventSink& sink_;
  const Limits limits_;
  std::atomic<std::uint64_t>& generation_;
  UdpPortSet& udp_ports_;

  RcuHashTable<Entry> by_identity_;
  OutboundTable outbound_;

  // The control thread's.
  std::size_t size_ = 0;
  std::uint64_t last_id_ = 0;
  SoleKeys sole_keys_;
  std::set<std::pair<Instant, Entry*>> deadlines_;

  Mutex mutex_;
  std::vector<Ended> ended_ POSTERN_GUARDED_BY(mutex_);
};

Status Sadb::Tables::CheckFree(const SaParameters& parameters) {
  if (Find(parameters.identity()) != nullptr) {
    return Error{ErrorCode::kExists, "there is an SA " +
                                         ToString(parameters.identity()) +
                                         " already; delete it first or choose "
                                         "another SPI"};
  }
  if (const SaParameters* same = sole_keys_.FindSame(parameters)) {
    return Error{ErrorCode::kExists,
                 std::string(parameters.protocol == IpsecProtocol::kEsp
                                 ? "encryption_key"
                                 : "integrity_key") +
                     " is also that of " + ToString(same->identity()) +
                     (CounterMaterial(parameters).empty()
                          ? ", and what a key of 64-bit blocks may encrypt is "
                            "for one SA; give each its own key"
                          : ", and two SAs with one key would use the same "
                            "IVs; give each its own key or salt")};
  }
  if (size_ >= limits_.associations) {
    return Error{ErrorCode::kExhausted,
                 "there are " + std::to_string(size_) +
                     " SAs, as many as allowed; delete some first"};
  }
  return Ok();
}

void Sadb::Tables::Insert(std::unique_ptr<Entry> owned, Instant now) {
  Entry& entry = *owned.release();  // Unlink() takes it back
  const SaParameters& parameters = entry.association.parameters();
  sole_keys_.Add(parameters);
  Schedule(entry, now);
  ++size_;
  by_identity_.Add(HashOf(parameters.identity()), entry);
  if (parameters.direction == Direction::kOutbound) {
    outbound_.Add(entry.link);
  } else if (parameters.encapsulation) {
    udp_ports_.Add(parameters.encapsulation->destination);
  }
  RaiseGeneration();
}

std::unique_ptr<Sadb::Entry> Sadb::Tables::Unlink(Entry& entry) {
  const SaParameters& parameters = entry.association.parameters();
  by_identity_.Remove(entry);
  if (parameters.direction == Direction::kOutbound) {
    outbound_.Remove(entry.link);
  } else if (parameters.encapsulation) {
    udp_ports_.Remove(parameters.encapsulation->destination);
  }
  sole_keys_.Remove(parameters);
  if (entry.deadline.has_value()) {
    deadlines_.erase({*entry.deadline, &entry});
  }
  --size_;
  return std::unique_ptr<Entry>(&entry);
}

void Sadb::Tables::Remove(Entry& entry) {
  // Workers that stand on the SA are refused from here on; those that keep it
  // see the generation rise; then the grace period begins.
  entry.association.Kill();
  Entry* const unlinked = Unlink(entry).release();
  RaiseGeneration();
  RcuDefer([unlinked] { const std::unique_ptr<Entry> owned(unlinked); });
}

std::size_t Sadb::Tables::RemoveAll() {
  // One grace period for all. A shared_ptr, because std::function copies.
  const auto unlinked = std::make_shared<std::vector<std::unique_ptr<Entry>>>();
  for (Entry* entry : AllEntries()) {
    entry->association.Kill();
    unlinked->push_back(Unlink(*entry));
  }
  const std::size_t count = unlinked->size();
  RaiseGeneration();
  RcuDefer([unlinked] { unlinked->clear(); });
  return count;
}

std::vector<Sadb::Entry*> Sadb::Tables::AllEntries() const {
  std::vector<Entry*> entries;
  entries.reserve(size_);
  Visit([&entries](Entry& entry) { entries.push_back(&entry); });
  return entries;
}

void Sadb::Tables::Schedule(Entry& entry, Instant now) {
  if (entry.deadline.has_value()) {
    deadlines_.erase({*entry.deadline, &entry});
  }
  // An event that nobody took is offered again at the next opportunity.
  entry.deadline = entry.association.has_pending_events()
                       ? std::optional(now)
                       : entry.association.NextDeadline(now);
  if (entry.deadline.has_value()) {
    deadlines_.insert({*entry.deadline, &entry});
  }
}

void Sadb::Tables::AgeDue(Instant now) {
  std::vector<Entry*> due;
  for (const auto& [deadline, entry] : deadlines_) {
    if (deadline > now) {
      break;
    }
    due.push_back(entry);
  }
  for (Entry* entry : due) {
    entry->association.Age(now);
    Schedule(*entry, now);
  }
}

bool Sadb::Tables::Post(const SaEvent& event) {
  if (event.kind != SaEvent::Kind::kHardExpired) {
    return sink_.Post(event);
  }
  // It comes once for each SA, so that it is never refused here; RemoveEnded()
  // offers it to the sink as often as needed.
  RaiseGeneration();
  const bool taken = sink_.Post(event);
  const MutexLock lock(mutex_);
  ended_.push_back(
      {event, taken ? Ended::Notice::kTaken : Ended::Notice::kOutstanding});
  return true;
}

void Sadb::Tables::RemoveEnded() {
  std::vector<Ended> ended;
  {
    const MutexLock lock(mutex_);
    ended.swap(ended_);
  }
  for (const Ended& end : ended) {
    Entry* const entry = Find(end.event.identity);
    if (entry == nullptr ||
        entry->association.generation_id() != end.event.generation_id) {
      continue;  // deleted meanwhile; the SPI may be another SA's (DEF-17)
    }
    if (end.notice == Ended::Notice::kOutstanding && !sink_.Post(end.event)) {
      const MutexLock lock(mutex_);
      ended_.push_back(end);
      continue;
    }
    Remove(*entry);
  }
}

Sadb::Sadb(SaEventSink& sink) : Sadb(sink, Limits{}) {}

Sadb::Sadb(SaEventSink& sink, const Limits& limits)
    : tables_(std::make_unique<Tables>(sink, limits, generation_, udp_ports_)) {
}

Sadb::~Sadb() = default;

Status Sadb::Add(SaParameters parameters,
                 const SecurityAssociation::Start& start, Instant now) {
  if (Status valid = Validate(parameters); !valid.ok()) {
    return valid;
  }
  Entry* const same = tables_->Find(parameters.identity());
  if (same != nullptr && !same->association.usable()) {
    tables_->Remove(*same);
  }
  if (Status free = tables_->CheckFree(parameters); !free.ok()) {
    return free;
  }
  tables_->Insert(std::make_unique<Entry>(std::move(parameters), start, now,
                                          tables_->NextId(), *tables_),
                  now);
  return Ok();
}

Status Sadb::Update(const SaIdentity& identity, const Lifetime& soft,
                    const Lifetime& hard, Instant now) {
  if (Status valid = ValidateLifetimes(soft, hard); !valid.ok()) {
    return valid;
  }
  Entry* const entry = tables_->Find(identity);
  if (entry == nullptr || !entry->association.usable()) {
    return NoSuchSa(identity);
  }
  Status cap = CheckCap(entry->association.parameters(), soft, hard);
  if (!cap.ok()) {
    return cap;
  }
  entry->association.SetLifetimes(soft, hard, now);
  tables_->Schedule(*entry, now);
  return Ok();
}

Status Sadb::Delete(const SaIdentity& identity) {
  Entry* const entry = tables_->Find(identity);
  if (entry == nullptr) {
    return NoSuchSa(identity);
  }
  tables_->Remove(*entry);
  return Ok();
}

std::size_t Sadb::Flush() {
  return tables_->RemoveAll();
}

SecurityAssociation* Sadb::Get(const SaIdentity& identity) {
  Entry* const entry = tables_->Find(identity);
  return entry == nullptr ? nullptr : &entry->association;
}

void Sadb::Dump(const std::function<void(SecurityAssociation&)>& visit) {
  tables_->Visit([&visit](Entry& entry) { visit(entry.association); });
}

void Sadb::Age(Instant now) {
  // Those that ended earlier have been announced: their receiver had until now
  // to look at them.
  tables_->RemoveEnded();
  tables_->AgeDue(now);
}

std::size_t Sadb::size() const {
  return tables_->size();
}

SecurityAssociation* Sadb::FindInbound(Spi spi, const IpAddress& destination,
                                       IpsecProtocol protocol) const {
  return tables_->FindOf(Direction::kInbound, {spi, destination, protocol});
}

SecurityAssociation* Sadb::FindSent(Spi spi, const IpAddress& destination,
                                    IpsecProtocol protocol) const {
  return tables_->FindOf(Direction::kOutbound, {spi, destination, protocol});
}

SecurityAssociation* Sadb::FindOutbound(const OutboundKey& key,
                                        const Traffic& traffic,
                                        const SaFilter* filter) const {
  return tables_->outbound().Find(key, traffic, filter);
}

}  // namespace postern
