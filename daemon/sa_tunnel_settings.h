// SPDX-License-Identifier: Apache-2.0
//
// The part of an SA's settings that is about the outer header of tunnel mode, and
// about hiding the sizes of what is in it.
//
// Thread safety: plain functions, Thread-safe.

#ifndef POSTERN_DAEMON_SA_TUNNEL_SETTINGS_H_
#define POSTERN_DAEMON_SA_TUNNEL_SETTINGS_H_

#include "daemon/section.h"
#include "daemon/value.h"
#include "sadb/sa_parameters.h"

namespace postern {

// dont_fragment, dscp, hop_limit, flow_label, tfc_pad_to. Does not call Finish().
void ReadTunnelOptions(Section& section, SaParameters& parameters);

// The same, appended as they would be written.
void DescribeTunnelOptions(const SaParameters& parameters, Object& members);

}  // namespace postern

#endif  // POSTERN_DAEMON_SA_TUNNEL_SETTINGS_H_
