// SPDX-License-Identifier: Apache-2.0
//
// Text in columns.
//
// Thread safety: plain values.

#ifndef POSTERN_CLI_TABLE_H_
#define POSTERN_CLI_TABLE_H_

#include <string>
#include <vector>

namespace postern {

using Row = std::vector<std::string>;

// Each column as wide as its widest cell, two blanks between, no blanks at a
// line's end.
// REQUIRES: no row has more cells than the first.
std::string InColumns(const std::vector<Row>& rows);

}  // namespace postern

#endif  // POSTERN_CLI_TABLE_H_
