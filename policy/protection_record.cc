// SPDX-License-Identifier: Apache-2.0

#include "policy/protection_record.h"

#include "sadb/sa_strength.h"

namespace postern {
namespace {

const SecurityAssociation* FindOf(Category category,
                                  ProtectionRecord::Associations associations) {
  for (const SecurityAssociation* association : associations) {
    const SaParameters& sa = association->parameters();
    if (FindCategory(sa.protocol, sa.found_as()) == category) {
      return association;
    }
  }
  return nullptr;
}

}  // namespace

void ProtectionRecord::Note(Direction direction, Associations associations) {
  Side& here = side(direction);
  for (const Category category : kCategories) {
    const SecurityAssociation* const now = FindOf(category, associations);
    const std::uint64_t id = now == nullptr ? 0 : now->generation_id();
    const std::uint64_t known =
        here.ids[static_cast<std::size_t>(category)].load(
            std::memory_order_relaxed);
    if (id != known) {
      Change(here, category, now);
    }
  }
}

void ProtectionRecord::Change(Side& side, Category category,
                              const SecurityAssociation* to) {
  const auto at = static_cast<std::size_t>(category);
  const MutexLock lock(mutex_);
  if (!side.summaries) {
    side.summaries = std::make_unique<Summaries>();
  }
  std::optional<SaSummary>& summary = (*side.summaries)[at];
  if (to == nullptr) {
    summary.reset();
    side.ids[at].store(0, std::memory_order_relaxed);
    return;
  }
  const SaParameters& sa = to->parameters();
  summary = SaSummary{.spi = sa.spi,
                      .algorithms = AlgorithmsOf(sa),
                      .key_bits = KeyBits(sa),
                      .peer = sa.peer_identity};
  side.ids[at].store(to->generation_id(), std::memory_order_relaxed);
}

std::optional<SaSummary> ProtectionRecord::Find(Direction direction,
                                                Category category) const {
  const Side& here = direction == Direction::kOutbound ? outbound_ : inbound_;
  const MutexLock lock(mutex_);
  return here.summaries ? (*here.summaries)[static_cast<std::size_t>(category)]
                        : std::nullopt;
}

}  // namespace postern
