// SPDX-License-Identifier: Apache-2.0
//
// The part of an SA's settings that is about the outer header of tunnel mode, and
// about hiding how large and how many the packets in it are.
//
// Thread safety: plain functions, Thread-safe.

#ifndef POSTERN_SETTINGS_SA_TUNNEL_SETTINGS_H_
#define POSTERN_SETTINGS_SA_TUNNEL_SETTINGS_H_

#include "sadb/sa_parameters.h"
#include "settings/section.h"
#include "settings/value.h"

namespace postern {

// dont_fragment, dscp, hop_limit, flow_label, tfc_pad_to. Does not call Finish().
void ReadTunnelOptions(Section& section, SaParameters& parameters);

// dummy_interval_ms, dummy_octets. Does not call Finish().
void ReadDummies(Section& section, SaParameters& parameters);

// The same, appended as they would be written.
void DescribeTunnelOptions(const SaParameters& parameters, Object& members);
void DescribeDummies(const SaParameters& parameters, Object& members);

}  // namespace postern

#endif  // POSTERN_SETTINGS_SA_TUNNEL_SETTINGS_H_
