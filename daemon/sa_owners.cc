// SPDX-License-Identifier: Apache-2.0

#include "daemon/sa_owners.h"

namespace postern {

void SaOwners::Note(SocketCookie owner, const SaIdentity& sa) {
  if (before_note_) {
    before_note_();
  }
  Forget(sa);  // of a dead one that had this identity
  owners_[owner].sas.insert(sa);
  owner_of_[sa] = owner;
  doubted_.insert(owner);
}

void SaOwners::Forget(const SaIdentity& sa) {
  const auto found = owner_of_.find(sa);
  if (found == owner_of_.end()) {
    return;
  }
  const auto owner = owners_.find(found->second);
  owner->second.sas.erase(sa);
  if (owner->second.sas.empty()) {
    doubted_.erase(owner->first);
    owners_.erase(owner);  // TakeDue() passes over what is in leaving_
  }
  owner_of_.erase(found);
}

void SaOwners::ForgetAll() {
  owners_.clear();
  owner_of_.clear();
  leaving_.clear();
  doubted_.clear();
}

void SaOwners::KnowFlow(SocketCookie owner, const FlowKey& flow) {
  if (const auto found = owners_.find(owner); found != owners_.end()) {
    found->second.flow = flow;
  }
}

void SaOwners::Retire(SocketCookie owner, Instant now) {
  const auto found = owners_.find(owner);
  if (found == owners_.end() || found->second.due) {
    return;
  }
  found->second.due = now + kLinger;
  leaving_.emplace(now + kLinger, owner);
  doubted_.erase(owner);
}

std::vector<SaIdentity> SaOwners::TakeDue(Instant now) {
  std::vector<SaIdentity> due;
  while (!leaving_.empty() && leaving_.begin()->first <= now) {
    const auto owner = owners_.find(leaving_.begin()->second);
    // Unless it has other SAs by now, made after its first ones went.
    if (owner != owners_.end() && owner->second.due &&
        *owner->second.due <= now) {
      due.insert(due.end(), owner->second.sas.begin(), owner->second.sas.end());
      for (const SaIdentity& sa : owner->second.sas) {
        owner_of_.erase(sa);
      }
      doubted_.erase(owner->first);
      owners_.erase(owner);
    }
    leaving_.erase(leaving_.begin());
  }
  return due;
}

void SaOwners::DoubtAll() {
  for (const auto& [cookie, owner] : owners_) {
    if (!owner.due) {
      doubted_.insert(cookie);
    }
  }
}

std::vector<SaOwners::Doubt> SaOwners::TakeDoubted(std::size_t most) {
  std::vector<Doubt> taken;
  while (!doubted_.empty() && taken.size() < most) {
    const auto first = doubted_.begin();
    const auto owner = owners_.find(*first);
    if (owner != owners_.end() && owner->second.flow) {
      taken.push_back({owner->first, *owner->second.flow});
    }
    doubted_.erase(first);
  }
  return taken;
}

}  // namespace postern
