// SPDX-License-Identifier: Apache-2.0

#include "state/sqlite.h"

#include <sqlite3.h>

namespace postern {

void SqliteStatement::Free::operator()(sqlite3_stmt* statement) const {
  ::sqlite3_finalize(statement);
}

void SqliteStatement::Bind(int parameter, ConstBytes octets) {
  // A null destructor is SQLITE_STATIC: the octets are not copied.
  ::sqlite3_bind_blob64(statement_.get(), parameter, octets.data(),
                        octets.size(), nullptr);
}

SqliteStatement::Step SqliteStatement::Next() {
  switch (::sqlite3_step(statement_.get())) {
    case SQLITE_ROW:
      return Step::kRow;
    case SQLITE_DONE:
      return Step::kDone;
    default:
      return Step::kFailed;
  }
}

ConstBytes SqliteStatement::Blob(int column) const {
  // In this order: asking for the content may change the type and the size.
  const void* const content = ::sqlite3_column_blob(statement_.get(), column);
  const int size = ::sqlite3_column_bytes(statement_.get(), column);
  return {static_cast<const std::uint8_t*>(content),
          static_cast<std::size_t>(size)};
}

std::string SqliteStatement::Text(int column) const {
  const ConstBytes octets = Blob(column);
  return {octets.begin(), octets.end()};
}

std::int64_t SqliteStatement::Number(int column) const {
  return ::sqlite3_column_int64(statement_.get(), column);
}

void SqliteStatement::Reset() {
  ::sqlite3_reset(statement_.get());
  ::sqlite3_clear_bindings(statement_.get());
}

void SqliteConnection::Close::operator()(sqlite3* connection) const {
  ::sqlite3_close_v2(connection);
}

Result<SqliteConnection> SqliteConnection::Open(
    const std::filesystem::path& file) {
  sqlite3* raw = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW |
                    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = ::sqlite3_open_v2(file.c_str(), &raw, flags, nullptr);
  Handle connection(raw);  // given even when opening failed
  if (code != SQLITE_OK) {
    return Error{ErrorCode::kSystem, file.string() + " could not be opened: " +
                                         ::sqlite3_errstr(code)};
  }
  return SqliteConnection(std::move(connection), file);
}

Status SqliteConnection::Run(const std::string& sql) {
  const int code =
      ::sqlite3_exec(connection_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? Ok() : Status(Failure());
}

Result<SqliteStatement> SqliteConnection::Prepare(const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  const int code =
      ::sqlite3_prepare_v2(connection_.get(), sql.data(),
                           static_cast<int>(sql.size()), &statement, nullptr);
  if (code != SQLITE_OK) {
    return Failure();
  }
  return SqliteStatement(statement);
}

Result<std::string> SqliteConnection::Ask(const std::string& sql) {
  Result<SqliteStatement> question = Prepare(sql);
  if (!question.ok()) {
    return question.error();
  }
  switch (question->Next()) {
    case SqliteStatement::Step::kRow:
      return question->Text(0);
    case SqliteStatement::Step::kDone:
      return Invalid(file_.string() + " gives no answer to \"" + sql + "\"");
    case SqliteStatement::Step::kFailed:
      break;
  }
  return Failure();
}

Error SqliteConnection::Failure() const {
  const int code = ::sqlite3_errcode(connection_.get()) & 0xff;
  const bool damaged = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
  return {damaged ? ErrorCode::kInvalid : ErrorCode::kSystem,
          file_.string() + ": " + ::sqlite3_errmsg(connection_.get())};
}

bool SqliteConnection::failed_for_good() const {
  const int code = ::sqlite3_errcode(connection_.get()) & 0xff;
  return code == SQLITE_CORRUPT || code == SQLITE_NOTADB ||
         code == SQLITE_IOERR;
}

}  // namespace postern
