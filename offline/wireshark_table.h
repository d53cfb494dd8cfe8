// SPDX-License-Identifier: Apache-2.0
//
// SAs as Wireshark and tshark read them to decrypt ESP: the lines of the file
// `esp_sa` in their configuration's directory. Comments in front name the SAs that
// cannot be decrypted, or whose ICVs cannot be checked, by Wireshark 4.0.
//
// The table holds keys: it is for its owner alone.
//
// Thread safety: a plain function, Thread-safe.

#ifndef POSTERN_OFFLINE_WIRESHARK_TABLE_H_
#define POSTERN_OFFLINE_WIRESHARK_TABLE_H_

#include <string>
#include <vector>

#include "sadb/sa_parameters.h"

namespace postern {

std::string WiresharkTable(const std::vector<SaParameters>& associations);

}  // namespace postern

#endif  // POSTERN_OFFLINE_WIRESHARK_TABLE_H_
